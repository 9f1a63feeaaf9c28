// Package lab is a test bed of real programs on loopback: nginx, HAProxy and a
// software HSM serve every path kind of the contract, in one folder, on free
// ports. Its pieces (a PKI, and single servers with chosen TLS settings) are
// for tests too. It does not scan or measure: the other verbs do, with the
// inventory that it writes.
package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options say where a lab lives and how long.
type Options struct {
	Dir    string // see DefaultDir
	Detach bool   // the servers outlive this process; else they end with it, even by a crash
	Path   string // where programs are looked for, like $PATH; "" is $PATH and the system's folders

	ran func(argv, env []string) // sees every command; for tests
}

// Lab is a lab that is up.
type Lab struct {
	Dir       string
	Inventory string // the file that the other verbs take
	Roots     string // the CA's root, PEM
	Paths     []Path

	servers map[string]*Server
}

// RunningError says that the lab is up already, whole and well.
type RunningError struct{ Lab *Lab }

func (e *RunningError) Error() string {
	return fmt.Sprintf("the lab in %s is up already", e.Lab.Dir)
}

// upTimeout bounds the whole start, which takes a few seconds.
const upTimeout = 90 * time.Second

// Up starts a lab and returns when every path answers. A lab that is up and
// well is a RunningError; what is left of one that is not is ended first. If
// anything fails, what was started is ended again; the logs stay until Down.
func Up(ctx context.Context, o Options) (*Lab, error) {
	h := newHost(o.Path)
	h.ran = o.ran
	if m := h.missing(); len(m) > 0 {
		return nil, m
	}
	f, err := takeFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	defer f.release()
	if running := whole(ctx, f.dir); running != nil {
		return nil, &RunningError{running}
	}
	if err := f.clear(ctx); err != nil {
		return nil, err
	}
	return f.up(ctx, h, o)
}

// clear ends what an earlier lab left and empties the folder.
func (f *folder) clear(ctx context.Context) error {
	if err := endAll(ctx, f.dir); err != nil {
		return err
	}
	return f.empty()
}

func (f *folder) up(ctx context.Context, h *host, o Options) (*Lab, error) {
	ctx, cancel := context.WithTimeout(ctx, upTimeout)
	defer cancel()
	st := state{Phase: Starting, StartedAt: time.Now().UTC(), Servers: plan()}
	if err := f.write(st); err != nil {
		return nil, err
	}
	l, err := build(ctx, f.dir, h, o.Detach)
	if err != nil {
		return nil, f.fail(ctx, st, err)
	}
	st.Phase, st.Paths = Running, l.Paths
	if err := f.write(st); err != nil {
		return nil, f.fail(ctx, st, err)
	}
	return l, nil
}

// fail takes down what was started and keeps the reason, with the logs, for
// status. Who interrupted it knows the reason: then nothing is kept.
func (f *folder) fail(ctx context.Context, st state, cause error) error {
	if err := endAll(context.WithoutCancel(ctx), f.dir); err != nil {
		return errors.Join(cause, err)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		_, err := f.remove()
		return errors.Join(fmt.Errorf("interrupted, and all that had started is ended: %w", ctx.Err()), err)
	}
	st.Phase, st.Failure, st.Paths = Failed, cause.Error(), nil
	return errors.Join(cause, f.write(st))
}

// Down ends the lab and removes what it made.
func (l *Lab) Down(ctx context.Context) error {
	_, err := Down(ctx, l.Dir)
	return err
}

// Down ends whatever runs of the lab in dir, whole or not, and removes what the
// lab made: the folder itself too, unless it was there before. A folder that is
// no lab's is left alone; then found is false.
func Down(ctx context.Context, dir string) (found bool, err error) {
	if dir, err = named(dir); err != nil {
		return false, err
	}
	if !marked(dir) {
		return false, nil
	}
	if err := ours(dir); err != nil {
		return true, err
	}
	f, err := lockFolder(dir)
	if err != nil {
		return true, err
	}
	defer f.release()
	if err := endAll(ctx, dir); err != nil {
		return true, err
	}
	_, err = f.remove()
	return true, err
}

// endAll ends every server on record.
func endAll(ctx context.Context, dir string) error {
	var g errgroup.Group
	for _, s := range recorded(dir) {
		g.Go(func() error { return s.Stop(ctx) })
	}
	return g.Wait()
}

// Server gives one of the lab's servers by name, nil if there is none.
func (l *Lab) Server(name string) *Server { return l.servers[name] }

// Path gives a path by name.
func (l *Lab) Path(name string) (Path, bool) {
	for _, p := range l.Paths {
		if p.Name == name {
			return p, true
		}
	}
	return Path{}, false
}

// whole gives the lab in dir if every server runs and every path answers.
func whole(ctx context.Context, dir string) *Lab {
	report, err := Status(ctx, dir)
	if err != nil || !report.OK() {
		return nil
	}
	return opened(dir, report.Paths)
}

// opened describes a lab that runs.
func opened(dir string, paths []Path) *Lab {
	l := &Lab{
		Dir: dir, Inventory: filepath.Join(dir, InventoryFile), Roots: filepath.Join(dir, RootsFile),
		Paths: paths, servers: map[string]*Server{},
	}
	for _, s := range recorded(dir) {
		l.servers[s.Name] = s
	}
	return l
}

// answers makes a full handshake with a path. It does not judge the
// certificate: some are wrong on purpose.
func answers(ctx context.Context, p Path) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, ServerName: p.ServerName}}
	conn, err := d.DialContext(ctx, "tcp", p.Address)
	if err != nil {
		return fmt.Errorf("path %s at %s: %w", p.Name, p.Address, err)
	}
	return conn.Close()
}
