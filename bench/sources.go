// Sources: the addresses and ports that connections come from, so that neither
// runs out.

package bench

import (
	"math"
	"net/netip"
	"time"

	"shakedown/bench/client"
	"shakedown/results"
)

// A connection that this end closes first, by FIN, keeps its port for a minute
// (TIME_WAIT), towards the same address and port of the server. So one source
// address makes at most ephemeral ÷ 60 = 470 connections a second for long.
const (
	ephemeral = 60999 - 32768 + 1 // ports of Linux's default range
	timeWait  = time.Minute
)

// manySources bounds those that are taken without being asked for.
const manySources = 250

// sourcesFor chooses the sources of a path: those of the plan that are of the
// address's family; else, to IPv4 on loopback, as many of 127.0.0.0/8 as the
// plan's connections need; else nil, and the system chooses.
func sourcesFor(p Plan, to netip.Addr) (list []netip.Addr) {
	to = to.Unmap()
	for _, a := range p.Sources {
		if a.Is4() == to.Is4() {
			list = append(list, a)
		}
	}
	n := needed(p)
	if len(p.Sources) > 0 || n < 2 || !to.Is4() || !to.IsLoopback() {
		return list
	}
	a := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	for range min(n, manySources) {
		list = append(list, a)
		a = a.Next()
	}
	return list
}

// needed is how many sources a plan's connections to one path need.
func needed(p Plan) int {
	if p.Closing == client.ByRST {
		return 1
	}
	rate := p.peak()
	if p.Loop == results.ClosedLoop {
		rate = float64(perThread * threads(p))
	}
	kept := rate * min(timeWait, p.Duration+time.Duration(p.Blocks)*p.WarmUp).Seconds()
	return int(math.Ceil(kept / (0.8 * ephemeral))) // some ports are others'
}
