// Bars: how far ahead of the quicker and the cheaper of the two quick tools we
// want to be, and whether we are.

package main

import (
	"fmt"
	"strings"
	"time"
)

// The bars.
const (
	clientShare   = 1.0 / 10 // of the cheaper one's client CPU, over a farm
	loopbackShare = 1.0 / 3  // of the quicker one's wall, without a delay
	delayedShare  = 1.0 / 6  // the same, at a delay
	busyEnough    = 0.85     // of the wall the server worked: then we are not what is slow
	serverShare   = 1.0      // of nmap's server CPU, for a pair
)

// bar is one of them, held against the rows of the same endpoints at the same
// round trip.
type bar struct {
	of        row // ours
	what      string
	ours      string
	theirs    string // whose, and how much
	figure    string
	limit     string
	met       bool
	undecided string // why it cannot be said, if it cannot
}

// bars are all that can be held against these rows. Only the quick peers count, where
// they found all that we did: it is quick to look for less.
func bars(rows []row) []bar {
	var all []bar
	for _, mine := range rows {
		if mine.tool != shakedown {
			continue
		}
		peers := map[string]row{}
		for _, r := range rows {
			if r.endpoints == mine.endpoints && r.roundTrip == mine.roundTrip && (r.tool == "sslscan" || r.tool == "nmap") && len(r.lacking(mine.union())) == 0 {
				peers[r.tool] = r
			}
		}
		if mine.farm && mine.roundTrip == 0 {
			all = append(all, clientBar(mine, peers))
		}
		all = append(all, wallBar(mine, peers), serverBar(mine, peers))
	}
	return all
}

func clientBar(mine row, peers map[string]row) bar {
	return share(mine, peers, "client CPU an endpoint", "ms", func(f figures) time.Duration { return f.clientCPU }).hold(clientShare)
}

func wallBar(mine row, peers map[string]row) bar {
	wall := share(mine, peers, "wall", "s", func(f figures) time.Duration { return f.wall })
	if mine.roundTrip > 0 {
		return wall.hold(delayedShare)
	}
	b := wall.hold(loopbackShare)
	busy := mine.figures().busy
	b.limit += fmt.Sprintf(", or server ≥ %.0f %% busy", 100*busyEnough)
	b.figure += fmt.Sprintf(", server %.0f %% busy", 100*busy)
	b.met = b.undecided == "" && (b.met || busy >= busyEnough)
	return b
}

// serverBar is against nmap alone: sslscan finishes every handshake.
func serverBar(mine row, peers map[string]row) bar {
	nmap := map[string]row{}
	if r, ok := peers["nmap"]; ok {
		nmap["nmap"] = r
	}
	return share(mine, nmap, "server CPU a pair", "ms", func(f figures) time.Duration { return f.perPair }).hold(serverShare)
}

// quotient is held against a limit when the bar's words are made.
type quotient struct {
	bar
	value float64
}

// share is our figure as a share of the smaller of the peers'.
func share(mine row, peers map[string]row, what, unit string, of func(figures) time.Duration) quotient {
	q := quotient{bar: bar{of: mine, what: what, ours: amount(of(mine.figures()), unit)}}
	name, least := "", time.Duration(0)
	for _, tool := range []string{"sslscan", "nmap"} {
		r, ok := peers[tool]
		if v := of(r.figures()); ok && v > 0 && (name == "" || v < least) {
			name, least = tool, v
		}
	}
	switch {
	case mine.figures().answered < mine.asked:
		q.undecided = "not every endpoint gave us an answer"
	case name == "":
		q.undecided = "no peer found as much"
	}
	q.theirs = name + " " + amount(least, unit)
	if name == "" {
		q.theirs = "none"
	}
	q.value = ratio(float64(of(mine.figures())), float64(least))
	return q
}

// hold writes the share as a fraction of one.
func (q quotient) hold(limit float64) bar {
	b := q.bar
	b.figure, b.limit = fraction(q.value), "≤ "+fraction(limit)
	b.met = b.undecided == "" && q.value <= limit
	return b
}

// fraction reads 0.125 as 1/8.
func fraction(v float64) string {
	switch {
	case v <= 0:
		return "–"
	case v >= 0.95:
		return fmt.Sprintf("%.2f", v)
	default:
		return strings.TrimSuffix(fmt.Sprintf("1/%.1f", 1/v), ".0")
	}
}

func amount(d time.Duration, unit string) string {
	if unit == "s" {
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

func (b bar) verdict() string {
	switch {
	case b.undecided != "":
		return "not known: " + b.undecided
	case b.met:
		return "met"
	default:
		return "**missed**"
	}
}

// shortfall is a bar that was not met, as a sentence.
func (b bar) shortfall() string {
	where := fmt.Sprintf("%s, round trip %s: %s", b.of.endpoints, milliseconds(b.of.roundTrip), b.what)
	if b.undecided != "" {
		return fmt.Sprintf("%s is not known, because %s.", where, b.undecided)
	}
	return fmt.Sprintf("%s is %s beside %s; that is %s, and the bar is %s.", where, b.ours, b.theirs, b.figure, b.limit)
}
