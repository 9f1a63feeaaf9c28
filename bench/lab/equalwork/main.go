// Command equalwork shows that the lean client costs a server what an ordinary
// client costs it: the server's processor time per handshake, lean ÷ stock, in
// interleaved blocks, before five TLS stacks; and, as a control of the method, that
// of the stock client beside itself. It ends with 1 where an interval of the lean
// client is not within 5 % of one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"time"

	"shakedown/bench/lab"
	"shakedown/bench/lab/stacks"
)

// options are what is to be measured.
type options struct {
	only   *regexp.Regexp
	blocks int
	rate   float64
	block  time.Duration
	warm   time.Duration // of each client before the first block

	reaction time.Duration // of both clients

	steered bool // the clients' processor takes in what arrives
}

// Whose processor it is.
const (
	servers = iota
	clients
)

func main() {
	table := flag.String("table", "", "the file to write the table to; standard output if empty")
	only := flag.String("only", "", "a pattern of \"STACK SHAPE\"")
	o := options{}
	raw := flag.String("raw", "", "a file for what each block cost, as CSV; none if empty")
	flag.IntVar(&o.blocks, "blocks", 800, "interleaved blocks of each client; an eighth of it for Java")
	flag.Float64Var(&o.rate, "rate", 400, "handshakes a second; a sixteenth of it for Java")
	flag.DurationVar(&o.block, "block", 25*time.Millisecond, "time for a block; eight times as much for Java")
	flag.DurationVar(&o.warm, "warm", time.Second, "time for each client before the first block; four times as much for Java, which compiles meanwhile")
	flag.DurationVar(&o.reaction, "reaction", 500*time.Microsecond, "how long after what they answer both clients' answers come, and their goodbyes after all of it, as over a network; 0: each as soon as it can")
	serve := flag.String("serve", "", "be the Go server at this address, with the certificate and key that follow")
	apart := flag.Bool("apart", false, "be in a network of one's own already")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *serve != "" {
		fatal(goServer(ctx, *serve, flag.Arg(0), flag.Arg(1)))
		return
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		fatal(err)
	}
	if *apart {
		o.steered, err = steer(ctx)
		fatal(err)
	} else if os.Geteuid() == 0 {
		code, done, err := again(ctx)
		fatal(err)
		if done {
			os.Exit(code)
		}
	}
	// With so much in use the runtime collects once in some fifty blocks, and not in
	// each, where its collector would take the clients' processor from them.
	ballast := make([]byte, 64<<20)
	rows, err := measureAll(ctx, o)
	runtime.KeepAlive(ballast)
	fatal(errors.Join(err, write(ctx, *table, o, rows), writeBlocks(*raw, rows)))
	for _, r := range rows {
		if !r.shape.control() && !r.equal() {
			os.Exit(1)
		}
	}
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "equalwork:", err)
		os.Exit(1)
	}
}

func measureAll(ctx context.Context, o options) ([]row, error) {
	dir, err := os.MkdirTemp("", "shakedown-equalwork-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	m, err := stacks.NewMaterial(ctx, dir)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, s := range stacks.Equal(func(m *stacks.Material) lab.Program {
		return lab.Program{Command: self, Args: func(addr string) []string {
			return []string{"-serve", addr, filepath.Join(m.Dir, "ec.pem"), filepath.Join(m.Dir, "ec.key")}
		}}
	}) {
		more, err := measureStack(ctx, o, m, s)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", s.Name, err)
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// forJava fits options to a server that takes 22 ms for a handshake, and compiles
// for longer than others fill their caches.
func forJava(o options) options {
	o.rate /= 16
	o.block *= 8
	o.blocks = (o.blocks + 7) / 8
	o.warm *= 4
	return o
}

// measureStack starts a stack and measures it in every shape that it has.
func measureStack(ctx context.Context, o options, m *stacks.Material, s stacks.Stack) (rows []row, err error) {
	wanted := false
	for _, shape := range shapesOf(s.Name) {
		wanted = wanted || o.only.MatchString(s.Name+" "+shape.name)
	}
	if !wanted {
		return nil, nil
	}
	version, err := s.Version(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := pin(servers); err != nil {
		return nil, err
	}
	server, err := s.Start(ctx, m)
	if err != nil {
		return nil, err
	}
	if _, err := pin(clients); err != nil {
		return nil, errors.Join(err, server.Stop(context.WithoutCancel(ctx)))
	}
	prefer(server.PID)
	prefer(os.Getpid())
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	if s.Name == "Java" {
		o = forJava(o)
	}
	for _, shape := range shapesOf(s.Name) {
		if !o.only.MatchString(s.Name + " " + shape.name) {
			continue
		}
		r, err := measure(ctx, o, server, shape)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", shape.name, err)
		}
		r.stack, r.library, r.version, r.setting = s.Name, s.Library, version, s.Setting
		fmt.Fprintf(os.Stderr, "%s\n", r)
		rows = append(rows, r)
	}
	return rows, nil
}
