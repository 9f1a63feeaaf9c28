// Package stacks is every TLS server that Debian offers, each started with as
// much enabled as it can be talked into, and what each one's own tools say that
// it accepts: the truth that scans are held against.
//
// It knows no scanner: an endpoint record goes in, agreement comes out. Nothing
// of the truth is derived from a scan.
package stacks

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"shakedown/bench/lab"
)

// Stack is one server of one TLS library in one configuration.
type Stack struct {
	Name     string
	Library  string // whose TLS it is
	Setting  string // how it is configured, in words
	Packages []string
	Light    bool // needs no more than `make test` installs

	version []string // the command that prints the version
	// mayRefuseAll is of a configuration that was drawn, and may come to nothing.
	mayRefuseAll bool

	start   func(ctx context.Context, m *Material, at lab.Place) (*Running, error)
	clients []Client
}

// Running is a stack that serves.
type Running struct {
	Address string // host:port
	PID     int    // 0 if it runs in this process
	stop    func(context.Context) error
}

// Stop ends the server.
func (r *Running) Stop(ctx context.Context) error { return r.stop(ctx) }

// Start starts the stack in a folder of its own under the material's.
func (s Stack) Start(ctx context.Context, m *Material) (*Running, error) {
	return s.start(ctx, m, lab.Place{Dir: filepath.Join(m.Dir, "servers", s.slug()), Name: s.Name})
}

func (s Stack) slug() string {
	return regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(s.Name), "-")
}

// Truth asks with each of the stack's clients, one suite at a time, and joins
// what the server chose and what the clients finished.
func (s Stack) Truth(ctx context.Context, m *Material, address string) (Pairs, error) {
	t, err := newTap(ctx, address)
	if err != nil {
		return nil, err
	}
	truth := Pairs{}
	for _, c := range s.clients {
		finished, err := c.Pairs(ctx, m, t.address())
		if err != nil {
			t.close()
			return nil, fmt.Errorf("%s, asked by %s: %w", s.Name, c.Name, err)
		}
		truth.Join(finished)
	}
	truth.Join(t.close())
	if len(truth) == 0 && !s.mayRefuseAll {
		return nil, fmt.Errorf("%s: no client finished a handshake: the server or its configuration is broken", s.Name)
	}
	return truth, nil
}

// Clients names who was asked.
func (s Stack) Clients() string {
	var names []string
	for _, c := range s.clients {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}

// Version asks the program for its version: the first number with a dot in it.
func (s Stack) Version(ctx context.Context) (string, error) {
	out, err := output(ctx, nil, s.version...)
	if v := regexp.MustCompile(`\d+\.\d[\w.+~-]*`).FindString(out); v != "" {
		return v, nil
	}
	return "", fmt.Errorf("no version from %q: %v: %s", strings.Join(s.version, " "), err, out)
}

// All lists every stack, the ordinary ones first.
func All() []Stack {
	var all []Stack
	for _, of := range [][]Stack{opensslStacks(), gnutlsStacks(), nssStacks(), ownStacks(), embeddedStacks(), furtherStacks()} {
		all = append(all, of...)
	}
	return all
}

// served wraps a server of the lab.
func served(s *lab.Server, err error) (*Running, error) {
	if err != nil {
		return nil, err
	}
	return &Running{Address: s.Address, PID: s.PID(), stop: s.Stop}, nil
}

// program is the start of a server that is one command.
func program(build func(m *Material) lab.Program) func(context.Context, *Material, lab.Place) (*Running, error) {
	return func(ctx context.Context, m *Material, at lab.Place) (*Running, error) {
		p := build(m)
		p.Place = at
		return served(lab.StartProgram(ctx, p))
	}
}
