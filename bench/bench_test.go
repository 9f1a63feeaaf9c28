package bench_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/bench/internal/tlstest"
	"shakedown/bench/stats"
	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// record runs a plan and returns its records by type.
func record(t *testing.T, ctx context.Context, plan bench.Plan) (*gathered, bench.Outcome) {
	t.Helper()
	plan, err := plan.Complete()
	if err != nil {
		t.Fatal(err)
	}
	g := &gathered{}
	outcome, err := bench.Run(ctx, plan, bench.Env{Classify: dial.Classify, Put: g.Put})
	if err != nil {
		t.Fatal(err)
	}
	return g, outcome
}

type gathered struct {
	stats.Run
	blocks []*results.Block
}

func (g *gathered) Put(r results.Record) error {
	if b, ok := r.(*results.Block); ok {
		g.blocks = append(g.blocks, b)
	}
	return g.Run.Put(r)
}

func path(name string, address netip.AddrPort) bench.Path {
	return bench.Path{Service: "s", Name: name, Address: address, ServerName: tlstest.Name, Target: address.String(), Ask: client.Ask{Version: wire.TLS13}}
}

func config() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{tlstest.Certificate("p256")}}
}

func TestSmoke(t *testing.T) {
	a, b := tlstest.Serve(t, config()), tlstest.Serve(t, config())
	for _, c := range []bench.Client{bench.Lean, bench.Stock} {
		plan := bench.Plan{Paths: []bench.Path{path("a", a.Addr), path("b", b.Addr)}, Rate: 200, Duration: time.Second, Blocks: 5, Client: c, Request: "/"}
		g, outcome := record(t, t.Context(), plan)
		t.Logf("%+v", outcome)
		for _, trial := range g.Trials {
			for _, d := range []*results.Dist{trial.Phases.Connect, trial.Phases.ServerHello, trial.Phases.Handshake, trial.Phases.FirstByte, trial.Phases.Total} {
				if d != nil {
					d.HDR = ""
				}
			}
			text, _ := json.MarshalIndent(trial, "", " ")
			t.Logf("%s", text)
		}
		for _, c := range g.Compare(stats.Options{}) {
			t.Logf("%+v", c)
		}
	}
}
