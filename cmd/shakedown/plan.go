// The verb plan: what a load takes, from measured runs.

package main

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"shakedown/results"
	"shakedown/results/capacity"
	"shakedown/results/report"
)

// planFlags are what the verb plan was asked.
type planFlags struct {
	load         results.Load
	service      []string
	store, since string
	out          netFlags // its output flags alone
}

func planCommand(a *app) *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan RUN…",
		Short: "Say how many units a load takes, from measured runs",
		Long: `Plan says how many units of what was measured a load takes, path kind beside
path kind, and which resource binds. RUN is a file of JSON Lines, - for standard
input, or the id of a run in the store; those of bench --find-capacity say most,
for full handshakes and for resumed ones (--resume 1). A unit is what was measured
at one address, an instance or a load balancer with the targets behind it.

The interval of each search is carried through: it takes the lower number at
least, and the higher is enough. A mixture that was not measured is computed from
those that were, or bounded; the plan says which, and what else it takes for
granted. Nothing is said of a kind that was not measured but that it is unknown.

Exit codes: 0 every number is known; 1 --units are not enough; 3 something is
unknown; 2 usage error.`,
		Example: `  shakedown plan --rate 2000 full.jsonl resumed.jsonl
  shakedown plan --rate 20000 --resume 0.8 --headroom 0.3 --spare 2 full.jsonl resumed.jsonl
  shakedown plan --rate 5000 --hsm hsm2m.medium --format markdown capacity.jsonl
  shakedown plan --rate 2000 --units 8 --since 30d`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.plan(cmd.Context(), args, f) },
	}
	f.register(cmd.Flags())
	return cmd
}

func (f *planFlags) register(flags *pflag.FlagSet) {
	flags.Float64Var(&f.load.Rate, "rate", 0, "the load at its peak, `N` handshakes a second (needed)")
	flags.Float64Var(&f.load.ResumeRatio, "resume", 0, "the `RATIO` of them that is resumed, 0 to 1")
	flags.Float64Var(&f.load.Headroom, "headroom", 0, "the `SHARE` of each unit's capacity that is kept free, as 0.3")
	flags.IntVar(&f.load.Spare, "spare", 1, "`N` units more than the load takes, for as many that may fail")
	flags.StringVar(&f.load.HSM, "hsm", "", "the `TYPE` of HSM behind hsm-offloaded paths: "+strings.Join(capacity.HSMs(), " or ")+" of AWS CloudHSM")
	flags.Float64Var(&f.load.Signs, "signs", 0, "`N` signatures a second that one device for keys makes, in the place of --hsm")
	flags.IntVar(&f.load.Units, "units", 0, "judge whether `N` units, spare ones counted, are enough of each path")
	flags.StringArrayVar(&f.service, "service", nil, "plan this service's `NAME` alone (repeatable)")
	registerStore(flags, &f.store)
	registerSince(flags, &f.since)
	f.out.registerOutput(flags)
}

// check refuses a load that cannot be.
func (f *planFlags) check() error {
	l := f.load
	share := func(v float64) bool { return v >= 0 && v <= 1 }
	switch {
	case !(l.Rate > 0) || math.IsInf(l.Rate, 0):
		return usagef("--rate %g: give the load's peak in handshakes a second, as --rate 2000", l.Rate)
	case !share(l.ResumeRatio):
		return usagef("--resume %g: give a share from 0 (all full) to 1 (all resumed)", l.ResumeRatio)
	case !share(l.Headroom) || l.Headroom == 1:
		return usagef("--headroom %g: give a share from 0 to less than 1, as 0.3 for 30 %%", l.Headroom)
	case l.Spare < 0 || l.Units < 0:
		return usagef("--spare and --units count units: give 0 or more")
	case !(l.Signs >= 0) || math.IsInf(l.Signs, 0):
		return usagef("--signs %g: give signatures a second, as --signs 1500", l.Signs)
	case l.HSM != "" && l.Signs > 0:
		return usagef("--hsm and --signs both say what a device signs: give one")
	case l.HSM != "" && !slices.Contains(capacity.HSMs(), l.HSM):
		return usagef("--hsm %q: figures are known of %s; of others say them by --signs", l.HSM, strings.Join(capacity.HSMs(), " and "))
	}
	return nil
}

func (a *app) plan(ctx context.Context, args []string, f planFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	runs, err := a.namedRuns(ctx, args, f.store, f.since)
	if err != nil {
		return unread(err)
	}
	plans, err := f.plans(runs)
	if err != nil {
		return err
	}
	out, err := a.openOutput(&f.out, results.Header{Command: "plan"})
	if err != nil {
		return err
	}
	code := exitGood
	for _, p := range plans {
		code = worse(code, planCode(p))
		if err := out.put(p); err != nil {
			break // finish says it
		}
	}
	return out.finish(code, true)
}

// plans are those of the services that were asked for.
func (f *planFlags) plans(runs []report.Run) ([]*results.Plan, error) {
	plans := report.Evidence(runs).Plans(f.load)
	for _, name := range f.service {
		if !slices.ContainsFunc(plans, func(p *results.Plan) bool { return p.Service == name }) {
			return nil, usagef("--service %q: no record is of it", name)
		}
	}
	if len(plans) == 0 {
		return nil, usagef("the runs tell of no path: give runs of bench --find-capacity")
	}
	return slices.DeleteFunc(plans, func(p *results.Plan) bool { return f.service != nil && !slices.Contains(f.service, p.Service) }), nil
}

// planCode is the exit code that one plan asks for.
func planCode(p *results.Plan) int {
	switch {
	case p.Enough == results.No:
		return exitBad
	case !capacity.Told(p):
		return exitUndetermined
	}
	return exitGood
}
