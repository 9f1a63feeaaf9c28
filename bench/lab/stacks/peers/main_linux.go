// Command peers measures `shakedown scan` beside the complete scanners that
// Debian offers, on the same servers in the same run, near and at a distance,
// and writes the table. A bar that is missed is in the table and no error.
//
// It runs in network namespaces of its own, so nothing but loopback is reached,
// the kernel counts this run's connections alone, and nothing stays behind.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
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
	fs.IntVar(&o.rounds, "rounds", 5, "runs of each tool on single endpoints")
	fs.IntVar(&o.farmRounds, "farm-rounds", 5, "runs of each tool on farms that are near; at a distance there is one")
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
