// The verb sweep: its flags, and what of them makes no sense.

package main

import (
	"time"

	"github.com/spf13/cobra"
)

// sweepFlags are the flags of sweep beside those of every network verb.
type sweepFlags struct {
	netFlags
	judgeFlags
	store      string
	jitter     time.Duration
	wait       bool
	resume     bool
	prometheus string
	onChange   string
	logFormat  string
	printUnits bool
	thresholds []int
}

func sweepCommand(a *app) *cobra.Command {
	var f sweepFlags
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Scan a whole inventory into the store and judge it, unattended",
		Long: `Sweep scans every path of the inventory into the store, judges it as gate does (by
the profiles that the inventory names, by --profile and by --min-days-left), and
says what changed since the last sweep that was whole. Each endpoint is on disk, with
its findings, before the next is: a sweep that is killed loses nothing, and --resume
goes on with it.

One sweep at a time works on an inventory in a store: another says so and exits 3, or
waits with --wait. An endpoint that does not answer keeps what was last known of it:
the sweep says since when.

It prints what changed and every open finding, and one line of summary to standard
error; with --quiet nothing at all where there is nothing to say, so that a mail
from cron matters. --prometheus writes metrics for the textfile collector, whole or
not at all. --on-change runs a command with what changed on its standard input.

Exit codes: 0 all is determined and good; 1 a finding fails; 3 something was not
determined, the store is locked or cannot be written; 130 interrupted.`,
		Example: `  shakedown sweep --inventory inventory.yaml
  shakedown sweep --quiet --inventory /etc/shakedown.yaml --store /var/lib/shakedown/store.db
  shakedown sweep --inventory inventory.yaml --jitter 10m --deadline 1h --resume
  shakedown sweep --inventory inventory.yaml --prometheus /var/lib/node_exporter/shakedown.prom
  shakedown sweep --inventory inventory.yaml --on-change "mail -s 'TLS changed' ops@example.com"
  shakedown sweep --inventory /etc/shakedown.yaml --print-units`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("sweep takes no TARGET: %q; it looks after an inventory, so write one and give --inventory FILE", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.checkFlags(); err != nil {
				return err
			}
			if f.printUnits {
				return a.printUnits(&f)
			}
			return a.sweep(cmd.Context(), &f)
		},
	}
	fs := cmd.Flags()
	f.netFlags.register(fs)
	f.registerPatience(fs)
	fs.Lookup("quiet").Usage = "print nothing where nothing changed and nothing is to be mended"
	f.judgeFlags.register(fs)
	registerStore(fs, &f.store)
	fs.DurationVar(&f.jitter, "jitter", 0, "begin at a random moment within this time, so that many hosts do not begin at once")
	fs.BoolVar(&f.wait, "wait", false, "wait for another sweep of this inventory to end")
	fs.BoolVar(&f.resume, "resume", false, "go on with the last sweep if it was cut off; else begin one")
	fs.StringVar(&f.prometheus, "prometheus", "", "write metrics for Prometheus' textfile collector to `FILE`")
	fs.StringVar(&f.onChange, "on-change", "", "run this shell `CMD` when something changed, with the changes on its standard input")
	fs.StringVar(&f.logFormat, "log-format", "text", "log to standard error as `text|json`")
	fs.BoolVar(&f.printUnits, "print-units", false, "print a systemd service and timer and a crontab line for this sweep; sends nothing")
	fs.IntSliceVar(&f.thresholds, "days-left", usualThresholds(), "tell of certificates that come under so many `DAYS` left")
	return cmd
}

func (f *sweepFlags) checkFlags() error {
	if err := f.netFlags.check(); err != nil {
		return err
	}
	switch {
	case f.inventory == "":
		return usagef("nothing to sweep: give --inventory FILE")
	case f.jitter < 0:
		return usagef("--jitter %v: must be more than nothing, as in --jitter 10m", f.jitter)
	case f.logFormat != "text" && f.logFormat != "json":
		return usagef("--log-format %q: write text or json", f.logFormat)
	}
	return nil
}
