// Blocks: turn by turn, one of each client at the same rate, and what each cost
// the server.

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/bench/lab/stacks"
	"shakedown/bench/stats"
	"shakedown/results"
	"shakedown/scanner/dial"
)

// shape is a handshake to ask for, and whose is set beside the stock client's.
type shape struct {
	name      string
	version   results.Version
	group     string
	candidate bench.Client
}

// control reports whether the stock client is set beside itself.
func (s shape) control() bool { return s.candidate == bench.Stock }

// shapesOf lists what a stack is measured in. TLS 1.2 with X25519 alone would leave
// the curve of the certificate out, which RFC 8422 §5.1.1 wants in the list too.
func shapesOf(stack string) []shape {
	all := []shape{
		{"1.3 X25519", results.TLSv13, "X25519", bench.Lean}, {"1.3 P-256", results.TLSv13, "P-256", bench.Lean},
		{"1.2 default", results.TLSv12, "", bench.Lean}, {"1.2 P-256", results.TLSv12, "P-256", bench.Lean},
	}
	switch stack {
	case "Go": // Debian's others have no ML-KEM
		all = append(all, shape{"1.3 X25519MLKEM768", results.TLSv13, "X25519MLKEM768", bench.Lean})
	case "nginx", "gnutls-serv":
		all = append(all, shape{"control", results.TLSv13, "X25519", bench.Stock})
	}
	return all
}

// row is a line of the table.
type row struct {
	stack, library, version string
	setting                 string // what was configured beside the certificate; "" for nothing
	shape                   shape
	negotiated              results.Shape
	other                   string // what the candidate negotiated, or the stock client later, if it was not the same
	shares                  string
	pairs                   []pair
	ratio, low, high        float64 // of the candidate's cost to the stock client's, with the interval of 95 %
	candidate, stock        float64 // µs of the server's processor for a handshake, medians of the blocks
}

// pair is two blocks side by side, the stock client's and the candidate's, and what
// a handshake of each cost in µs.
type pair struct {
	cost  [2]float64
	first int // whose came first
}

// bounds of what counts as equal.
const low, high = 0.95, 1.05

func (r row) equal() bool { return r.other == "" && r.low >= low && r.high <= high }

func (r row) String() string {
	return fmt.Sprintf("%-12s %-20s %s %.0f µs, stock %.0f µs, ratio %.3f (%.3f to %.3f) of %d blocks", r.stack, r.shape.name,
		r.shape.candidate, r.candidate, r.stock, r.ratio, r.low, r.high, len(r.pairs))
}

// measure compares the clients before one server in one shape.
func measure(ctx context.Context, o options, server *stacks.Running, s shape) (row, error) {
	r := row{shape: s}
	address, err := netip.ParseAddrPort(server.Address)
	if err != nil {
		return r, err
	}
	ask, err := client.NewAsk(s.version, s.group, "", "")
	if err != nil {
		return r, err
	}
	plan := bench.Plan{
		Paths: []bench.Path{{Service: "equalwork", Name: "server", Address: address, ServerName: stacks.Host, Ask: ask}},
		Rate:  o.rate, Blocks: 1, WarmUp: -1, Reaction: o.reaction,
	}
	both := []bench.Client{bench.Stock, s.candidate}
	for _, who := range both {
		warm := plan
		warm.Client, warm.Duration, warm.Loop, warm.Connections, warm.Timeout = who, o.warm, results.ClosedLoop, 2, time.Minute
		if _, _, err := load(ctx, warm, server.PID); err != nil {
			return r, err
		}
	}
	plan.Duration = o.block
	lot := rand.New(rand.NewPCG(uint64(len(s.name)), 1))
	for i := range o.blocks {
		plan.Seed = uint64(i) // the same arrivals for both
		order := lot.Perm(len(both))
		p := pair{first: order[0]}
		for _, j := range order {
			plan.Client = both[j]
			trial, cost, err := load(ctx, plan, server.PID)
			if err != nil {
				return r, err
			}
			p.cost[j] = cost
			r.note(plan.Client, trial)
		}
		r.pairs = append(r.pairs, p)
	}
	r.compare()
	return r, nil
}

// compare makes of the pairs what the table says.
func (r *row) compare() {
	var ratios, stock, candidate []float64
	for _, p := range r.pairs {
		ratios = append(ratios, math.Log(p.cost[1]/p.cost[0]))
		stock, candidate = append(stock, p.cost[0]), append(candidate, p.cost[1])
	}
	centre, low, high := stats.HodgesLehmann(ratios, 0.95)
	r.ratio, r.low, r.high = math.Exp(centre), math.Exp(low), math.Exp(high)
	r.stock, r.candidate = median(stock), median(candidate)
}

func median(v []float64) float64 {
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// note keeps what was negotiated.
func (r *row) note(who bench.Client, t *results.Trial) {
	got := t.Negotiated[0].Shape
	if who == bench.Stock && r.negotiated.Version == "" {
		r.negotiated = got
	}
	same := got.Suite == r.negotiated.Suite && got.Group == r.negotiated.Group && got.SignatureScheme == r.negotiated.SignatureScheme
	if who == bench.Lean {
		r.shares = t.Generator.KeyShares
	}
	if r.negotiated.Version != "" && !same {
		r.other = fmt.Sprintf("%s: %s %s %s", who, got.Suite, got.Group, got.SignatureScheme)
	}
}

// load makes a block of handshakes and returns what each cost the server, in µs.
func load(ctx context.Context, plan bench.Plan, pid int) (*results.Trial, float64, error) {
	plan, err := plan.Complete()
	if err != nil {
		return nil, 0, err
	}
	var run stats.Run
	m := meter{pid: pid}
	outcome, err := bench.Run(ctx, plan, bench.Env{Classify: dial.Classify, Put: run.Put, Progress: m.hear})
	if err == nil && outcome.Interrupted {
		err = ctx.Err()
	}
	if err = errors.Join(err, m.err); err != nil {
		return nil, 0, err
	}
	trial := run.Trials[0]
	if trial.Handshakes != trial.Due || trial.Due == 0 {
		return nil, 0, fmt.Errorf("%s: %d of %d handshakes: %+v", plan.Client, trial.Handshakes, trial.Due, trial.Failures)
	}
	return trial, float64(m.used.Nanoseconds()) / 1e3 / float64(trial.Handshakes), nil
}

// meter reads what a server has used when a block begins and when it is over. The
// probe before it is in neither.
type meter struct {
	pid  int
	used time.Duration
	err  error
}

// settle is how long a server has for what is left of a last connection.
const settle = 2 * time.Millisecond

func (m *meter) hear(p bench.Progress) {
	if p.Index < 0 {
		return
	}
	time.Sleep(settle)
	used, err := cpuOf(m.pid)
	m.err = errors.Join(m.err, err)
	m.used = used - m.used
}
