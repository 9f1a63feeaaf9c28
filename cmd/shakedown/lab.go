// The verb lab: the local test bed of real servers.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"shakedown/bench/lab"
)

func labCommand(a *app) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Run a local test bed: real load balancers, instances and a software HSM",
		Long: `Run a local test bed of real programs on loopback: HAProxy and nginx as load
balancers, nginx as instances, and nginx with its keys in SoftHSM2, directly
and through p11-kit remoting. It serves every path kind, on free ports, from
one folder, and writes an inventory that the other verbs take.`,
		Example: "  shakedown lab up\n  shakedown scan --inventory ~/.local/state/shakedown/lab/inventory.yaml\n  shakedown lab down",
		Args:    unknownVerb,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&dir, "dir", lab.DefaultDir(a.getenv), "the lab's `FOLDER`")
	cmd.AddCommand(labUpCommand(a, &dir), labDownCommand(a, &dir), labStatusCommand(a, &dir))
	return cmd
}

func labUpCommand(a *app, dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "up",
		Short: "Start the lab and return when every path answers",
		Long: `Start the lab and return when every path answers. A lab that is up and well
is left as it is; one that is not whole is ended and started anew. If anything
fails, what was started is ended again, and "lab status" keeps the reason.`,
		Example: "  shakedown lab up --dir /tmp/lab",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return labUp(cmd.Context(), a, *dir) },
	}
}

func labDownCommand(a *app, dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End the lab and remove what it made",
		Long: `End every process of the lab, also of one that crashed, and remove what it
made. A folder that was there before the lab is emptied, not removed; a folder
that is no lab's is not touched.`,
		Example: "  shakedown lab down --dir /tmp/lab",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return labDown(cmd.Context(), a, *dir) },
	}
}

func labStatusCommand(a *app, dir *string) *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Say what runs, where, and why something does not",
		Long:    "Say what runs, where, and why something does not. Exit code 0 if all is up, 3 if not.",
		Example: "  shakedown lab status --dir /tmp/lab",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return labStatus(cmd.Context(), a, *dir) },
	}
}

func labUp(ctx context.Context, a *app, dir string) error {
	began := a.now()
	l, err := lab.Up(ctx, lab.Options{Dir: dir, Detach: true})
	var running *lab.RunningError
	switch {
	case errors.As(err, &running):
		l = running.Lab
		fmt.Fprintf(a.stdout, "%v\n\n", err)
	case err != nil:
		return labError(ctx, err)
	default:
		fmt.Fprintf(a.stdout, "lab up in %s, after %s\n\n", l.Dir, a.now().Sub(began).Round(100*time.Millisecond))
	}
	printPaths(a.stdout, l.Paths)
	fmt.Fprintf(a.stdout, "\nscan it     shakedown scan --inventory %[1]s\nlook at it  shakedown lab status%[2]s\nend it      shakedown lab down%[2]s\n",
		shellQuote(l.Inventory), dirFlag(a, dir))
	return nil
}

func labDown(ctx context.Context, a *app, dir string) error {
	found, err := lab.Down(ctx, dir)
	if err != nil {
		return labError(ctx, err)
	}
	if !found {
		fmt.Fprintf(a.stdout, "no lab in %s; nothing to end\n", dir)
		return nil
	}
	fmt.Fprintf(a.stdout, "lab down; %s is clean\n", dir)
	return nil
}

func labStatus(ctx context.Context, a *app, dir string) error {
	r, err := lab.Status(ctx, dir)
	if err != nil {
		return labError(ctx, err)
	}
	printStatus(a.stdout, r, dirFlag(a, dir))
	if !r.OK() {
		return exit(exitUndetermined)
	}
	return nil
}

// labError gives the mistakes of a user their exit code.
func labError(ctx context.Context, err error) error {
	var wrongFolder *lab.FolderError
	switch {
	case errors.As(err, &wrongFolder):
		return usagef("%w", err)
	case ctx.Err() != nil:
		return &exitError{exitInterrupted, err}
	default:
		return err
	}
}

func printPaths(w io.Writer, paths []lab.Path) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	fmt.Fprintln(t, "SERVICE\tPATH\tKIND\tADDRESS\tWHAT IT IS")
	for _, p := range paths {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", p.Service, p.Name, p.Kind, p.Address, p.Note)
	}
}

func printStatus(w io.Writer, r lab.Report, flag string) {
	switch r.Phase {
	case "":
		fmt.Fprintf(w, "no lab in %s; start one with: shakedown lab up%s\n", r.Dir, flag)
	case lab.Failed:
		fmt.Fprintf(w, "the last `lab up` in %s failed:\n%s\n", r.Dir, indent(r.Failure))
	case lab.Starting:
		fmt.Fprintf(w, "a `lab up` in %s is at work, or was killed; `shakedown lab up%s` or `down` clears it\n", r.Dir, flag)
	}
	if len(r.Missing) > 0 {
		fmt.Fprintln(w, r.Missing)
	}
	if r.Phase == lab.Running || r.Phase == lab.Starting {
		printServers(w, r.Servers)
	}
}

func printServers(w io.Writer, servers []lab.ServerStatus) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SERVER\tKIND\tPROGRAM\tPID\tADDRESS\tSTATE")
	for _, s := range servers {
		state := "up"
		if !s.Up {
			state = "DOWN"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, orDash(string(s.Kind)), s.Program, pidText(s.PID), orDash(s.Address), state)
	}
	t.Flush()
	for _, s := range servers {
		if !s.Up {
			fmt.Fprintf(w, "\n%s: %s\n", s.Name, s.Why)
		}
		if s.Log != "" {
			fmt.Fprintf(w, "its log ends:\n%s\n", s.Log)
		}
	}
}

func pidText(pid int) string {
	if pid == 0 {
		return "-"
	}
	return fmt.Sprint(pid)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }

// dirFlag repeats --dir where it was needed.
func dirFlag(a *app, dir string) string {
	if dir == lab.DefaultDir(a.getenv) {
		return ""
	}
	return " --dir " + shellQuote(dir)
}

// shellQuote makes a name safe to paste.
func shellQuote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+,=", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
