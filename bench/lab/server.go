// One real server: its folder, its ports, its start and end. The programs'
// own files say what each is.

package lab

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"shakedown/results/wholefile"
)

// Place is where a server lives and how long.
type Place struct {
	Dir    string // a folder of the server's own, made if it is not there
	Name   string // for messages; "" is the folder's name
	Detach bool   // it outlives this process; else it ends with it, even by a crash
	Path   string // where programs are looked for, like $PATH; "" is $PATH and the system's folders

	host *host // the lab's own
}

// Server is a real program that serves, in the folder that holds its
// configuration and its logs.
type Server struct {
	Name    string
	Program string
	Dir     string
	Address string // host:port that speaks TLS, or the path of a socket
	Plain   string // host:port that speaks HTTP, "" if none

	proc   process
	exited chan struct{} // closed when dead; nil if another process of ours started it
}

// PID is the server's first process.
func (s *Server) PID() int { return s.proc.pid() }

// Alive says whether the first process runs.
func (s *Server) Alive() bool { return s.proc.alive() }

// Stop ends the server and all that it forked.
func (s *Server) Stop(ctx context.Context) error {
	if err := s.proc.end(ctx, s.Dir); err != nil {
		return fmt.Errorf("stopping %s: %w", s.Name, err)
	}
	return nil
}

// CPU is the time that the server, with all that it forked and that still runs,
// has spent on a CPU.
func (s *Server) CPU() (time.Duration, error) { return s.proc.cpu(s.Dir) }

// LogTail is the end of what the server had to say.
func (s *Server) LogTail() string { return logTail(s.Dir) }

// recipe is what differs between programs.
type recipe struct {
	program string
	args    []string
	argsAt  func(addrs []string) []string // in place of args, where the address is one of them
	env     []string
	ports   int                                    // how many loopback addresses it listens on
	files   func(addrs []string) map[string][]byte // by name in its folder
	ready   func(ctx context.Context, addrs []string) error
}

// bindAttempts is how often new ports are tried: a free one that is picked can
// be somebody else's a moment later.
const bindAttempts = 5

// startTimeout bounds one attempt. nginx alone tries to bind for 2.5 s.
const startTimeout = 15 * time.Second

// settle fills in what was left to us.
func (p *Place) settle() (err error) {
	if p.Dir == "" {
		return errors.New("a server needs a folder")
	}
	if p.Dir, err = filepath.Abs(p.Dir); err != nil {
		return err
	}
	p.Name = cmp.Or(p.Name, filepath.Base(p.Dir))
	if p.host == nil {
		p.host = newHost(p.Path)
	}
	return nil
}

func (p Place) start(ctx context.Context, r recipe) (*Server, error) {
	for attempt := 1; ; attempt++ {
		s, err := p.try(ctx, r)
		if err == nil {
			return s, nil
		}
		if attempt == bindAttempts || ctx.Err() != nil || !portTaken(p.Dir) {
			return nil, fmt.Errorf("starting %s: %w", p.Name, err)
		}
	}
}

// try starts the program once, on new ports, and waits until it serves.
func (p Place) try(ctx context.Context, r recipe) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	addrs, err := p.host.pick(ctx, r.ports)
	if err != nil {
		return nil, err
	}
	if err := writeFolder(p.Dir, r.files(addrs)); err != nil {
		return nil, err
	}
	if r.argsAt != nil {
		r.args = r.argsAt(addrs)
	}
	s := &Server{Name: p.Name, Program: r.program, Dir: p.Dir}
	if err := s.launch(ctx, p, r); err != nil {
		return nil, err
	}
	if err := s.await(ctx, func(ctx context.Context) error { return r.ready(ctx, addrs) }); err != nil {
		stopErr := s.Stop(context.WithoutCancel(ctx))
		return nil, errors.Join(s.explain(err), stopErr)
	}
	s.Address = at(addrs, 0)
	s.Plain = at(addrs, 1)
	return s, nil
}

func (s *Server) launch(ctx context.Context, p Place, r recipe) error {
	// The server must not end with ctx, which ends with the start.
	cmd, err := p.host.command(context.WithoutCancel(ctx), s.Dir, r.env, r.program, r.args...)
	if err != nil {
		return err
	}
	log, err := freshLogs(s.Dir)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	s.proc, s.exited, err = launch(cmd, !p.Detach, func(proc process) error {
		return writeJSON(filepath.Join(s.Dir, processFile), proc)
	})
	return err
}

// freshLogs opens a log for what the server prints. What an earlier attempt
// wrote would be taken for this one's.
func freshLogs(dir string) (*os.File, error) {
	if err := os.Remove(filepath.Join(dir, errorLog)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(filepath.Join(dir, outputLog), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
}

// await asks until the server is ready, is dead, or ctx ends. Its death ends a
// question under way: somebody else may hold the port, and be silent.
func (s *Server) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-s.exited:
			cancel(errDied)
		case <-ctx.Done():
		}
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		if ctx.Err() != nil {
			return notReady(context.Cause(ctx), err)
		}
	}
}

func notReady(cause, last error) error {
	if cause == errDied {
		return errDied
	}
	return fmt.Errorf("not ready: %w; the last try: %w", cause, last)
}

var errDied = errors.New("it ended at once")

// explain adds what the server wrote.
func (s *Server) explain(err error) error {
	if tail := s.LogTail(); tail != "" {
		return fmt.Errorf("%w; its log in %s ends:\n%s", err, s.Dir, tail)
	}
	return fmt.Errorf("%w; its log in %s is empty", err, s.Dir)
}

// Files of every server's folder.
const (
	processFile = "process.json"
	outputLog   = "output.log" // what it prints
	errorLog    = "error.log"  // nginx' own
)

func portTaken(dir string) bool {
	return strings.Contains(strings.ToLower(logTail(dir)), "address already in use")
}

// tailBytes is enough for the last lines, whatever the size of a log.
const tailBytes, tailLines = 4096, 5

func logTail(dir string) string {
	var lines []string
	for _, name := range []string{outputLog, errorLog} {
		for line := range strings.Lines(tail(filepath.Join(dir, name))) {
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, "  "+line)
			}
		}
	}
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

func tail(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		f.Seek(max(0, size-tailBytes), io.SeekStart)
	}
	b, _ := io.ReadAll(io.LimitReader(f, tailBytes))
	return string(b)
}

// freeAddresses picks loopback ports that nobody uses now, all at once so that
// they differ.
func freeAddresses(ctx context.Context, n int) ([]string, error) {
	var addrs []string
	for range n {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("picking a free port: %w", err)
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// writeFolder makes a folder for its owner alone and writes files into it.
func writeFolder(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeJSON replaces a file in one step: a crash leaves the old or the new.
func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return wholefile.Write(file, 0o600, func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}

// connects is ready when something listens.
func connects(ctx context.Context, network, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// speaksTLS is ready when a ClientHello is answered by a TLS record: which
// answer does not matter, for a server may be set to refuse this client.
func speaksTLS(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(earlier(deadline, time.Now().Add(answerTimeout)))
	seen := &firstByte{Conn: conn}
	err = tls.Client(seen, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}).HandshakeContext(ctx)
	if err == nil || seen.first == recordHandshake || seen.first == recordAlert {
		return nil
	}
	return err
}

// answerTimeout bounds one question to a server on this host.
const answerTimeout = 5 * time.Second

// Content types of a TLS record: RFC 8446 §5.1.
const (
	recordAlert     = 21
	recordHandshake = 22
)

// firstByte remembers how the peer's answer began.
type firstByte struct {
	net.Conn
	first byte
}

func (c *firstByte) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.first == 0 {
		c.first = b[0]
	}
	return n, err
}

func earlier(a, b time.Time) time.Time {
	if !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}
