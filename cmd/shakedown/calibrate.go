// The verb calibrate.

package main

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shakedown/bench/calibrate"
	"shakedown/results"
	"shakedown/scanner/dial"
)

// calibrateFlags are those of calibrate. It has no targets, and so none of the
// flags that are about them.
type calibrateFlags struct {
	netFlags
	duration time.Duration
	parts    []string
	same     int
	planted  int
	seed     uint64
}

func calibrateCommand(a *app) *cobra.Command {
	var f calibrateFlags
	cmd := &cobra.Command{
		Use:   "calibrate",
		Short: "Prove this machine's measurements: stalled server, null target, wire truth",
		Long: `Calibrate measures servers of its own on loopback, of which is known what must
come out, and says how far the measurements can be believed:

  stall    servers that stall by a schedule: the p99 that can be computed, and the measured one
  floor    a server that does nothing beside TLS: the least that can be measured here
  wire     every handshake beside a capture of its packets (needs root or CAP_NET_RAW)
  same     a path beside itself: how often they are called different, at 95 %
  planted  a path beside one that works 5 % longer: how often that is found (--planted N)

It takes about a minute. The latest result of each part is kept in
$XDG_STATE_HOME/shakedown/calibration.jsonl, and later benches on this machine
show what was found.

Exit code 3: a part failed, so that measurements here are not to be believed, or
could not be tried. Nothing is sent beyond this host.`,
		Example: `  shakedown calibrate
  shakedown calibrate --parts same,planted --aa 200 --planted 100
  shakedown calibrate --duration 2m --format json --output calibration.jsonl`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.calibrate(cmd.Context(), &f) },
	}
	fs := cmd.Flags()
	fs.DurationVar(&f.duration, "duration", 40*time.Second, "time for stall, floor and wire together, about")
	fs.StringSliceVar(&f.parts, "parts", nil, "only these parts, a `LIST` of "+strings.Join(calibrate.Parts(), ",")+" (default all)")
	fs.IntVar(&f.same, "aa", 10, "compare a path with itself `N` times")
	fs.IntVar(&f.planted, "planted", 0, "compare with a path of a planted slowdown `N` times (default none)")
	fs.Uint64Var(&f.seed, "seed", 0, "make the random choices from this `N` (default a new one)")
	fs.StringVar(&f.format, "format", "text", "what to print: text, json or html")
	fs.StringVar(&f.output, "output", "", "write to `FILE`; standard output stays empty")
	fs.DurationVar(&f.deadline, "deadline", 0, "time for the whole run (default none)")
	fs.BoolVar(&f.dryRun, "dry-run", false, "say what would be tried; start nothing")
	fs.BoolVar(&f.quiet, "quiet", false, "no progress")
	fs.BoolVar(&f.verbose, "verbose", false, "every figure")
	fs.BoolVar(&f.noColor, "no-color", false, "no colour (NO_COLOR does the same)")
	cmd.AddCommand(calibrateServerCommand(a))
	return cmd
}

// calibrateServerCommand is the process that calibrate measures.
func calibrateServerCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "server", Hidden: true, Args: noArgs,
		Short: "Be the server that calibrate measures, until standard input ends",
		RunE:  func(cmd *cobra.Command, _ []string) error { return calibrate.Serve(cmd.Context(), a.stdin, a.stdout) },
	}
}

func (f *calibrateFlags) check() error {
	switch {
	case f.duration <= 0:
		return usagef("--duration %v: must be more than nothing, as in --duration 1m", f.duration)
	case f.deadline < 0:
		return usagef("--deadline %v: must be more than nothing, as in --deadline 10m", f.deadline)
	case f.same < 1:
		return usagef("--aa %d: at least one run is needed; --parts leaves the part out", f.same)
	case f.planted < 0:
		return usagef("--planted %d: cannot be less than none", f.planted)
	}
	for _, p := range f.parts {
		if !slices.Contains(calibrate.Parts(), p) {
			return usagef("--parts %s: there is no such part; there are %s", p, strings.Join(calibrate.Parts(), ", "))
		}
	}
	if slices.Contains(f.parts, calibrate.Planted) && f.planted == 0 {
		return usagef("--parts planted: say how often, as in --planted 100")
	}
	return nil
}

func (a *app) calibrate(ctx context.Context, f *calibrateFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	opt := calibrate.Options{Parts: f.parts, Duration: f.duration, Same: f.same, Planted: f.planted, Seed: f.seed}
	if f.dryRun {
		_, err := io.WriteString(a.stdout, opt.Describe())
		return err
	}
	for opt.Seed == 0 {
		opt.Seed = rand.Uint64() >> 11 // so that readers that know numbers as doubles read it whole
	}
	ctx, cancel := f.limit(ctx)
	defer cancel()
	here := calibrate.ThisMachine()
	kept := &calibrate.Keeper{}
	out, err := a.openOutput(&f.netFlags, results.Header{Command: "calibrate", Seed: opt.Seed, Machine: &here}, kept)
	if err != nil {
		return err
	}
	progress := &stepper{a: a, quiet: f.quiet, progress: silence{}}
	verdict, runErr := calibrate.Run(ctx, opt, calibrate.Env{Spawn: a.spawnServer, Classify: dial.Classify, Put: out.put, Step: progress.show})
	progress.end()
	code := calibrateCode(ctx, verdict, runErr)
	err = out.finish(code, runErr == nil)
	if file := calibrate.DefaultFile(a.getenv); runErr == nil && file != "" {
		if failed := kept.Save(file); failed != nil && err == nil {
			err = &exitError{exitUndetermined, failed}
		}
	}
	if runErr != nil && ctx.Err() == nil {
		return &exitError{code, runErr}
	}
	return err
}

// calibrated is what this machine's latest calibration found; nil if there is none.
func (a *app) calibrated() *results.Calibrated {
	return calibrate.Kept(calibrate.DefaultFile(a.getenv), calibrate.ThisMachine())
}

// calibrateCode is 3 for a part that failed too: no endpoint is bad, but what is
// measured here determines nothing.
func calibrateCode(ctx context.Context, verdict string, err error) int {
	switch {
	case ctx.Err() == context.Canceled:
		return exitInterrupted
	case err != nil, verdict != results.CalibrationPass:
		return exitUndetermined
	}
	return exitGood
}

// stepper is progress whose number of steps is told with the first.
type stepper struct {
	progress
	a     *app
	quiet bool
	done  int
}

func (s *stepper) show(done, all int, note string) {
	if _, first := s.progress.(silence); first && !s.quiet {
		s.progress = s.a.progress(s.quiet, all, "measurements")
	}
	s.step(done - s.done)
	s.note(note)
	s.done = done
}

// spawnServer starts this very program as the server to measure.
func (a *app) spawnServer(ctx context.Context) (io.WriteCloser, io.Reader, func() error, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self, "calibrate", "server")
	cmd.Args[0] = os.Args[0] // by whose name tests choose among programs
	cmd.Stderr = a.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	return in, out, cmd.Wait, cmd.Start()
}
