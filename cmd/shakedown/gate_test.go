// What the stories of gates need: a fleet of instances that change at their
// addresses, and verdict files read as a CI system reads them.

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"shakedown/bench/stats"
	"shakedown/results"
)

// fleet is the instances of one story, under one authority.
type fleet struct {
	root    *x509.Certificate
	rootKey *ecdsa.PrivateKey
	leafKey *ecdsa.PrivateKey
	serving map[string]*instanceServer
}

type instanceServer struct {
	listener net.Listener
	config   atomic.Pointer[tls.Config]
}

type fleetKey struct{}

// instance starts an instance, its address in a variable, or changes what one
// serves, at once: instance VARIABLE good|expired|drifted|fewer|stopped. Its
// authority is in ca.pem.
func instance(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: instance VARIABLE good|expired|drifted|fewer|stopped")
	}
	f := ts.Value(fleetKey{}).(*fleet)
	if f.root == nil {
		f.found(ts)
	}
	server := f.serving[args[0]]
	if server == nil {
		server = f.start(ts)
		f.serving[args[0]] = server
		ts.Setenv(args[0], server.listener.Addr().String())
	}
	if args[1] == "stopped" {
		ts.Check(server.listener.Close())
		return
	}
	server.config.Store(f.config(ts, args[1]))
}

// found makes the authority.
func (f *fleet) found(ts *testscript.TestScript) {
	var err error
	f.serving = map[string]*instanceServer{}
	f.rootKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	f.leafKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Story Root"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-100 * 24 * time.Hour), NotAfter: time.Now().Add(400 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, f.rootKey.Public(), f.rootKey)
	ts.Check(err)
	f.root, err = x509.ParseCertificate(der)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
}

func (f *fleet) start(ts *testscript.TestScript) *instanceServer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	s := &instanceServer{listener: l}
	ts.Defer(func() { l.Close() })
	go acceptAll(l, func(c net.Conn) {
		conn := tls.Server(c, s.config.Load())
		if conn.HandshakeContext(context.Background()) == nil {
			io.Copy(io.Discard, conn)
		}
	})
	return s
}

// config is what an instance serves.
func (f *fleet) config(ts *testscript.TestScript, kind string) *tls.Config {
	ends := time.Now().Add(60 * 24 * time.Hour)
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	switch kind {
	case "good":
	case "expired":
		ends = time.Now().Add(-24 * time.Hour)
	case "drifted":
		cfg.MinVersion = tls.VersionTLS10
	case "fewer":
		cfg.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	default:
		ts.Fatalf("no instance of kind %q", kind)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "portal.example"}, DNSNames: []string{"portal.example"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Now().Add(-30 * 24 * time.Hour), NotAfter: ends,
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, f.root, f.leafKey.Public(), f.rootKey)
	ts.Check(err)
	cfg.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: f.leafKey}}
	return cfg
}

// ends writes how each thing of a verdict file ended, a line each, sorted:
// ends junit|sarif FILE TO.
func ends(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: ends junit|sarif FILE TO")
	}
	text, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	lines := map[string]func(*testscript.TestScript, []byte) []string{"junit": junitEnds, "sarif": sarifEnds}[args[0]](ts, text)
	slices.Sort(lines)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}

func junitEnds(ts *testscript.TestScript, text []byte) []string {
	var file struct {
		Suites []struct {
			Cases []struct {
				Name    string    `xml:"name,attr"`
				Class   string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	ts.Check(xml.Unmarshal(text, &file))
	var lines []string
	for _, s := range file.Suites {
		for _, c := range s.Cases {
			end := "passed"
			switch {
			case c.Failure != nil:
				end = "failure"
			case c.Error != nil:
				end = "error"
			case c.Skipped != nil:
				end = "skipped"
			}
			name, _, _ := strings.Cut(c.Name, " at ") // the port is another each time
			lines = append(lines, fmt.Sprintf("%s %s: %s", c.Class, name, end))
		}
	}
	return lines
}

func sarifEnds(ts *testscript.TestScript, text []byte) []string {
	var file struct {
		Runs []struct {
			Results []struct {
				RuleID    string
				Kind      string
				Level     string
				Locations []struct{ LogicalLocations []struct{ Name string } }
			}
		}
	}
	ts.Check(json.Unmarshal(text, &file))
	var lines []string
	for _, r := range file.Runs[0].Results {
		lines = append(lines, fmt.Sprintf("%s %s: %s %s", r.Locations[0].LogicalLocations[0].Name, r.RuleID, r.Kind, r.Level))
	}
	return lines
}

// readme writes the commands of README that begin so, each a line, to a file to
// be run: readme BEGINNING TO [WITHOUT].
func readme(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: readme BEGINNING TO [WITHOUT]")
	}
	text, err := os.ReadFile("../../README.md")
	ts.Check(err)
	var commands []string
	for line := range strings.Lines(string(text)) {
		i := strings.Index(line, args[0])
		if i < 0 || !strings.HasPrefix(line, "    ") || len(args) > 2 && strings.Contains(line, args[2]) {
			continue
		}
		command, _, _ := strings.Cut(strings.TrimSpace(line[i:]), "'") // Jenkins' closing quote
		commands = append(commands, command)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte("set -ex\n"+strings.Join(commands, "\n")+"\n"), 0o600))
}

// measured writes the records of a bench over i-1 and i-2, whose handshakes took
// about so long: measured FILE DURATION DURATION. Real ones would be as quiet as
// the machine is.
func measured(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: measured FILE DURATION DURATION")
	}
	file, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer file.Close()
	at := time.Unix(1_790_000_000, 0).UTC()
	stream := results.NewStream(results.Header{StartedAt: at, Command: "bench", Paths: []string{"portal/i-1", "portal/i-2"}}, results.NewEncoder(file))
	for i, text := range args[1:] {
		took, err := time.ParseDuration(text)
		ts.Check(err)
		id, asked := fmt.Sprint("t", i+1), results.Shape{Version: results.TLSv13}
		var whole stats.Histogram
		for block := range 8 {
			var h stats.Histogram
			for n := range 100 {
				d := took + time.Duration(n+block)*time.Microsecond
				h.Record(d)
				whole.Record(d)
			}
			stream.Put(&results.Block{Trial: id, Index: block, StartedAt: at, Seed: 1, Handshakes: 100, Phases: results.Phases{Handshake: h.Dist()}})
		}
		stream.Put(&results.Trial{
			Service: "portal", Path: fmt.Sprint("i-", i+1), Kind: results.Instance, Target: "127.0.0.1:1", Address: "127.0.0.1:1", Trial: id, StartedAt: at,
			Loop: results.OpenLoop, OfferedRate: 100, AchievedRate: 100, Connections: 64, DurationS: 8, Client: "lean", Asked: asked,
			Negotiated: []results.ShapeCount{{Shape: asked, Count: 800}}, Due: 800, Handshakes: 800, Failures: []results.Failure{}, Valid: true, InvalidWhy: []string{},
			Phases: results.Phases{Handshake: whole.Dist()},
		})
	}
	ts.Check(stream.Finish(exitGood, true, at.Add(10*time.Second)))
}
