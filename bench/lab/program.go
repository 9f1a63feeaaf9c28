// Program: any other server, for those who know how to start it.

package lab

import (
	"context"
	"fmt"
	"path/filepath"
)

// Program is a server that the lab has no words of its own for.
type Program struct {
	Place
	Command string                                       // a name that is looked for, or an absolute path
	Args    func(addr string) []string                   // addr is the loopback address to listen on
	Env     []string                                     // beside PATH and LC_ALL
	Files   func(addr string) map[string][]byte          // by name in its folder, which it runs in
	Ready   func(ctx context.Context, addr string) error // nil: it answers a ClientHello
}

// StartProgram starts the program and returns when it is ready.
func StartProgram(ctx context.Context, p Program) (*Server, error) {
	if err := p.settle(); err != nil {
		return nil, err
	}
	at, err := p.host.absolute(p.Command)
	if err != nil {
		return nil, err
	}
	ready := p.Ready
	if ready == nil {
		ready = speaksTLS
	}
	s, err := p.start(ctx, recipe{
		program: at,
		argsAt:  func(addrs []string) []string { return p.Args(addrs[0]) },
		env:     p.Env,
		ports:   1,
		files: func(addrs []string) map[string][]byte {
			if p.Files == nil {
				return nil
			}
			return p.Files(addrs[0])
		},
		ready: func(ctx context.Context, addrs []string) error { return ready(ctx, addrs[0]) },
	})
	return s, err
}

// absolute finds a program that Needs does not list.
func (h *host) absolute(command string) (string, error) {
	if filepath.IsAbs(command) {
		return command, nil
	}
	at, ok := h.locate(Need{What: command})
	if !ok {
		return "", fmt.Errorf("%s is not installed; `make truth` installs what it needs", command)
	}
	return at, nil
}
