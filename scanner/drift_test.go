package scanner

import (
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// turns answers each hello by the next of some servers: behind one address each
// version's questions go round.
func turns(t *testing.T, answer func(turn int, hello *wire.ClientHello, conn net.Conn)) *fake {
	t.Helper()
	var mu sync.Mutex
	next := map[uint16]int{}
	return &fake{reply: func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		version := hello.Version
		if vs := hello.Versions(); vs != nil {
			version = vs[0]
		}
		mu.Lock()
		turn := next[version]
		next[version]++
		mu.Unlock()
		answer(turn, hello, conn)
		return true
	}}
}

func pathFacts(t *testing.T, f *fake) (results.PathFacts, *results.Endpoint) {
	t.Helper()
	e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectPath}})
	return e.PathFacts, e
}

func votesOf(f results.PathFacts, fact string) []string {
	for _, v := range f.Votes {
		if v.Fact == fact {
			var answers []string
			for _, a := range v.Answers {
				answers = append(answers, a.Answer)
			}
			slices.Sort(answers)
			return answers
		}
	}
	return nil
}

func TestSteadyServer(t *testing.T) {
	f := &fake{
		suites: map[uint16][]uint16{wire.TLS12: {0x009C, 0xC02F}, wire.TLS13: {0x1303}},
		groups: []uint16{0x001D}, serverFirst: true, refuse: alertBytes(40),
	}
	// Certificates are what a fake has none of: it hangs up after its hello.
	got, _ := pathFacts(t, f)
	if got.Steadiness != results.SteadinessUnknown {
		t.Errorf("a server that never shows its certificate: %+v", got)
	}
	f.suites = map[uint16][]uint16{wire.TLS12: {0x0034}} // DH_anon: a certificate is not waited for
	if got, _ := pathFacts(t, f); got.Steadiness != results.Steady {
		t.Errorf("a server that needs no certificate: %+v", got)
	}
	f.suites = map[uint16][]uint16{wire.TLS13: {0x1303}}
	got, e := pathFacts(t, f)
	if got.Steadiness != results.Steady || len(got.Votes) > 0 || got.Servers != 0 || got.Repeats != repeats || e.Status != results.Complete {
		t.Errorf("%+v, status %s", got, e.Status)
	}
}

// Two servers behind one address, each steady in itself, are told apart, with
// what each answered.
func TestTwoServersBehindOneAddress(t *testing.T) {
	new := &fake{suites: map[uint16][]uint16{wire.TLS13: {0x1301}}, groups: []uint16{0x001D}, serverFirst: true, refuse: alertBytes(40)}
	other := &fake{suites: map[uint16][]uint16{wire.TLS13: {0x1302}}, groups: []uint16{0x0017}, serverFirst: true, refuse: alertBytes(40)}
	f := turns(t, func(turn int, hello *wire.ClientHello, conn net.Conn) {
		conn.Write([]*fake{new, other}[turn%2].choose(hello))
	})
	got, _ := pathFacts(t, f)
	if got.Steadiness != results.Drifting || got.Servers != 2 {
		t.Errorf("%+v", got)
	}
	if want := []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"}; !slices.Equal(votesOf(got, "TLSv1.3 suite"), want) {
		t.Errorf("votes %+v", got.Votes)
	}
	if want := []string{"X25519", "secp256r1"}; !slices.Equal(votesOf(got, "TLSv1.3 group"), want) {
		t.Errorf("votes %+v", got.Votes)
	}
	if votesOf(got, "TLSv1.3") != nil {
		t.Error("a fact on which both agree has votes")
	}
}

// One of two servers hangs up: that is seen, and which fact it makes uncertain.
func TestOneServerOfTwoIsBroken(t *testing.T) {
	good := &fake{suites: map[uint16][]uint16{wire.TLS13: {0x1301}}, groups: []uint16{0x001D}, serverFirst: true, refuse: alertBytes(40)}
	f := turns(t, func(turn int, hello *wire.ClientHello, conn net.Conn) {
		if turn%2 == 0 {
			conn.Write(good.choose(hello))
		}
	})
	got, _ := pathFacts(t, f)
	if got.Steadiness != results.Drifting || !slices.Equal(votesOf(got, "TLSv1.3"), []string{"closed", "yes"}) {
		t.Errorf("%+v", got)
	}
}

// A server that answers otherwise every time is no two servers, and what it is
// asked is bounded.
func TestFlapping(t *testing.T) {
	f := turns(t, func(turn int, hello *wire.ClientHello, conn net.Conn) {
		if hello.Versions() == nil {
			conn.Write(alertBytes(70))
			return
		}
		groups := hello.Groups()
		conn.Write(wire.Records(wire.TLS12, wire.Retry(hello.SessionID, hello.Suites[0], groups[turn%len(groups)]).Marshal()))
	})
	got, e := pathFacts(t, f)
	if got.Steadiness == results.Steady || got.Steadiness == results.SteadinessUnknown {
		t.Errorf("%+v", got)
	}
	if e.Connections > 3*maxRounds*repeats+30 {
		t.Errorf("%d connections", e.Connections)
	}
	for _, v := range got.Votes {
		if len(v.Answers) > maxTallies {
			t.Errorf("%d answers of %s", len(v.Answers), v.Fact)
		}
	}
}

// Silence is no answer: steadiness stays unknown, and the run ends.
func TestSilentPolls(t *testing.T) {
	good := &fake{suites: map[uint16][]uint16{wire.TLS13: {0x1301}}, groups: []uint16{0x001D}, serverFirst: true, refuse: alertBytes(40)}
	f := turns(t, func(turn int, hello *wire.ClientHello, conn net.Conn) {
		if hello.Versions() != nil && turn > 0 {
			conn.Read(make([]byte, 1)) // until the client gives up
			return
		}
		conn.Write(good.choose(hello))
	})
	e := scanFake(t, f.serve(t), dial.Options{Timeout: 100 * time.Millisecond}, Options{Aspects: []Aspect{AspectVersions, AspectPath}})
	if e.PathFacts.Steadiness != results.SteadinessUnknown || e.Status != results.Partial || len(e.Failures) == 0 {
		t.Errorf("%+v, status %s", e.PathFacts, e.Status)
	}
}
