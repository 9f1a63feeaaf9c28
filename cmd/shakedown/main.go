// Command shakedown scans TLS endpoints and measures their handshakes. Each
// verb is one file here; README.md is the manual.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// version is stamped by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second interrupt ends the process at once: whoever insists is obeyed.
	context.AfterFunc(ctx, stop)
	// A reader that closed the pipe is output that could not be written, exit 3: no
	// death by signal. Notify, not Ignore, which the lab's servers would inherit.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// app is what a verb may touch of the world outside.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
}

// run carries out one command line and returns its exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv, now: time.Now}
	root := rootCommand(a)
	root.SetArgs(args)
	root.SetIn(stdin)
	out := &heard{Writer: stdout}
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = out.err // cobra prints help, and forgets whether it could
	}
	code := exitCode(err)
	if err != nil && err.Error() != "" {
		fmt.Fprintf(stderr, "shakedown: %v\n", err)
	}
	return code
}

// heard remembers the first error of its writer.
type heard struct {
	io.Writer
	err error
}

func (h *heard) Write(p []byte) (int, error) {
	n, err := h.Writer.Write(p)
	if h.err == nil {
		h.err = err
	}
	return n, err
}

func rootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "shakedown",
		Short: "Scan TLS endpoints behind load balancers and measure their handshakes",
		Long: `Shakedown gives evidence for where TLS should end: at a load balancer, at the
instances behind it, or at an HSM or enclave. It scans endpoints (versions,
suites, groups, certificates; the load balancer beside its instances), judges
them by policies, and measures their handshakes, path beside path.

Exit codes: 0 all that was asked is determined and good; 1 a verdict that was
asked for is bad; 2 usage error, nothing was sent; 3 something could not be
determined; 130 interrupted, what was finished is kept.`,
		Example: `  shakedown scan portal.example
  shakedown scan --inventory inventory.yaml --format json --output scan.jsonl
  shakedown cert --host portal.example --key portal.key portal.pem
  shakedown bench --inventory inventory.yaml --rate 100 --format json --output bench.jsonl
  shakedown report --html report.html scan.jsonl bench.jsonl
  shakedown plan --rate 2000 capacity.jsonl
  shakedown gate --inventory inventory.yaml
  shakedown sweep --inventory inventory.yaml
  shakedown lab up`,
		SilenceErrors: true, // run prints them, once
		SilenceUsage:  true,
		Version:       version,
		Args:          unknownVerb,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate(versionLine())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w\nsee: %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(
		benchCommand(a),
		calibrateCommand(a),
		certCommand(a),
		diffCommand(a),
		gateCommand(a),
		labCommand(a),
		manCommand(a),
		planCommand(a),
		profileCommand(a),
		reportCommand(a),
		scanCommand(a),
		schemaTopic(),
		grafanaTopic(),
		storeCommand(a),
		sweepCommand(a),
		versionCommand(a),
	)
	offerValues(root)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help": // cobra's prints the help of all for what it does not know, exit 0
			cmd.Args = knownTopic
		case "completion":
			cmd.Args = unknownVerb
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, shell := range cmd.Commands() {
				shell.Args = noArgs
			}
		}
	}
	return root
}

// unknownVerb refuses what is no verb of cmd, and says what is.
func unknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2 // letters
	near := cmd.SuggestionsFor(args[0])
	switch {
	case len(near) > 0:
		return usagef("unknown verb %q; did you mean %q?\nsee: %s --help", args[0], near[0], cmd.CommandPath())
	case cmd.HasParent():
		return usagef("unknown verb %q; %s has %s\nsee: %s --help", args[0], cmd.Name(), strings.Join(verbsOf(cmd), ", "), cmd.CommandPath())
	}
	return usagef("unknown verb %q\nsee: shakedown help", args[0])
}

func verbsOf(cmd *cobra.Command) []string {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// knownTopic refuses help on what is not there.
func knownTopic(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err == nil && len(rest) == 0 {
		return nil
	}
	if found == nil || len(rest) == 0 {
		found, rest = cmd.Root(), args
	}
	return unknownVerb(found, rest)
}

// The exit codes of the contract.
const (
	exitGood         = 0
	exitBad          = 1   // a verdict that was asked for is bad
	exitUsage        = 2   // nothing was sent
	exitUndetermined = 3   // something asked could not be determined
	exitInterrupted  = 130 // what was finished is kept
)

// exitError carries an exit code, and a message if there is one to print.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exit returns an error that ends the program with a code and no message; nil
// for exitGood.
func exit(code int) error {
	if code == exitGood {
		return nil
	}
	return &exitError{code: code}
}

// usagef is a mistake of the user's: exit 2, nothing sent.
func usagef(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func exitCode(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return exitGood
	case errors.As(err, &e):
		return e.code
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	default:
		return exitUndetermined
	}
}

// worse is the exit code that wins: 130 over 1, 1 over 3.
func worse(a, b int) int {
	for _, code := range []int{exitInterrupted, exitBad, exitUndetermined} {
		if a == code || b == code {
			return code
		}
	}
	return exitGood
}
