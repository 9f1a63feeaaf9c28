package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"shakedown/bench/lab"
	"shakedown/bench/lab/stacks"
	"shakedown/results"
)

// TestMain lets the test's own program be the Go server.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == goServing {
		if err := serveGo(os.Args[2], os.Args[3]); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestMeasure runs a tool that opens one connection to a real server.
func TestMeasure(t *testing.T) {
	m := &stacks.Material{Dir: t.TempDir()}
	pki, err := lab.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	c, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rsa", "ec"} {
		for suffix, content := range map[string][]byte{".pem": c.Chain, ".key": c.Key} {
			if err := os.WriteFile(filepath.Join(m.Dir, name+suffix), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	server, err := startGo(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	one := tool{
		name: "one connection", lines: "host:port", args: []string{"openssl", "s_client", "-connect", "{first}"},
		parse: func(string) (findings, error) {
			f := findings{}
			f.add("127.0.0.1", results.TLSv13, 0x1301)
			return f, errors.New("said on purpose")
		},
	}
	e := endpoints{server: server, hosts: []string{"127.0.0.1"}, port: server.Address[len("127.0.0.1:"):]}
	r, err := measure(t.Context(), one, e, t.TempDir(), here)
	if err != nil {
		t.Fatal(err)
	}
	if r.connections < 1 || r.serverCPU <= 0 || r.clientCPU <= 0 || r.wall <= 0 || r.peak <= 0 || r.pairs() != 1 || r.trouble != "said on purpose" {
		t.Errorf("%+v", r)
	}
	one.args = []string{"/nobody/has/this"}
	if _, err := measure(t.Context(), one, e, t.TempDir(), here); err == nil {
		t.Error("a tool that is not there was measured")
	}
}

func TestPassiveOpens(t *testing.T) {
	for in, want := range map[string]int{
		"Ip: Forwarding\nIp: 1\nTcp: RtoMin ActiveOpens PassiveOpens\nTcp: 200 7 42\n": 42,
		"Tcp: PassiveOpens\nTcp: 1\nTcpExt: PassiveOpens\nTcpExt: 9\n":                 1,
		"Tcp: RtoMin PassiveOpens\nTcp: 200\n":                                         -1,
		"Tcp: PassiveOpens\nTcp: many\n":                                               -1,
		"":                                                                             -1,
	} {
		got, err := passiveOpens([]byte(in))
		if (err == nil) != (want >= 0) || err == nil && got != want {
			t.Errorf("%q: %d, %v", in, got, err)
		}
	}
}

func TestBusyTime(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"cpu  1 2 3 1000 2000 4 5 6 700 800\ncpu0 9 9 9\n": 210 * time.Millisecond, "cpu x 2": 20 * time.Millisecond, "": 0,
	} {
		if got := busyTime([]byte(in)); got != want {
			t.Errorf("%q: %v, not %v", in, got, want)
		}
	}
}

func TestTrouble(t *testing.T) {
	broken := errors.New("broken")
	for _, tc := range []struct {
		late, parse     error
		answered, asked int
		want            string
	}{
		{nil, nil, 3, 3, ""}, {nil, nil, 1, 3, "no answer for 2 of 3 endpoints"}, {nil, broken, 3, 3, "broken"},
		{context.DeadlineExceeded, broken, 0, 3, "stopped after 10m0.6s"},
	} {
		if got := trouble(tc.late, tc.parse, tc.answered, tc.asked); got != tc.want {
			t.Errorf("%+v: %q", tc, got)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, bad := range [][]string{{"-rounds", "0"}, {"-farm", "70000"}, {"-many", "70000"}, {"-only", "("}, {"-tools", "("}, {"more"}, {"-sample", "0"}} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	for _, tc := range []struct {
		args    []string
		partial bool
	}{{nil, false}, {[]string{"-many", "10000"}, false}, {[]string{"-quick"}, true}, {[]string{"-only", "RSA"}, true}, {[]string{"-tools", "nmap"}, true}} {
		o, err := parse(tc.args)
		if err != nil || o.partial() != tc.partial {
			t.Errorf("%q: %+v, %v", tc.args, o, err)
		}
	}
}
