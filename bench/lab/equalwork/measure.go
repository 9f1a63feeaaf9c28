// Blocks: turn by turn, one of each client at the same rate, and what each cost
// the server.

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/bench/lab/stacks"
	"shakedown/bench/stats"
	"shakedown/results"
	"shakedown/scanner/dial"
)

// shape is a handshake to ask for.
type shape struct {
	name    string
	version results.Version
	group   string
}

// shapesOf lists what a stack is measured in. TLS 1.2 with X25519 alone would leave
// the curve of the certificate out, which RFC 8422 §5.1.1 wants in the list too.
func shapesOf(stack string) []shape {
	all := []shape{{"1.3 X25519", results.TLSv13, "X25519"}, {"1.3 P-256", results.TLSv13, "P-256"}, {"1.2 default", results.TLSv12, ""}, {"1.2 P-256", results.TLSv12, "P-256"}}
	if stack == "Go" { // Debian's others have no ML-KEM
		all = append(all, shape{"1.3 X25519MLKEM768", results.TLSv13, "X25519MLKEM768"})
	}
	return all
}

// row is a line of the table.
type row struct {
	stack, library, version string
	setting                 string // what was configured beside the certificate; "" for nothing
	shape                   shape
	negotiated              results.Shape
	other                   string // what the stock client negotiated, if it was not the same
	shares                  string
	comparison              results.Comparison
	lean, stock             float64 // µs of the server's processor for a handshake, means of the blocks
}

// bounds of what counts as equal.
const low, high = 0.95, 1.05

func (r row) equal() bool {
	return r.other == "" && r.comparison.RatioLow >= low && r.comparison.RatioHigh <= high
}

func (r row) String() string {
	return fmt.Sprintf("%-12s %-20s lean %.0f µs, stock %.0f µs, ratio %.3f (%.3f to %.3f) of %d blocks", r.stack, r.shape.name,
		r.lean, r.stock, r.comparison.Ratio, r.comparison.RatioLow, r.comparison.RatioHigh, r.comparison.Blocks)
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
	clients := []bench.Client{bench.Stock, bench.Lean}
	for _, who := range clients {
		warm := plan
		warm.Client, warm.Duration, warm.Loop, warm.Connections, warm.Timeout = who, o.warm, results.ClosedLoop, 2, time.Minute
		if _, _, err := load(ctx, warm, server.PID); err != nil {
			return r, err
		}
	}
	plan.Duration = o.block
	order := rand.New(rand.NewPCG(uint64(len(s.name)), 1))
	var run stats.Run
	sums := map[bench.Client]float64{}
	for i := range o.blocks {
		plan.Seed = uint64(i) // the same arrivals for both
		for _, j := range order.Perm(len(clients)) {
			plan.Client = clients[j]
			trial, cost, err := load(ctx, plan, server.PID)
			if err != nil {
				return r, err
			}
			run.Put(&results.Block{Trial: string(plan.Client), Index: i, Phases: results.Phases{Handshake: &results.Dist{N: int64(trial.Handshakes), P50US: cost}}})
			sums[plan.Client] += cost / float64(o.blocks)
			r.note(plan.Client, trial)
		}
	}
	for _, who := range clients {
		run.Put(&results.Trial{Service: "equalwork", Path: string(who), Trial: string(who), Valid: true})
	}
	r.comparison = *run.Compare(stats.Options{Baseline: func(string) string { return string(bench.Stock) }})[0]
	r.lean, r.stock = sums[bench.Lean], sums[bench.Stock]
	return r, nil
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
	before, err := cpuOf(pid)
	if err != nil {
		return nil, 0, err
	}
	var run stats.Run
	outcome, err := bench.Run(ctx, plan, bench.Env{Classify: dial.Classify, Put: run.Put})
	if err == nil && outcome.Interrupted {
		err = ctx.Err()
	}
	if err != nil {
		return nil, 0, err
	}
	after, err := cpuOf(pid)
	if err != nil {
		return nil, 0, err
	}
	trial := run.Trials[0]
	if trial.Handshakes != trial.Due || trial.Due == 0 {
		return nil, 0, errors.Join(fmt.Errorf("%s: %d of %d handshakes: %+v", plan.Client, trial.Handshakes, trial.Due, trial.Failures))
	}
	// The probe's handshake is one more.
	return trial, float64((after - before).Nanoseconds()) / 1e3 / float64(trial.Handshakes+1), nil
}
