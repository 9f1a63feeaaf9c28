package scanner

import (
	"context"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/chain"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
)

// ofABug reports whether a record says that a bug left everything unknown.
func ofABug(e *results.Endpoint) bool {
	for _, got := range e.Versions {
		if got != results.Unknown {
			return false
		}
	}
	last := results.Failure{}
	if len(e.Failures) > 0 {
		last = e.Failures[len(e.Failures)-1]
	}
	return e.Status == results.Failed && len(e.Versions) > 0 && last.Kind == results.KindInternal && strings.Contains(last.Detail, "a bug")
}

// A bug of ours makes the one endpoint unknown at which it shows, whichever step it is
// in; the run goes on.
func TestBugAtOneEndpoint(t *testing.T) {
	addr := usualServer().serve(t)
	for name, step := range map[string]int64{"while it is asked": 1, "in its record": 2} {
		var calls atomic.Int64
		bad, good := target(addr), target(addr)
		bad.Name = "bad"
		opt := Options{Roots: func(p inventory.Path) *chain.Roots {
			if p.Name == "bad" && calls.Add(1) == step {
				panic("the roots")
			}
			return &chain.Roots{}
		}}
		got := map[string]*results.Endpoint{}
		New(dial.New(dial.Options{Timeout: 10 * time.Second}), opt).Run(t.Context(), []inventory.Path{bad, good}, func(e *results.Endpoint) error {
			got[e.Path] = e
			return nil
		})
		if e := got["bad"]; e == nil || !ofABug(e) || !strings.Contains(e.Failures[len(e.Failures)-1].Detail, "the roots") || e.Connections == 0 {
			t.Errorf("%s: %+v", name, e)
		}
		if e := got[good.Name]; e == nil || e.Versions[results.TLSv12] != results.Yes {
			t.Errorf("%s: beside it: %+v", name, e)
		}
	}
}

// Nor does one end the run that shows before an address is known.
func TestBugInResolver(t *testing.T) {
	resolver := func(_ context.Context, host string) ([]netip.Addr, error) { panic(host) }
	var got []*results.Endpoint
	New(dial.New(dial.Options{Resolver: resolver}), Options{}).Run(t.Context(), []inventory.Path{{Host: "a.example"}, {Host: "b.example"}}, func(e *results.Endpoint) error {
		got = append(got, e)
		return nil
	})
	if len(got) != 2 || !ofABug(got[0]) || !ofABug(got[1]) {
		t.Errorf("%+v", got)
	}
}

// Wherever in the questions for suites a bug shows, in whichever goroutine, all parts of
// the scan end.
func TestBugAnywhere(t *testing.T) {
	addr := usualServer().serve(t)
	s := New(dial.New(dial.Options{Timeout: 10 * time.Second, PerEndpoint: 6}), Options{})
	for n := int64(1); ; n += 2 {
		v := s.visit(new(target(addr)), dial.Direct(addr), false, before{})
		var calls atomic.Int64
		for _, version := range v.versions {
			plant(&version.by, &calls, n)
			for _, hand := range version.hands {
				plant(&hand.enumerator, &calls, n)
			}
		}
		done := make(chan *results.Endpoint, 1)
		turns := &rota{Scanner: s, places: make(chan struct{}, 1), done: done}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			turns.knock(t.Context(), &errand{}, []*visit{v})
			turns.visitAll(t.Context(), []*visit{v})
			v.leave()
		}()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			stacks := make([]byte, 1<<20)
			t.Fatalf("step %d: it never ends:\n%s", n, stacks[:runtime.Stack(stacks, true)])
		}
		e := <-done
		if calls.Load() < n {
			if n < 40 || e.Status != results.Partial && e.Status != results.Complete {
				t.Errorf("%d steps in all: %s, %+v", n, e.Status, e.Failures)
			}
			return
		}
		if !ofABug(e) {
			t.Errorf("step %d: %s, failures %+v", n, e.Status, e.Failures)
		}
	}
}

// plant has the nth use of an enumerator be one too many.
func plant(by *enumerator, calls *atomic.Int64, n int64) {
	step := func() {
		if calls.Add(1) == n {
			panic("a step too far")
		}
	}
	ask, chosen := by.ask, by.chosen
	by.ask = func(offered []uint16) question { step(); return ask(offered) }
	by.chosen = func(got *answer) (uint16, bool) { step(); return chosen(got) }
}
