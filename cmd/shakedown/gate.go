// The verb gate: its flags, and what of them makes no sense.

package main

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shakedown/results"
	"shakedown/scanner"
)

// gateFlags are the flags of gate beside those of every network verb.
type gateFlags struct {
	netFlags
	judgeFlags
	limits benchFlags // what of bench a gate measures with

	from, baseline []string
	accept, store  string
	bench          bool
	failOn         string
	allowUnknown   []string
	waivers        string

	junit, sarif, markdown string
}

func gateCommand(a *app) *cobra.Command {
	var f gateFlags
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Give one verdict on a release: scan, judge, compare with what was accepted",
		Long: `Gate scans the inventory's paths, or reads the records of an earlier run (--from,
then nothing is sent), and gives one verdict: open (exit code 0) or closed.

It judges each path by the profiles that the inventory names, and by --profile and
--min-days-left. A path that names none is judged by target-group if it is an
instance behind a load balancer, as that validates no certificate, and otherwise by
minimum, which asks for what no policy does without (see: shakedown profile show
minimum). Instances behind one load balancer have to serve alike
(inventory/siblings-alike).

A finding of severity --fail-on or above closes the gate with exit code 1; a warning
counts as low. What could not be determined closes it with 3: --allow-unknown opens
it for a rule by name, RULE or PROFILE/RULE, and for an endpoint that answered but
not to everything by the name answers. An endpoint that did not answer at all is
never allowed: take it out of the inventory.

--waivers names a file of findings that somebody answers for until a day:

  version: 1
  waivers:
    - {finding: mozilla/modern/suites, path: portal/alb, reason: old clients until spring, owner: ann, until: 2026-12-31}

A waiver that ended waives nothing and is a finding itself (medium); so is one with
nothing to waive (low).

--baseline compares with what was accepted: every fact that differs is a finding
(high where it got worse, medium where it changed; low where only a certificate's
subject, issuer or number did; a renewal alone is none), and what is unknown now is
unknown. --accept writes what this run saw as that baseline, one fact a line: review
its diff, and commit it. A baseline is such a file, or any recorded run. With a run
that has measurements --bench compares its own: slower closes the gate with 1,
inconclusive with 3; or a --slo such as ratio<1.10 says what is too slow.

--bench measures every path and judges by --slo; the records of --from serve too.

--junit, --sarif and --markdown are written whatever the verdict, beside --format and
--output. In GitHub Actions annotations and the job's summary come by themselves.`,
		Example: `  shakedown gate --inventory inventory.yaml
  shakedown gate --inventory inventory.yaml --min-days-left 14 --waivers waivers.yaml --junit gate.xml
  shakedown gate --inventory inventory.yaml --accept baseline.json
  shakedown gate --inventory inventory.yaml --baseline baseline.json --fail-on high
  shakedown gate --inventory inventory.yaml --from scan.jsonl --sarif gate.sarif
  shakedown gate --inventory inventory.yaml --bench --slo "handshake.p99<50ms"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("gate takes no TARGET: %q; it judges what is agreed on, so write an inventory and give --inventory FILE", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := refuseZero(cmd.Flags(), "bench-rate"); err != nil {
				return err
			}
			return a.gate(cmd.Context(), &f)
		},
	}
	f.limits.registerAll(new(cobra.Command)) // for the defaults of what a gate has no flag for
	fs := cmd.Flags()
	f.netFlags.register(fs)
	f.registerPatience(fs)
	f.judgeFlags.register(fs)
	fs.StringArrayVar(&f.from, "from", nil, "judge the records of this `RUN`, a file, - or an id of the store; sends nothing (repeatable)")
	fs.StringArrayVar(&f.baseline, "baseline", nil, "compare with what --accept wrote, or with a `RUN` (repeatable)")
	fs.StringVar(&f.accept, "accept", "", "write what this run saw as the baseline, to `FILE`")
	fs.StringVar(&f.failOn, "fail-on", string(results.Medium), "the least severity that closes the gate: `high|medium|low|info`")
	fs.StringArrayVar(&f.allowUnknown, "allow-unknown", nil, "let what this `RULE` could not judge pass (repeatable)")
	fs.StringVar(&f.waivers, "waivers", "", "findings that are waived until a day, a YAML `FILE`")
	fs.StringVar(&f.junit, "junit", "", "write JUnit XML to `FILE`")
	fs.StringVar(&f.sarif, "sarif", "", "write SARIF 2.1.0 to `FILE`")
	fs.StringVar(&f.markdown, "markdown", "", "write Markdown to `FILE`")
	fs.BoolVar(&f.bench, "bench", false, "measure handshakes over every path too")
	fs.StringArrayVar(&f.limits.slo, "slo", nil, "a `LIMIT` on what is measured, as \"handshake.p99<50ms\", \"errors<0.1%\" or \"ratio<1.10\" (repeatable)")
	fs.Float64Var(&f.limits.rate, "bench-rate", 0, "bench: `N` connections a second on each path (default 50)")
	fs.DurationVar(&f.limits.duration, "duration", 10*time.Second, "bench: time for each path, over all its blocks")
	fs.IntVar(&f.limits.blocks, "blocks", 10, "bench: `N` interleaved blocks of each path")
	fs.StringVar(&f.limits.request, "request", "", "bench: after each handshake GET this `PATH`")
	fs.BoolVar(&f.limits.loadAllowed, "load-allowed", false, "bench: the owners of all these addresses agree to load")
	registerStore(fs, &f.store)
	return cmd
}

// checkFlags refuses what makes no sense, before anything is read or sent.
func (f *gateFlags) checkFlags() error {
	if err := f.netFlags.check(); err != nil {
		return err
	}
	severities := results.Severities()
	switch {
	case !slices.Contains(severities, results.Severity(f.failOn)):
		return usagef("--fail-on %q: write one of high, medium, low, info", f.failOn)
	case f.inventory == "" && len(f.from) == 0:
		return usagef("nothing to judge: give --inventory FILE, or recorded runs with --from RUN")
	case len(f.from) > 0 && f.bench:
		return usagef("--from sends nothing, --bench measures: give one of them")
	case len(f.limits.slo) > 0 && !f.bench && len(f.from) == 0:
		return usagef("--slo limits what is measured: give --bench too, or --from a run of bench")
	case f.accept != "" && len(f.baseline) > 0:
		return usagef("--accept makes a new baseline, --baseline compares with the old one: give one of them; the diff of the file shows what changed")
	case f.accept != "" && len(f.only) > 0:
		return usagef("--accept with --path would forget every other path: leave --path out")
	}
	return f.prepareBench()
}

// prepareBench gives the part that measures what the flags of every verb say.
func (f *gateFlags) prepareBench() error {
	b := &f.limits
	rate := b.rate
	b.netFlags = f.netFlags
	b.netFlags.rate = rate
	if !(rate >= 0) || math.IsInf(rate, 0) {
		return usagef("--bench-rate %v: must be a number, more than nothing", rate)
	}
	return b.check()
}

// options is how a gate scans: everything, so that facts can be compared.
func (f *gateFlags) options(a *app) (scanner.Options, error) {
	all, err := scanner.ParseAspects("")
	return scanner.Options{Aspects: all, Now: a.now}, err
}

// sides are the files beside --output. Where GitHub runs the job, it is told in
// its own ways too: annotations, unless standard output is for records or stays
// empty, and the summary.
func (f *gateFlags) sides(a *app) []side {
	var all []side
	for _, s := range []side{
		{flag: "--junit", name: f.junit, format: "junit"},
		{flag: "--sarif", name: f.sarif, format: "sarif"},
		{flag: "--markdown", name: f.markdown, format: "markdown"},
	} {
		if s.name != "" {
			all = append(all, s)
		}
	}
	if a.getenv("GITHUB_ACTIONS") != "true" {
		return all
	}
	if f.format == "text" && f.output == "" {
		all = append(all, side{flag: "GITHUB_ACTIONS", format: "github"})
	}
	if summary := a.getenv("GITHUB_STEP_SUMMARY"); summary != "" {
		all = append(all, side{flag: "$GITHUB_STEP_SUMMARY", name: summary, format: "markdown", add: true})
	}
	return all
}

// sameFile refuses two outputs in one file: the last would be all that is left.
func (f *gateFlags) sameFile() error {
	seen := map[string]string{}
	for _, o := range []struct{ flag, name string }{
		{"--output", f.output}, {"--junit", f.junit}, {"--sarif", f.sarif}, {"--markdown", f.markdown}, {"--accept", f.accept},
	} {
		if first := seen[o.name]; o.name != "" && first != "" && !strings.HasPrefix(o.name, "/dev/") {
			return usagef("%s and %s name the same file %s", first, o.flag, o.name)
		}
		seen[o.name] = o.flag
	}
	return nil
}
