// Keep: the latest calibration of this machine, for the reports of later runs.

package calibrate

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"shakedown/bench"
	"shakedown/results"
	"shakedown/results/wholefile"
)

// DefaultFile is where the latest calibration is kept (XDG Base Directories); ""
// if the environment names no place.
func DefaultFile(getenv func(string) string) string {
	state := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home := getenv("HOME")
		if home == "" {
			return ""
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "shakedown", "calibration.jsonl")
}

// Keeper is a sink that gathers a run, to be kept part by part: what one run tried
// takes the place of what an earlier one found of it, and leaves the rest.
type Keeper struct {
	kept
	ended time.Time
}

// kept is a calibration as it is kept. Checks that an earlier run made than the
// header's say when.
type kept struct {
	header *results.Header
	checks []*results.Calibration
}

// Put takes a record.
func (k *Keeper) Put(r results.Record) error {
	switch r := r.(type) {
	case *results.Header:
		k.header = r
	case *results.Calibration:
		k.checks = append(k.checks, r)
	case *results.Trailer:
		k.ended = r.EndedAt
	}
	return nil
}

// Save keeps the run, readable by its owner alone.
func (k *Keeper) Save(file string) error {
	if len(k.checks) == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("keeping the calibration: %w", err)
	}
	checks := k.checks
	if before := read(file, *k.header.Machine); before != nil {
		checks = joined(before, k.checks)
	}
	err := wholefile.Write(file, 0o600, func(w io.Writer) error {
		out := results.NewStream(*k.header, results.NewEncoder(w))
		for _, c := range checks {
			out.Put(c)
		}
		return out.Finish(0, true, k.ended)
	})
	if err != nil {
		return fmt.Errorf("keeping the calibration: %w", err)
	}
	return nil
}

// joined are the checks of two runs, each part as one of them has it.
func joined(before *kept, now []*results.Calibration) []*results.Calibration {
	var all []*results.Calibration
	for _, p := range Parts() {
		was, is := before.part(p), ofPart(now, p)
		if len(is) == 0 || outlives(was, is) {
			is = was
		}
		all = append(all, is...)
	}
	return all
}

// part is a part's checks, with the time of their making.
func (k *kept) part(name string) []*results.Calibration {
	checks := ofPart(k.checks, name)
	for _, c := range checks {
		if c.At == nil {
			c.At = &k.header.StartedAt
		}
	}
	return checks
}

func ofPart(checks []*results.Calibration, name string) []*results.Calibration {
	return slices.DeleteFunc(slices.Clone(checks), func(c *results.Calibration) bool { return c.Part != name })
}

// outlives reports whether what was found before tells more than what was found
// now: that a part could not be tried is no finding, and of two counts without a
// fault the one of more runs says more.
func outlives(was, is []*results.Calibration) bool {
	if len(was) == 0 {
		return false
	}
	before, now := worstOf(was), worstOf(is)
	switch {
	case now == results.CalibrationUnknown:
		return before != results.CalibrationUnknown
	case now == results.CalibrationFail, before != now:
		return false
	}
	return was[0].Runs > is[0].Runs
}

// worstOf is the verdict on checks together.
func worstOf(checks []*results.Calibration) string {
	worst := results.CalibrationPass
	for _, c := range checks {
		if c.Verdict == results.CalibrationFail || c.Verdict == results.CalibrationUnknown && worst != results.CalibrationFail {
			worst = c.Verdict
		}
	}
	return worst
}

// maxKept bounds a kept file.
const maxKept = 1 << 20

// Kept sums up the calibration that was kept in a file; nil if there is none, if
// it is not whole, or if it was made on another machine or kernel.
func Kept(file string, here results.Machine) *results.Calibrated {
	if k := read(file, here); k != nil {
		return k.sumUp()
	}
	return nil
}

func read(file string, here results.Machine) *kept {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	d, err := results.NewDecoder(io.LimitReader(f, maxKept))
	if err != nil || d.Header().Machine == nil || *d.Header().Machine != here {
		return nil
	}
	k := &kept{header: d.Header()}
	for {
		r, err := d.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil
		}
		if c, ok := r.(*results.Calibration); ok {
			k.checks = append(k.checks, c)
		}
	}
	if d.Trailer() == nil || len(k.checks) == 0 {
		return nil
	}
	return k
}

// sumUp is as old as the oldest part.
func (k *kept) sumUp() *results.Calibrated {
	s := &results.Calibrated{At: k.header.StartedAt, Version: k.header.ToolVersion, Verdict: worstOf(k.checks)}
	for _, p := range Parts() {
		switch checks := ofPart(k.checks, p); worstOf(checks) {
		case results.CalibrationFail:
			s.Failed = append(s.Failed, p)
		case results.CalibrationUnknown:
			s.Unknown = append(s.Unknown, p)
		}
	}
	for _, c := range k.checks {
		if c.At != nil && c.At.Before(s.At) {
			s.At = *c.At
		}
		if c.Verdict != results.CalibrationUnknown {
			add(s, c)
		}
	}
	return s
}

// add notes what one check found.
func add(s *results.Calibrated, c *results.Calibration) {
	switch {
	case c.Part == Wire && c.Subject == string(bench.Lean) && c.Quantile == "p50" && c.DifferenceUS != nil:
		if s.WireUS == nil {
			s.WireUS = map[string]float64{}
		}
		s.WireUS[c.Phase] = *c.DifferenceUS
	case c.Part == Stall && c.LimitRatio > 0 && c.ErrorRatio != nil:
		if e := max(*c.ErrorRatio, -*c.ErrorRatio); s.StallError == nil || e > *s.StallError {
			s.StallError = &e
		}
	case c.Part == Floor && c.Phase == "handshake" && c.Quantile == "p50":
		s.FloorUS = &c.MeasuredUS
	case c.Part == Same && c.Found != nil:
		s.Same = &results.Hits{Found: *c.Found, Of: c.Runs - c.Unfit}
	case c.Part == Planted && c.Found != nil:
		s.Planted = &results.Hits{Found: *c.Found, Of: c.Runs - c.Unfit, Ratio: c.Planted}
	}
}
