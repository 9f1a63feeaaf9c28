package scanner

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// asking counts how often each question was put, whatever is random in it.
type asking struct {
	mu    sync.Mutex
	times map[string]int
}

func (a *asking) count(h *wire.ClientHello) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.times == nil {
		a.times = map[string]int{}
	}
	key := fmt.Sprint(h.Version, h.Versions(), h.Suites, h.Groups(), h.Schemes())
	a.times[key]++
	return a.times[key]
}

// wanting lists what a record denies of what a fake has.
func wanting(f *fake, e *results.Endpoint) (denied []string) {
	for version, suites := range f.suites {
		v := wire.VersionName(version)
		if e.Versions[v] == results.No {
			denied = append(denied, string(v))
		}
		for _, id := range hexes(suites) {
			open := e.Undetermined.Suites[v]
			if !slices.Contains(ids(e.Suites[v]), id) && !slices.Contains(open, id) && !slices.Contains(open, "*") {
				denied = append(denied, string(v)+" "+id)
			}
		}
	}
	for _, id := range hexes(f.groups) {
		found := slices.ContainsFunc(e.Groups[results.TLSv13], func(g results.Named) bool { return g.ID == id })
		open := e.Undetermined.Groups[results.TLSv13]
		if !found && !slices.Contains(open, id) && !slices.Contains(open, "*") {
			denied = append(denied, "group "+id)
		}
	}
	return denied
}

func everything() []Aspect {
	return []Aspect{AspectVersions, AspectSuites, AspectPreference, AspectGroups, AspectProtocol, AspectPath}
}

// Whatever a refusal's word is: where it was said once of what is accepted the next
// time, nothing that is there is denied, no intolerance is made of it, and it is told
// that the address wavers.
func TestEachQuestionRefusedOnce(t *testing.T) {
	for _, word := range []byte{40, 47, 70, 71} {
		t.Run(wire.AlertName(word), func(t *testing.T) {
			f, before := usualServer(), asking{}
			f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
				if before.count(hello) > 1 {
					return false
				}
				conn.Write(alertBytes(word))
				return true
			}
			e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: everything()})
			if denied := wanting(f, e); len(denied) > 0 || e.Versions[results.TLSv12] != results.Yes || e.Versions[results.TLSv13] != results.Yes {
				t.Errorf("versions %v, denied %v", e.Versions, denied)
			}
			p := e.Protocol
			for _, intolerant := range []results.Answer{p.SizeIntolerant, p.ExtensionIntolerant, p.ManySuitesIntolerant, p.SuiteMixIntolerant} {
				if intolerant == results.Yes {
					t.Errorf("intolerance was made of it: %+v", p)
				}
			}
			if s := e.PathFacts.Steadiness; s != results.Drifting && s != results.Flapping {
				t.Errorf("steadiness %q", s)
			}
		})
	}
}

// Two servers behind one address have all that either has, and are told to be two.
func TestTwoServersAreNotOneThatLacks(t *testing.T) {
	new, old := usualServer(), &fake{suites: map[uint16][]uint16{wire.TLS10: {0x0035}, wire.TLS12: {0x002F, 0xC02F}}, refuse: alertBytes(40)}
	var before asking
	f := &fake{suites: map[uint16][]uint16{wire.TLS10: {0x0035}, wire.TLS12: append([]uint16{0x002F}, new.suites[wire.TLS12]...), wire.TLS13: new.suites[wire.TLS13]}, groups: new.groups}
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		conn.Write([]*fake{new, old}[before.count(hello)%2].choose(hello))
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: everything()})
	if denied := wanting(f, e); len(denied) > 0 || e.PathFacts.Steadiness != results.Drifting {
		t.Errorf("versions %v, denied %v, path %+v", e.Versions, denied, e.PathFacts)
	}
}

// Closed twice, and answered a control between: so one refuses without a word. Who
// answers at last did not.
func TestEachQuestionClosedThrice(t *testing.T) {
	f, before := usualServer(), asking{}
	f.reply = func(conn net.Conn, hello *wire.ClientHello, n int64) bool { return n > 12 && before.count(hello) < 4 }
	e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: everything()})
	if denied := wanting(f, e); len(denied) > 0 {
		t.Errorf("denied %v, failures %+v", denied, e.Failures)
	}
}

// An address that refuses or ignores everything after so many connections is left
// alone, and keeps what it had; that it has no more is not said.
func TestBanned(t *testing.T) {
	const after = 40
	for name, ban := range map[string]func(net.Conn){
		"alert": func(c net.Conn) { c.Write(alertBytes(40)) }, "closes": func(net.Conn) {}, "resets": reset, "silent": func(c net.Conn) { c.Read(make([]byte, 1)) },
		"goodbye": func(c net.Conn) { c.Write([]byte{21, 3, 3, 0, 2, 1, 0}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := usualServer()
			var heard atomic.Int64
			f.raw = func(conn net.Conn, _ []byte) bool {
				banned := heard.Add(1) > after
				if banned {
					ban(conn)
				}
				return banned
			}
			e := scanFake(t, f.serve(t), dial.Options{Timeout: 500 * time.Millisecond}, Options{Aspects: everything()})
			if e.Status != results.Partial || e.Versions[results.TLSv12] != results.Yes || e.Versions[results.TLSv13] != results.Yes {
				t.Errorf("%s, versions %v", e.Status, e.Versions)
			}
			if denied := wanting(f, e); len(denied) > 0 {
				t.Errorf("denied %v", denied)
			}
			if most := after + 220; e.Connections > most {
				t.Errorf("%d connections, want at most %d", e.Connections, most)
			}
		})
	}
}

// A server that is merely full is no two servers.
func TestCrowdedIsNotDrifting(t *testing.T) {
	f := usualServer()
	addr, turned := crowded(t, f, 1, nil, resetting)
	e := scanFake(t, addr, dial.Options{PerEndpoint: 8, Timeout: 20 * time.Second}, Options{Aspects: []Aspect{AspectVersions, AspectPath}})
	// A fake has no certificate to show, which leaves one poll without answers.
	if s := e.PathFacts.Steadiness; s == results.Drifting || s == results.Flapping || turned.Load() == 0 {
		t.Errorf("%+v, %d turned away", e.PathFacts, turned.Load())
	}
}

// What got no answer among others and is accepted by itself was not refused: no
// intolerance of mixed suites is made of it.
func TestUnansweredMix(t *testing.T) {
	f := usualServer()
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		if hello.Versions() != nil || !slices.Contains(hello.Suites, 0x0035) || len(hello.Suites) < 30 {
			return false
		}
		conn.Write([]byte("what is that?"))
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if e.Protocol.SuiteMixIntolerant == results.Yes || e.Status == results.Complete {
		t.Errorf("%s, intolerant of a mix: %s", e.Status, e.Protocol.SuiteMixIntolerant)
	}
}

// One decode_error does not show that long lists are not read.
func TestDecodeErrorByChance(t *testing.T) {
	f := usualServer()
	f.reply = func(conn net.Conn, hello *wire.ClientHello, n int64) bool {
		if n > 1 {
			return false
		}
		conn.Write(alertBytes(50))
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: []Aspect{AspectVersions, AspectProtocol}})
	if got := e.Protocol.ManySchemesIntolerant; got != results.No {
		t.Errorf("intolerant of many schemes: %q", got)
	}
}

// A ServerHello for another hello answers nothing.
func TestAnswerToAnotherHello(t *testing.T) {
	f := usualServer()
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		hello.SessionID = make([]byte, len(hello.SessionID))
		return false
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if e.Versions[results.TLSv13] != results.Unknown || e.Versions[results.TLSv12] != results.Yes {
		t.Errorf("versions %v", e.Versions)
	}
}

// A steady server is asked nothing twice, but by the aspect path.
func TestSteadyPaysNothing(t *testing.T) {
	f, before := usualServer(), asking{}
	var twice atomic.Int64
	f.reply = func(_ net.Conn, hello *wire.ClientHello, _ int64) bool {
		if before.count(hello) > 1 {
			twice.Add(1)
		}
		return false
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{})
	if e.Status != results.Complete || twice.Load() > 2 {
		t.Errorf("%s, %d of %d questions were put twice", e.Status, twice.Load(), e.Connections)
	}
}

// internal_error in place of all answers in an old version, as OpenSSL says that its
// security level forbids it, may be trouble that passes.
func TestBreakdownThatPasses(t *testing.T) {
	f, before := usualServer(), asking{}
	f.suites[wire.TLS11] = []uint16{0x002F, 0x0035}
	f.reply = func(conn net.Conn, hello *wire.ClientHello, _ int64) bool {
		if hello.Version != wire.TLS11 || before.count(hello) > 2 {
			return false
		}
		conn.Write(alertBytes(80))
		return true
	}
	e := scanFake(t, f.serve(t), dial.Options{}, Options{Aspects: everything()})
	if got := e.Versions[results.TLSv11]; got != results.Yes {
		t.Errorf("TLS 1.1 %s, %s, failures %+v", got, e.Status, e.Failures)
	}
}
