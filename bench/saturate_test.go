package bench_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/bench/lab"
	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// BenchmarkGeneratorBesideNginx sets what a handshake costs the generator (user
// and system time of the whole process) beside what it costs an nginx worker: below
// one, one core of the generator saturates one core of the server, with time to
// spare.
func BenchmarkGeneratorBesideNginx(b *testing.B) {
	pki, err := lab.NewPKI()
	if err != nil {
		b.Fatal(err)
	}
	for _, key := range []lab.KeyType{lab.ECDSA, lab.RSA} {
		leaf, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}, Key: key})
		if err != nil {
			b.Fatal(err)
		}
		server, err := nginx(b.Context(), lab.Place{Dir: filepath.Join(b.TempDir(), "nginx")}, lab.TLS{Certificates: []lab.Certificate{leaf}})
		if err != nil {
			b.Fatal(err)
		}
		for _, version := range []uint16{wire.TLS12, wire.TLS13} {
			for _, group := range []string{"X25519", "P-256"} {
				for _, resume := range []float64{0, 1} {
					benchmarkBeside(b, server, key, version, group, resume)
				}
			}
		}
		if err := server.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkBeside(b *testing.B, server *lab.Server, key lab.KeyType, version uint16, group string, resume float64) {
	kind := map[lab.KeyType]string{lab.ECDSA: "ecdsa", lab.RSA: "rsa"}[key]
	b.Run(fmt.Sprintf("%s/%s/%s/%s", wire.VersionName(version), map[float64]string{0: "full", 1: "resumed"}[resume], kind, group), func(b *testing.B) {
		ask, err := client.NewAsk(wire.VersionName(version), group, "", "")
		if err != nil {
			b.Fatal(err)
		}
		ask.Resume = resume
		var generator, nginx time.Duration
		made := 0
		for b.Loop() {
			before, own := workersCPU(b, server), cpuTime()
			made += besides(b, netip.MustParseAddrPort(server.Address), ask)
			generator += cpuTime() - own
			nginx += workersCPU(b, server) - before
		}
		each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(made) }
		b.ReportMetric(each(generator), "generator-µs/handshake")
		b.ReportMetric(each(nginx), "nginx-µs/handshake")
		b.ReportMetric(each(generator)/each(nginx), "generator/nginx")
		b.ReportMetric(0, "ns/op")
		if generator >= nginx && resume == 0 {
			b.Errorf("the generator would be the limit")
		}
	})
}

// besides makes handshakes for a second and says how many.
func besides(b *testing.B, address netip.AddrPort, ask client.Ask) (made int) {
	plan, err := bench.Plan{
		Paths: []bench.Path{{Service: "s", Name: "p", Address: address, ServerName: "portal.example", Ask: ask}},
		Loop:  results.ClosedLoop, Connections: inFlight, Duration: time.Second, Blocks: 1, WarmUp: -1,
	}.Complete()
	if err != nil {
		b.Fatal(err)
	}
	_, err = bench.Run(b.Context(), plan, bench.Env{Classify: dial.Classify, Put: func(r results.Record) error {
		if t, ok := r.(*results.Trial); ok {
			made = t.Handshakes + t.Generator.TicketHandshakes
			if t.Handshakes != t.Due {
				b.Fatalf("%d of %d handshakes, %+v", t.Handshakes, t.Due, t.Failures)
			}
		}
		return nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	return made
}

// workersCPU is the processor time that a server's children have used.
func workersCPU(b *testing.B, server *lab.Server) (sum time.Duration) {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", server.PID()))
	if err != nil {
		b.Fatal(err)
	}
	for _, pid := range strings.Fields(string(children)) {
		text, err := os.ReadFile("/proc/" + pid + "/schedstat")
		if err != nil {
			b.Fatal(err)
		}
		ns, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(ns)
	}
	return sum
}
