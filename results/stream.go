// Stream and Sink: how records travel from a verb to its outputs.

package results

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Sink takes the records of a run, a *Header first and a *Trailer last. A Sink
// that renders as a whole does so at the Trailer.
type Sink interface {
	Put(Record) error
}

// Stream hands the records of one run to every sink, in one order. It is safe
// for concurrent use.
type Stream struct {
	mu      sync.Mutex
	sinks   []Sink
	records int
	failed  error // the first that a sink reported
}

// NewStream opens a run: every sink gets the header, with Schema filled in.
// A sink that fails gets no more records; the others go on.
func NewStream(h Header, sinks ...Sink) *Stream {
	h.Schema = Schema
	s := &Stream{sinks: append([]Sink(nil), sinks...)}
	s.put(&h)
	return s
}

// Put hands a record to every sink that still works. It returns the first
// error of any sink so far: the run is worth stopping, but may go on.
func (s *Stream) Put(r Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records++
	return s.put(r)
}

// Finish closes the run with a trailer that counts its records.
func (s *Stream) Finish(exitCode int, complete bool, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(&Trailer{Records: s.records, Complete: complete, ExitCode: exitCode, EndedAt: at})
}

func (s *Stream) put(r Record) error {
	for i, sink := range s.sinks {
		if sink == nil {
			continue
		}
		if err := sink.Put(r); err != nil {
			s.sinks[i] = nil
			s.failed = errors.Join(s.failed, fmt.Errorf("writing %s record: %w", r.Type(), err))
		}
	}
	return s.failed
}

// Err is what the sinks reported, or nil.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}
