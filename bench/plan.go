// Package bench measures TLS handshakes over paths: it plans trials, paces
// connections, interleaves the paths in blocks, and makes records of what was
// seen. What the records mean is for package stats; how a handshake is made, for
// package client.
//
// It puts load on servers. Whoever calls it sees to it that their owners agree.
package bench

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"shakedown/bench/client"
	"shakedown/results"
)

// Path is one way to a service, at one address, with the handshake to ask of it.
type Path struct {
	Service    string
	Name       string
	Kind       results.PathKind
	Target     string
	Address    netip.AddrPort
	Failure    *results.Failure // why there is no address; nil if there is one
	ServerName string
	Ask        client.Ask
	// ProxyProtocol is the version of the header that the target wants first, v1 or
	// v2; "" for none.
	ProxyProtocol string
}

// Plan is what is to be measured. Zero fields are defaults.
type Plan struct {
	Paths    []Path
	Loop     results.Loop  // "" is open
	Rate     float64       // open loop: connections a second on a path; 0 is 50
	Ramp     Ramp          // open loop: the rate goes from one to another in every block, in place of Rate
	Poisson  bool          // open loop: arrivals at random, not at fixed intervals
	Duration time.Duration // of each path, over all blocks; 0 is 10 s
	Blocks   int           // 0 is 10
	// Connections is how many are in flight: in a closed loop always (0 is 16), in
	// an open one at most (0 is 2,000).
	Connections  int
	WarmUp       time.Duration // of each block, before it counts; 0 is a tenth of it, negative is none
	Timeout      time.Duration // of one handshake, connect and request included; 0 is 5 s
	Client       Client        // "" is lean
	VerifySample int           // check the certificate's signature in 1 of so many; 0 is 100
	Request      string        // path of a GET after each handshake; "" is none
	Closing      client.Closing
	Bystanders   bool             // watch what the load does to others' connections
	SessionIDs   bool             // TLS 1.2: resume by session id, ask for no tickets
	Certificate  *tls.Certificate // our own, for a server that asks for one
	Sources      []netip.Addr     // to connect from, in turn; nil leaves it to the system, on loopback see sources
	Ports        Ports            // to connect from; zero leaves it to the system
	Seed         uint64           // of every random choice

	// Reaction is how long after what it answers a client's answer comes at the
	// soonest, as if the server were that far away; 0 is at once. A goodbye, if it is
	// no reset, comes as long after the last that was said or heard. It is for comparing
	// what clients cost a server, of which none is to speak sooner than another.
	Reaction time.Duration

	short int // connections that were asked for, where descriptors allow fewer
}

// Ports is a range of ports, both ends included.
type Ports struct{ Low, High uint16 }

// Client is which client makes the handshakes.
type Client string

// The clients.
const (
	Lean  Client = "lean"
	Stock Client = "stock"
)

// Defaults of a Plan.
const (
	defaultRate     = 50
	defaultDuration = 10 * time.Second
	defaultBlocks   = 10
	defaultTimeout  = 5 * time.Second
	defaultSlots    = 16
	defaultInFlight = 2000
	maxWarmUp       = time.Second
)

// Complete fills in the defaults and refuses what makes no sense.
func (p Plan) Complete() (Plan, error) {
	p.Loop = cmp.Or(p.Loop, results.OpenLoop)
	p.Client = cmp.Or(p.Client, Lean)
	p.Duration = cmp.Or(p.Duration, defaultDuration)
	p.Blocks = cmp.Or(p.Blocks, defaultBlocks)
	p.Timeout = cmp.Or(p.Timeout, defaultTimeout)
	if p.Loop == results.OpenLoop {
		p.Rate = cmp.Or(p.Ramp.mean(), p.Rate, defaultRate)
		p.Connections = cmp.Or(p.Connections, defaultInFlight)
	} else {
		p.Rate = 0
		p.Connections = cmp.Or(p.Connections, defaultSlots)
	}
	if p.WarmUp == 0 {
		p.WarmUp = min(p.block()/10, maxWarmUp)
	}
	p.WarmUp = max(p.WarmUp, 0)
	return p, p.check()
}

// maxDue bounds the handshakes of one block: their samples are held in memory.
const maxDue = 5_000_000

func (p Plan) check() error {
	switch {
	case p.Client != Lean && p.Client != Stock:
		return fmt.Errorf("unknown client %q: use %s or %s", p.Client, Lean, Stock)
	case p.Loop != results.OpenLoop && p.Loop != results.ClosedLoop:
		return fmt.Errorf("unknown loop %q", p.Loop)
	case len(p.Paths) == 0:
		return errors.New("no path to measure")
	case p.Duration < 0 || p.Blocks < 0 || p.Rate < 0 || p.Connections < 0 || p.Timeout < 0 || math.IsNaN(p.Rate):
		return errors.New("durations, blocks, rates and connections must be positive")
	case p.block() < time.Millisecond:
		return fmt.Errorf("%d blocks of %v: a block must last a millisecond at least; use fewer blocks or a longer duration", p.Blocks, p.block())
	case p.Ramp.on() && (p.Loop != results.OpenLoop || !(p.Ramp.From >= 0 && p.Ramp.To >= 0)):
		return errors.New("a ramp is for an open loop, and its rates must not be negative")
	case p.Loop == results.OpenLoop && p.perBlock() < 1:
		return fmt.Errorf("%v a second for %v in %d blocks: not one handshake a block; use a higher rate, a longer duration or fewer blocks",
			p.Rate, p.Duration, p.Blocks)
	case slices.ContainsFunc(p.Paths, func(path Path) bool { return !(path.Ask.Resume >= 0 && path.Ask.Resume <= 1) }):
		return errors.New("the ratio of resumed handshakes must be from 0 to 1")
	case slices.ContainsFunc(p.Paths, func(path Path) bool { return p.Request != "" && path.Ask.ALPN != "" && path.Ask.ALPN != "http/1.1" }):
		return errors.New("a request is made by HTTP/1.1: ask for no other protocol")
	case p.Loop == results.OpenLoop && p.perBlock() > maxDue:
		return fmt.Errorf("%d handshakes a block are too many to keep: use more blocks", p.perBlock())
	}
	if err := p.checkClients(); err != nil {
		return err
	}
	return p.checkEnds()
}

// checkEnds refuses ends of connections that cannot be.
func (p Plan) checkEnds() error {
	if p.Ports.Low > p.Ports.High || p.Ports.High > 0 && p.Ports.Low == 0 {
		return fmt.Errorf("source ports %d-%d: want the lower one first, as in 20000-60000", p.Ports.Low, p.Ports.High)
	}
	for _, path := range p.Paths {
		to := path.Address.Addr()
		if len(p.Sources) > 0 && to.IsValid() && len(sourcesFor(p, to)) == 0 {
			return fmt.Errorf("%s/%s is at %s, and no source address is of its family", path.Service, path.Name, to)
		}
	}
	return checkPorts(p.Ports)
}

// checkClients refuses what no client can be made to ask.
func (p Plan) checkClients() error {
	seen := map[client.Ask]bool{}
	for _, path := range p.Paths {
		if seen[path.Ask] {
			continue
		}
		seen[path.Ask] = true
		var err error
		if p.Client == Stock {
			_, err = client.NewStock(p.config(path, nil, nil))
		} else {
			_, err = client.NewLean(p.config(path, nil, nil), client.UnitShares)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// block is how long one block lasts, warm-up apart.
func (p Plan) block() time.Duration { return p.Duration / time.Duration(p.Blocks) }

// offered is the rate of an open loop in words.
func (p Plan) offered() string {
	if p.Ramp.on() {
		return fmt.Sprintf("%v to %v", p.Ramp.From, p.Ramp.To)
	}
	return fmt.Sprint(p.Rate)
}

// peak is the highest rate.
func (p Plan) peak() float64 { return max(p.Rate, p.Ramp.From, p.Ramp.To) }

// perBlock is how many handshakes are due in a block of an open loop.
func (p Plan) perBlock() int { return int(math.Round(p.Rate * p.block().Seconds())) }

// Handshakes is how many handshakes an open loop makes on each path: those that
// count, and all, with warm-up and the first, single one. A closed loop makes as
// many as the server lets it.
func (p Plan) Handshakes() (counted, all int) {
	if p.Loop != results.OpenLoop {
		return 0, 0
	}
	rate := p.Rate
	if p.Ramp.on() {
		rate = p.Ramp.From
	}
	warm := int(rate * p.WarmUp.Seconds())
	return p.Blocks * p.perBlock(), p.Blocks*(p.perBlock()+warm) + 1
}

// Time is how long the run takes if every handshake ends at once.
func (p Plan) Time() time.Duration {
	return time.Duration(len(p.Paths)) * (p.Duration + time.Duration(p.Blocks)*(p.WarmUp+p.quiet()))
}

// order is the order in which a round visits the paths: each once, as the seed
// has it.
func (p Plan) order(round int) []int {
	return rand.New(rand.NewPCG(p.Seed, uint64(round))).Perm(len(p.Paths))
}

// arrivals are the due instants of a path's block in an open loop, counted from
// the end of its warm-up: those before 0 are warm-up. They are never corrected
// afterwards, whatever becomes of the handshakes.
func (p Plan) arrivals(round, path int) []time.Duration {
	rng := rand.New(rand.NewPCG(p.Seed, uint64(round)<<32|uint64(path)<<1|1))
	if p.Ramp.on() {
		return p.Ramp.arrivals(rng, p)
	}
	if p.Poisson {
		return poisson(rng, p.Rate, -p.WarmUp, p.block())
	}
	return fixed(rng, p.Rate, p.WarmUp, p.perBlock())
}

// resumes says which arrivals of a block are to be resumed: the ratio holds in
// those that count, from begin on, and in its warm-up.
func (p Plan) resumes(round, path int, due []time.Duration, begin time.Duration) []bool {
	warm, _ := slices.BinarySearch(due, begin)
	m := func(n int, half uint64) []bool {
		return newMix(p.Paths[path].Ask.Resume, p.Seed, p.stream(round, path)|half<<62).many(n)
	}
	return append(m(warm, 1), m(len(due)-warm, 0)...)
}

// stream numbers the mix of each block.
func (p Plan) stream(round, path int) uint64 { return 1<<63 | uint64(round)<<32 | uint64(path) }

// fixed arrivals are one interval apart. Where in the first interval they begin
// is drawn by lot, so that they do not keep step with anything else's clock.
func fixed(rng *rand.Rand, rate float64, warmUp time.Duration, n int) []time.Duration {
	interval := float64(time.Second) / rate
	phase := rng.Float64()
	warm := int(rate * warmUp.Seconds())
	due := make([]time.Duration, 0, warm+n)
	for i := -warm; i < n; i++ {
		due = append(due, time.Duration(math.Floor((float64(i)+phase)*interval)))
	}
	return due
}

// poisson arrivals know nothing of each other: the intervals are exponential.
func poisson(rng *rand.Rand, rate float64, from, to time.Duration) []time.Duration {
	var due []time.Duration
	for at := from.Seconds() + rng.ExpFloat64()/rate; at < to.Seconds(); at += rng.ExpFloat64() / rate {
		due = append(due, time.Duration(at*float64(time.Second)))
	}
	return due
}
