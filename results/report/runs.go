// Recorded runs: reading them back, and replaying several as one stream.

package report

import (
	"errors"
	"fmt"
	"io"
	"time"

	"shakedown/results"
	"shakedown/results/contrast"
)

// Run is one recorded run. Its records share what they have alike: they are to be
// read, and not to be changed.
type Run struct {
	Name    string // the file's, for people; "" if it was not read from one
	Header  results.Header
	Records []results.Record
	Trailer *results.Trailer // nil: the run is partial
}

// Snapshot is the run as one that another is held against.
func (run Run) Snapshot() *contrast.Snapshot {
	s := new(contrast.Snapshot)
	s.Put(&run.Header)
	for _, r := range run.Records {
		s.Put(r)
	}
	if run.Trailer != nil {
		s.Put(run.Trailer)
	}
	return s
}

// Read reads a recorded run. One without its trailer is partial, and good as
// far as it goes.
func Read(name string, r io.Reader) (Run, error) {
	d, err := results.NewDecoder(r)
	if err != nil {
		return Run{}, fmt.Errorf("reading %s: %w", name, err)
	}
	run := Run{Name: name, Header: *d.Header()}
	var once results.Once
	for {
		rec, err := d.Next()
		if errors.Is(err, io.EOF) {
			run.Trailer = d.Trailer()
			return run, nil
		}
		if err != nil {
			return Run{}, fmt.Errorf("reading %s: %w", name, err)
		}
		run.Records = append(run.Records, once.Record(rec))
	}
}

// Replay puts runs into a sink as one stream: the first one's header, all
// records, one trailer that is complete only if each run was.
func Replay(runs []Run, sink results.Sink) error {
	if len(runs) == 0 {
		return errors.New("replaying: no runs")
	}
	head := runs[0].Header
	if err := sink.Put(&head); err != nil {
		return err
	}
	for _, run := range runs {
		for _, rec := range run.Records {
			if err := sink.Put(rec); err != nil {
				return err
			}
		}
	}
	return sink.Put(closing(runs))
}

// closing is the trailer of runs replayed as one.
func closing(runs []Run) *results.Trailer {
	t := &results.Trailer{Complete: true}
	for _, run := range runs {
		t.Records += len(run.Records)
		t.Complete = t.Complete && run.complete()
		t.ExitCode = worse(t.ExitCode, run.exitCode())
		if end := run.end(); end.After(t.EndedAt) {
			t.EndedAt = end
		}
	}
	return t
}

func (r Run) complete() bool { return r.Trailer != nil && r.Trailer.Complete }

// exitCode of a partial run is 3: what was asked was not all determined.
func (r Run) exitCode() int {
	if r.Trailer == nil {
		return 3
	}
	return r.Trailer.ExitCode
}

// end is when the run ended, or the last that is known of it.
func (r Run) end() time.Time {
	if r.Trailer != nil {
		return r.Trailer.EndedAt
	}
	last := r.Header.StartedAt
	for _, rec := range r.Records {
		if at := startOf(rec); at.After(last) {
			last = at
		}
	}
	return last
}

func startOf(rec results.Record) time.Time {
	switch rec := rec.(type) {
	case *results.Endpoint:
		return rec.StartedAt
	case *results.Trial:
		return rec.StartedAt
	case *results.Block:
		return rec.StartedAt
	}
	return time.Time{}
}

// worse orders exit codes as the contract does: 130 wins over 1, 1 over 3.
func worse(a, b int) int {
	order := []int{130, 1, 2, 3, 0}
	for _, code := range order {
		if a == code || b == code {
			return code
		}
	}
	return a
}
