package bench_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/bench/internal/tlstest"
	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// serverEnv makes the test binary a server of its own, whose processor time is
// not the client's.
const serverEnv = "SHAKEDOWN_TEST_SERVER"

func TestMain(m *testing.M) {
	if cert := os.Getenv(serverEnv); cert != "" {
		serveUntilEOF(cert)
		return
	}
	if job := os.Getenv(fewEnv); job != "" {
		if err := measureWithFew(job); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func serveUntilEOF(cert string) {
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{tlstest.Certificate(cert)}})
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				answer(conn)
				conn.Close()
			}()
		}
	}()
	io.Copy(io.Discard, os.Stdin)
}

// answer answers each request, as h2load wants it; the others make none.
func answer(conn net.Conn) {
	buffer := make([]byte, 4<<10)
	for {
		if _, err := conn.Read(buffer); err != nil {
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}
}

// otherProcess is a crypto/tls server in another process.
func otherProcess(b *testing.B, cert string) netip.AddrPort {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serverEnv+"="+cert)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return netip.MustParseAddrPort(line[:len(line)-1])
}

// cpuCase is a kind of handshake whose cost is compared.
type cpuCase struct {
	cert    string
	version uint16
	group   tls.CurveID
	resume  bool
}

// BenchmarkClientCPU sets the lean client's processor time, user and system of
// the whole process, beside that of a plain crypto/tls loop that verifies
// nothing, of openssl s_time and of h2load: same server, same group, turn by turn.
func BenchmarkClientCPU(b *testing.B) {
	for _, c := range []cpuCase{
		{"p256", tls.VersionTLS13, tls.X25519, false},
		{"p256", tls.VersionTLS13, tls.CurveP256, false},
		{"p256", tls.VersionTLS13, tls.X25519MLKEM768, false},
		{"rsa", tls.VersionTLS13, tls.X25519, false},
		{"p256", tls.VersionTLS12, tls.X25519, false},
		{"rsa", tls.VersionTLS12, tls.CurveP256, false},
		{"p256", tls.VersionTLS13, tls.X25519, true},
		{"p256", tls.VersionTLS13, tls.CurveP256, true},
		{"p256", tls.VersionTLS12, tls.X25519, true},
	} {
		kind := map[bool]string{false: "full", true: "resumed"}[c.resume]
		b.Run(fmt.Sprintf("%s/%s/%s/%s", wire.VersionName(c.version), kind, c.cert, c.group), func(b *testing.B) {
			address := otherProcess(b, c.cert)
			var lean, plain time.Duration
			n, m := 0, 0
			others, made := make([]time.Duration, len(peers())), make([]int, len(peers()))
			for b.Loop() {
				ask := client.Ask{Version: c.version, Group: uint16(c.group)}
				if c.resume {
					ask.Resume = 1
				}
				cpu, k := leanCPU(b, address, ask)
				lean, n = lean+cpu, n+k
				cpu, k = plainCPU(b, address, c.version, c.group, c.resume)
				plain, m = plain+cpu, m+k
				for i, p := range peers() {
					cpu, k = p.cpu(b, address, c)
					others[i], made[i] = others[i]+cpu, made[i]+k
				}
			}
			us := func(d time.Duration, n int) float64 { return float64(d.Microseconds()) / float64(max(n, 1)) }
			b.ReportMetric(us(lean, n), "lean-µs/handshake")
			b.ReportMetric(us(plain, m), "plain-µs/handshake")
			b.ReportMetric(us(lean, n)/us(plain, m), "lean/plain")
			for i, p := range peers() {
				if made[i] > 0 {
					b.ReportMetric(us(others[i], made[i]), p.name+"-µs/handshake")
				}
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

const inFlight = 8

func leanCPU(b *testing.B, address netip.AddrPort, ask client.Ask) (time.Duration, int) {
	plan, err := bench.Plan{
		Paths: []bench.Path{{Service: "s", Name: "p", Address: address, ServerName: tlstest.Name, Ask: ask}},
		Loop:  results.ClosedLoop, Connections: inFlight, Duration: time.Second, Blocks: 1,
	}.Complete()
	if err != nil {
		b.Fatal(err)
	}
	made := 0
	before := cpuTime()
	_, err = bench.Run(b.Context(), plan, bench.Env{Classify: dial.Classify, Put: func(r results.Record) error {
		if trial, ok := r.(*results.Trial); ok {
			made = trial.Handshakes*11/10 + trial.Generator.TicketHandshakes // and a tenth of warm-up
			if len(trial.Failures) > 0 || trial.OtherShape > 0 {
				b.Fatalf("failures: %+v, %d of another shape", trial.Failures, trial.OtherShape)
			}
		}
		return nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	return cpuTime() - before, made
}

// plainCPU is what one would write without much thought. Resumed, it uses one
// ticket again and again and reads no others: the least that crypto/tls can do,
// while the lean client uses each ticket of TLS 1.3 once.
func plainCPU(b *testing.B, address netip.AddrPort, version uint16, group tls.CurveID, resume bool) (time.Duration, int) {
	config := &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, CurvePreferences: []tls.CurveID{group}}
	if resume {
		config.ServerName = tlstest.Name
		config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		earnTicket(b, address, config)
	}
	var made atomic.Int64
	var work sync.WaitGroup
	before, end := cpuTime(), time.Now().Add(time.Second)
	for range inFlight {
		work.Go(func() {
			for time.Now().Before(end) {
				conn, err := tls.DialWithDialer(&net.Dialer{}, "tcp", address.String(), config)
				if err == nil {
					if conn.ConnectionState().DidResume != resume {
						b.Errorf("resumed: %v", !resume)
					}
					conn.Close()
					made.Add(1)
				}
			}
		})
	}
	work.Wait()
	return cpuTime() - before, int(made.Load())
}

// earnTicket makes a handshake and reads until a ticket is in the cache.
func earnTicket(b *testing.B, address netip.AddrPort, config *tls.Config) {
	conn, err := tls.Dial("tcp", address.String(), config)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	conn.Read(make([]byte, 1)) // the server has nothing else to say
	if _, ok := config.ClientSessionCache.Get(config.ServerName); !ok {
		b.Fatal("the server handed out no ticket")
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
