// Clocks: servers whose time is another than the scanning machine's.

package report

import (
	"fmt"
	"time"
)

// clockWords says how far a server's clock is off; "" where it is not.
func clockWords(e *endpoint) string {
	skew := e.PathFacts.ClockSkewS
	if skew == nil {
		return ""
	}
	off, way := time.Duration(*skew)*time.Second, "ahead of"
	if off < 0 {
		off, way = -off, "behind"
	}
	return fmt.Sprintf("its clock is %s %s this machine's: one of them is wrong", off, way)
}

// fewestClocks is how many servers have to agree against this machine's clock.
const fewestClocks = 2

// clockIssue says that the clock of the scanning machine looks wrong: if every
// server that told its time told another.
func clockIssue(d *digest) []issue {
	told, off := 0, 0
	var refs []ref
	for _, s := range d.sections {
		for _, e := range s.endpoints {
			if e.Protocol.HSTS == nil && e.PathFacts.ClockSkewS == nil {
				continue // no HTTP answered
			}
			told++
			if e.PathFacts.ClockSkewS != nil {
				off, refs = off+1, append(refs, e.ref)
			}
		}
	}
	if off < fewestClocks || off < told {
		return nil
	}
	return []issue{{level: warning, labels: []string{"this machine"}, words: fmt.Sprintf("its clock looks wrong: all %d servers that told the time told another; days left and expiry are not to be trusted", off), refs: refs}}
}
