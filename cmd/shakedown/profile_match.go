// The verb profile match: which named policies endpoints follow.

package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"shakedown/profiles"
	"shakedown/results"
	"shakedown/scanner"
)

func profileMatchCommand(a *app) *cobra.Command {
	var net netFlags
	var from []string
	cmd := &cobra.Command{
		Use:   "match [TARGET…]",
		Short: "Find the named policies that an endpoint follows, exactly or nearly",
		Long: `Match compares endpoints with every named policy: of AWS load balancers,
CloudFront, API Gateway and Mozilla. It names all that an endpoint follows to the
suite (several, where names share a list or the served certificates hide the
difference), else the nearest with what is missing and what is too much. A fact
that is unknown keeps candidates open and gives exit code 3.`,
		Example: `  shakedown profile match portal.example
  shakedown profile match --inventory inventory.yaml
  shakedown profile match --from scan.jsonl`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := net.check(); err != nil {
				return err
			}
			if len(from) > 0 {
				return a.matchRecorded(cmd.Context(), &net, args, from)
			}
			return a.matchLive(cmd.Context(), &net, args)
		},
	}
	net.register(cmd.Flags())
	cmd.Flags().StringArrayVar(&from, "from", nil, "endpoints of a recorded scan, a `FILE` of JSON Lines (repeatable); nothing is sent")
	return cmd
}

func (a *app) matchRecorded(ctx context.Context, net *netFlags, targets, from []string) error {
	if len(targets) > 0 || net.inventory != "" {
		return usagef("--from takes endpoints from a file; give it, or a TARGET or --inventory, not both")
	}
	endpoints, err := a.recorded(ctx, from)
	if err != nil {
		return err
	}
	out, err := a.openOutput(net, results.Header{Command: "profile match"})
	if err != nil {
		return err
	}
	code := exitGood
	for _, e := range endpoints {
		m := profiles.Builtin().Match(e)
		code = max(code, matchCode(m))
		if err := out.put(m); err != nil {
			break
		}
	}
	return out.finish(code, true)
}

// matchCode is 3 where a match is not settled.
func matchCode(m *results.Match) int {
	if len(m.Open) > 0 || len(m.Exact)+len(m.Nearest) == 0 {
		return exitUndetermined
	}
	return exitGood
}

func (a *app) matchLive(ctx context.Context, net *netFlags, targets []string) error {
	paths, err := net.paths(a, targets)
	if err != nil {
		return err
	}
	opt := scanner.Options{Now: a.now}
	for _, aspect := range profiles.MatchAspects() {
		opt.Aspects = append(opt.Aspects, scanner.Aspect(aspect))
	}
	sc, err := net.scanner(a, paths, &opt)
	if err != nil {
		return err
	}
	if net.dryRun {
		return printPlan(a.stdout, scanner.Plan(paths, opt), net)
	}
	out, err := a.openOutput(net, results.Header{Command: "profile match", Paths: namesOf(paths)})
	if err != nil {
		return err
	}
	ctx, cancel := net.limit(ctx)
	defer cancel()
	defer thrifty(ctx)()
	progress := a.progress(net.quiet, len(paths), "endpoints")
	code := exitGood
	scanErr := sc.Run(ctx, paths, func(e *results.Endpoint) error {
		progress.step(1)
		m := profiles.Builtin().Match(e)
		code = max(code, matchCode(m))
		return out.put(m)
	})
	progress.end()
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		code = exitInterrupted
	case ctx.Err() != nil:
		code = exitUndetermined
	}
	return out.finish(code, scanErr == nil && ctx.Err() == nil)
}
