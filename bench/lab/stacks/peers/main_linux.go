// Command peers measures `shakedown scan` beside the complete scanners that
// Debian offers, on the same servers in the same run, near and at a distance,
// and writes the table. A bar that is missed is in the table and no error.
//
// It runs in network namespaces of its own, so nothing but loopback is reached,
// the kernel counts this run's connections alone, and nothing stays behind.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"shakedown/bench/lab/delaylink"
	"shakedown/bench/lab/stacks"
)

// options are the flags.
type options struct {
	binary     string
	table      string
	only       *regexp.Regexp
	tools      *regexp.Regexp
	rounds     int
	farmRounds int
	farm       int
	sample     int
	many       int
	roundTrip  time.Duration
	quick      bool
}

// partial says that not the whole table is measured.
func (o options) partial() bool {
	return o.quick || o.only.String() != "" || o.tools.String() != ""
}

// inside, as the first argument, says that the namespace is made.
const inside = "-inside"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	switch {
	case len(args) == 3 && args[0] == goServing:
		return serveGo(args[1], args[2])
	case len(args) > 0 && args[0] == inside:
		o, err := parse(args[1:])
		if err != nil {
			return err
		}
		return compare(ctx, o)
	case slices.Equal(args, []string{"-packages"}):
		fmt.Println(packages())
		return nil
	}
	if _, err := parse(args); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("making network namespaces, and a delay between them, needs root; run: sudo " + strings.Join(os.Args, " "))
	}
	return again(ctx, args)
}

func parse(args []string) (o options, err error) {
	fs := flag.NewFlagSet("peers", flag.ContinueOnError)
	fs.StringVar(&o.binary, "binary", "bin/shakedown", "what is measured beside the peers")
	fs.StringVar(&o.table, "table", "", "the file to write the table to; standard output if empty, and for a part of it")
	only := fs.String("only", "", "a pattern of endpoints' names")
	named := fs.String("tools", "", "a pattern of tools' names")
	fs.IntVar(&o.rounds, "rounds", 3, "runs of each tool on single endpoints")
	fs.IntVar(&o.farmRounds, "farm-rounds", 1, "runs of each tool on farms")
	fs.IntVar(&o.farm, "farm", 200, "endpoints of a farm")
	fs.IntVar(&o.sample, "sample", 10, "endpoints of a farm, at a distance, for tools that take one after the other")
	fs.IntVar(&o.many, "many", 0, "also scan so many endpoints in one run of shakedown; 10000 takes minutes")
	fs.DurationVar(&o.roundTrip, "rtt", 20*time.Millisecond, "the distance")
	fs.BoolVar(&o.quick, "quick", false, "one round, farms of 20, no testssl.sh: to see that all works")
	fs.Bool("packages", false, "print the packages that this needs, and end; alone")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, err
	}
	if o.tools, err = regexp.Compile(*named); err != nil {
		return o, err
	}
	if o.quick {
		o.rounds, o.farmRounds, o.farm = 1, 1, 20
	}
	if o.rounds < 1 || o.farmRounds < 1 || o.farm < 1 || o.sample < 1 || max(o.farm, o.many) > mostEndpoints || fs.NArg() > 0 {
		return o, fmt.Errorf("rounds, farms and samples are one at least, endpoints %d at most, and there are no arguments; see -help", mostEndpoints)
	}
	return o, nil
}

// mostEndpoints fit the network.
const mostEndpoints = 1<<16 - 2

// again runs this program in a new namespace: there every thread is in it, and
// all that it starts.
func again(ctx context.Context, args []string) error {
	runtime.LockOSThread() // the signal of death is of the thread
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", append([]string{inside}, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	err := cmd.Run()
	if errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("making a network namespace: %w; in a container it needs CAP_SYS_ADMIN and CAP_NET_ADMIN", err)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return errors.New("nothing was written")
	}
	return err
}

// compare does the work.
func compare(ctx context.Context, o options) (err error) {
	begun := time.Now()
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "shakedown-peers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := delaylink.Local(ctx, network()); err != nil {
		return err
	}
	link, err := delaylink.Open(ctx, o.roundTrip, network())
	if err != nil {
		return err
	}
	defer link.Close()
	m, err := stacks.NewMaterial(ctx, dir)
	if err != nil {
		return err
	}
	f, err := start(ctx, m)
	defer func() { err = errors.Join(err, f.stop(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	c := comparison{options: o, dir: dir, link: link}
	t := table{}
	if t.tools, t.version, err = c.chosen(ctx); err != nil {
		return err
	}
	if t.rows, err = c.rows(ctx, f.endpoints(o.farm), t.tools); err != nil {
		return err
	}
	if t.many, err = c.many(ctx, f, t.tools[0]); err != nil {
		return err
	}
	if n := link.Lost(); n > 0 {
		return fmt.Errorf("the link lost %d packets, so the figures at a distance say nothing: give it a quieter machine, or a smaller -farm", n)
	}
	t.heading, t.took = heading(o), time.Since(begun)
	return o.publish(t)
}

// comparison is the work under way.
type comparison struct {
	options
	dir  string
	link *delaylink.Link
}

// chosen are the tools that are wanted, ours first, with their versions.
func (c comparison) chosen(ctx context.Context) (chosen []tool, version map[string]string, err error) {
	version = map[string]string{}
	for _, t := range tools(c.binary) {
		if t.slow && c.quick || t.name != shakedown && !c.options.tools.MatchString(t.name) {
			continue
		}
		if version[t.name], err = t.versionOf(ctx); err != nil {
			return nil, nil, fmt.Errorf("%s: %w; `make peers` installs what is needed", t.name, err)
		}
		chosen = append(chosen, t)
	}
	return chosen, version, nil
}

// rows measures every tool on all endpoints, near and far.
func (c comparison) rows(ctx context.Context, all []endpoints, chosen []tool) (rows []row, err error) {
	for i, e := range all {
		if !c.only.MatchString(e.name) {
			continue
		}
		for _, distance := range []time.Duration{0, c.roundTrip} {
			some, err := c.interleaved(ctx, e, distance, slices.DeleteFunc(slices.Clone(chosen), func(t tool) bool {
				return t.slow && i > 0 || t.wide && !(e.farm && distance > 0)
			}))
			if err != nil {
				return nil, err
			}
			rows = append(rows, some...)
		}
	}
	return rows, nil
}

// interleaved runs the tools in rounds, so that a slow minute of the machine is
// everybody's; each round begins with another.
func (c comparison) interleaved(ctx context.Context, e endpoints, distance time.Duration, chosen []tool) ([]row, error) {
	rows := make([]row, len(chosen))
	rounds := c.rounds
	if e.farm {
		rounds = c.farmRounds
	}
	for round := range rounds {
		for i := range chosen {
			n := (i + round) % len(chosen)
			t, r := chosen[n], &rows[n]
			if t.slow && round > 0 {
				continue
			}
			of := len(e.hosts)
			these := e
			if t.bound && e.farm && distance > 0 {
				these.hosts = e.hosts[:min(of, c.sample)]
			}
			*r = row{endpoints: e.name, farm: e.farm, roundTrip: distance, tool: t.name, runs: r.runs, asked: len(these.hosts), of: of}
			if err := c.once(ctx, t, these, r); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// once measures and says so.
func (c comparison) once(ctx context.Context, t tool, e endpoints, r *row) error {
	at := where(here)
	if r.roundTrip > 0 {
		at = c.link.Run
	}
	one, err := measure(ctx, t, e, c.dir, at)
	if err != nil {
		return fmt.Errorf("%s on %s: %w", t.name, e.name, err)
	}
	r.runs = append(r.runs, one)
	fmt.Fprintf(os.Stderr, "%-22s %-6s %-16s %6d pairs %6d connections, wall %7.2f s, client CPU %7.3f s, server CPU %7.3f s, %4d MB %s\n", e.name, milliseconds(r.roundTrip), t.name, one.pairs(),
		one.connections, one.wall.Seconds(), one.clientCPU.Seconds(), one.serverCPU.Seconds(), one.peak>>20, one.trouble)
	return nil
}

// few is what the memory for many endpoints is held against.
const few = 300

// many scans few endpoints and many.
func (c comparison) many(ctx context.Context, f *fleet, ours tool) (rows []row, err error) {
	if c.options.many == 0 {
		return nil, nil
	}
	for _, n := range []int{min(few, c.options.many), c.options.many} {
		e := endpoints{name: fmt.Sprintf("%d endpoints", n), server: f.rsa, port: f.ports[f.rsa], hosts: hosts(n)}
		r := row{endpoints: e.name, tool: ours.name, asked: n, of: n}
		if err := c.once(ctx, ours, e, &r); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// publish replaces the file only by a whole table.
func (o options) publish(t table) error {
	if o.table == "" || o.partial() {
		return t.write(os.Stdout)
	}
	var whole strings.Builder
	if err := t.write(&whole); err != nil {
		return err
	}
	if err := os.WriteFile(o.table+".new", []byte(whole.String()), 0o644); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "peers: wrote", o.table)
	return os.Rename(o.table+".new", o.table)
}

func heading(o options) string {
	return fmt.Sprintf(`# Scans beside those of other tools

Made by %s on %s, %s, %d CPUs of %s. Every tool scans the same servers in the same run, the
tools taking turns; each server is one process that works on one CPU at most. *Pairs* are suites in versions. Connections are the server's count (the
kernel's %s in a namespace of its own); CPU is that of the tool with all that it starts, and of the server with all of its processes,
without the machine's work for either outside of them. At %s every packet, SYN too, is held for half of it in each direction.
`, "`make peers`", debian(), kernel(), runtime.NumCPU(), processor(), "`PassiveOpens`", milliseconds(o.roundTrip))
}

func debian() string {
	b, err := os.ReadFile("/etc/debian_version")
	if err != nil {
		return "an unknown system"
	}
	return "Debian " + strings.TrimSpace(string(b))
}

func kernel() string {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return "Linux " + cmp.Or(strings.TrimSpace(string(b)), "of some version")
}

func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	if m := regexp.MustCompile(`(?m)^model name\s*:\s*(.+)$`).FindSubmatch(b); m != nil {
		return string(m[1])
	}
	return "unknown make"
}
