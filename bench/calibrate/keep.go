// Keep: the latest calibration of this machine, for the reports of later runs.

package calibrate

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

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

// Keeper is a sink that gathers a run, to be kept as a whole.
type Keeper struct {
	text bytes.Buffer
	all  map[string]bool
}

// Put takes a record.
func (k *Keeper) Put(r results.Record) error {
	if c, ok := r.(*results.Calibration); ok {
		if k.all == nil {
			k.all = map[string]bool{}
		}
		k.all[c.Part] = true
	}
	return results.NewEncoder(&k.text).Put(r)
}

// Whole reports whether the run is worth keeping in place of an older one: it
// tried what later reports speak of.
func (k *Keeper) Whole() bool { return k.all[Stall] && k.all[Floor] && k.all[Wire] }

// Save keeps the run, readable by its owner alone. A run that is being kept
// meanwhile leaves a whole file too.
func (k *Keeper) Save(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("keeping the calibration: %w", err)
	}
	err := wholefile.Write(file, 0o600, func(w io.Writer) error {
		_, err := w.Write(k.text.Bytes())
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping the calibration: %w", err)
	}
	return nil
}

// maxKept bounds a kept file.
const maxKept = 1 << 20

// Kept sums up the calibration that was kept in a file; nil if there is none, if
// it is not whole, or if it was made on another machine or kernel.
func Kept(file string, here results.Machine) *results.Calibrated {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	d, err := results.NewDecoder(io.LimitReader(f, maxKept))
	if err != nil || d.Header().Machine == nil || *d.Header().Machine != here {
		return nil
	}
	var checks []*results.Calibration
	for {
		r, err := d.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil
		}
		if c, ok := r.(*results.Calibration); ok {
			checks = append(checks, c)
		}
	}
	if d.Trailer() == nil {
		return nil
	}
	return sumUp(d.Header(), checks)
}

func sumUp(h *results.Header, checks []*results.Calibration) *results.Calibrated {
	s := &results.Calibrated{At: h.StartedAt, Version: h.ToolVersion, Verdict: results.CalibrationPass}
	for _, c := range checks {
		if c.Verdict == results.CalibrationFail || c.Verdict == results.CalibrationUnknown && s.Verdict != results.CalibrationFail {
			s.Verdict = c.Verdict
		}
		switch {
		case c.Part == Wire && c.Subject == string(bench.Lean) && c.Quantile == "p50" && c.DifferenceUS != nil && c.Verdict != results.CalibrationUnknown:
			if s.WireUS == nil {
				s.WireUS = map[string]float64{}
			}
			s.WireUS[c.Phase] = *c.DifferenceUS
		case c.Part == Stall && c.LimitRatio > 0 && c.ErrorRatio != nil:
			if e := max(*c.ErrorRatio, -*c.ErrorRatio); s.StallError == nil || e > *s.StallError {
				s.StallError = &e
			}
		}
	}
	return s
}
