// Siblings: the versions of one server, which mostly have the same suites. What
// one of them accepted is hoped for in all.

package scanner

import (
	"slices"
	"sync"

	"shakedown/scanner/wire"
)

// siblings are the versions up to TLS 1.2; TLS 1.3 has suites of its own.
type siblings struct {
	mu    sync.Mutex
	found []uint16 // each once
}

// learn notes that a suite was accepted.
func (s *siblings) learn(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.found, id) {
		s.found = append(s.found, id)
	}
}

// know counts the suites that were accepted.
func (s *siblings) know() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.found)
}

// raise heeds those that a version can have.
func (s *siblings) raise(version uint16, p prospects) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.found {
		if wire.LookupSuite(id).First <= version {
			p.learn(id)
		}
	}
}
