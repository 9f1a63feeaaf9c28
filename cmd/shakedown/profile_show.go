// The verb profile show: one profile explained, or two policies compared.

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"shakedown/profiles"
	"shakedown/results"
)

func profileShowCommand(a *app) *cobra.Command {
	var out plainOutput
	var from []string
	cmd := &cobra.Command{
		Use: "show NAME [NAME]", Short: "Explain a profile; of two, say what a change from the first to the second does",
		Long: `Show explains a profile: what it accepts, every rule with its source, and what
cannot be judged from outside. With two names it says what a change from the
first policy to the second would drop and add, and with --from, for which
endpoints of recorded scans the second changes anything.`,
		Example: `  shakedown profile show nist-800-52r2
  shakedown profile show aws-elb/ELBSecurityPolicy-2016-08 aws-elb/ELBSecurityPolicy-TLS13-1-2-2021-06
  shakedown profile show aws-elb/ELBSecurityPolicy-2016-08 aws-elb/ELBSecurityPolicy-TLS13-1-2-Res-2021-06 --from scan.jsonl`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 1 && len(from) == 0:
				return a.showProfile(args[0], &out)
			case len(args) == 2:
				return a.showChange(cmd.Context(), args[0], args[1], from, &out)
			case len(args) == 1:
				return usagef("--from says for which endpoints a change of policy matters; give two policies")
			}
			return usagef("profile show wants one profile, or two policies to compare, got %d names\nsee: shakedown profile show --help", len(args))
		},
	}
	out.register(cmd)
	cmd.Flags().StringArrayVar(&from, "from", nil, "endpoints of a recorded scan, a `FILE` of JSON Lines (repeatable)")
	return cmd
}

func (a *app) showProfile(name string, out *plainOutput) error {
	lib := profiles.Builtin()
	p, err := lib.Find(name)
	if err != nil {
		return usagef("%w", err)
	}
	return out.write(a, "profile show", []results.Record{p.Record()}, func(w io.Writer) error { return profileText(w, lib, p) })
}

func profileText(w io.Writer, lib *profiles.Library, p *profiles.Profile) error {
	fmt.Fprintln(w, p.Name)
	wrapped(w, "  ", p.Title)
	wrapped(w, "  ", p.About)
	if lib.IsPolicy(p.Name) {
		policy, err := lib.Policy(p.Name)
		if err != nil {
			return err
		}
		policyText(w, lib, policy)
	}
	fmt.Fprintf(w, "\nRules\n")
	for _, r := range p.Rules {
		if lib.IsPolicy(p.Name) {
			r = besidePolicy(p, r)
		}
		ruleText(w, r)
	}
	if len(p.Unseen) > 0 {
		fmt.Fprintf(w, "\nNot judged (%d)\n", len(p.Unseen))
		for _, u := range p.Unseen {
			wrapped(w, "  ", fmt.Sprintf("%s: %s; %s", u.Citation, u.Requirement, u.Why))
		}
	}
	fmt.Fprintf(w, "\nKnown from: %s\n", p.Verification)
	for _, s := range p.Sources {
		wrapped(w, "  ", s)
	}
	for _, n := range p.Notes {
		wrapped(w, "  ", "note: "+n)
	}
	return nil
}

// policyText explains a vendor's policy and lists its suites by version.
func policyText(w io.Writer, lib *profiles.Library, p *profiles.Policy) {
	fmt.Fprintln(w)
	wrapped(w, "  ", strings.Join(lib.Explain(p), " "))
	if alike := slices.DeleteFunc(lib.Alike(p.Name), func(n string) bool { return n == p.Name }); len(alike) > 0 {
		wrapped(w, "  ", "The same list under other names, which a client cannot tell apart: "+strings.Join(alike, ", ")+".")
	}
	fmt.Fprintf(w, "\nSuites, in the source's order\n")
	for i, name := range lib.ShortNames(p.Suites) {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %s  %-29s %s", p.Suites[i], name, strings.Join(lib.Traits(p.Suites[i]), " ")), " "))
	}
	var groups []string
	for _, g := range append(slices.Clone(p.PQGroups), p.Groups...) {
		groups = append(groups, g.Name)
	}
	if len(groups) > 0 {
		fmt.Fprintln(w)
		wrapped(w, "", "Groups: "+strings.Join(groups, ", "))
	}
}

// besidePolicy leaves out what the policy's own list, just above, has said.
func besidePolicy(p *profiles.Profile, r profiles.Rule) profiles.Rule {
	switch r.Check {
	case "suites-only":
		r.Expected = "no suite but those above"
	case "suites-all":
		r.Expected = "every suite above that the served certificates allow"
	}
	if r.Citation == p.Title {
		r.Citation = ""
	}
	return r
}

func ruleText(w io.Writer, r profiles.Rule) {
	severity := string(r.Severity)
	if r.Advice {
		severity = "advice, " + severity
	}
	where := ""
	if r.When != "" {
		where = " (" + profiles.Where(r.When) + ")"
	}
	wrapped(w, "  ", fmt.Sprintf("%s [%s] %s%s", r.ID, severity, r.Expected, where))
	wrapped(w, "      ", r.Citation)
	wrapped(w, "      ", r.Why)
}

func (a *app) showChange(ctx context.Context, from, to string, files []string, out *plainOutput) error {
	lib := profiles.Builtin()
	old, err := lib.Policy(from)
	if err != nil {
		return usagef("%w", err)
	}
	next, err := lib.Policy(to)
	if err != nil {
		return usagef("%w", err)
	}
	change := lib.Compare(old, next)
	endpoints, err := a.recorded(ctx, files)
	if err != nil {
		return err
	}
	for _, e := range endpoints {
		change.Endpoints = append(change.Endpoints, lib.Apply(next, e))
	}
	return out.write(a, "profile show", []results.Record{change}, func(w io.Writer) error { return changeText(w, change) })
}

// recorded reads the endpoints of scans.
func (a *app) recorded(ctx context.Context, files []string) ([]*results.Endpoint, error) {
	var out []*results.Endpoint
	if len(files) == 0 {
		return nil, nil
	}
	runs, err := a.readRuns(ctx, files, "")
	if err != nil {
		return nil, unread(fmt.Errorf("--from: %w", err))
	}
	for _, run := range runs {
		for _, r := range run.Records {
			if e, ok := r.(*results.Endpoint); ok {
				out = append(out, e)
			}
		}
	}
	if len(out) == 0 {
		return nil, usagef("--from %s: no endpoint was recorded there; make a scan with --format json", strings.Join(files, ", "))
	}
	return out, nil
}

func changeText(w io.Writer, c *results.PolicyChange) error {
	fmt.Fprintf(w, "From %s\n  to %s\n\n", c.From, c.To)
	for _, part := range []struct {
		head  string
		names []string
	}{{"Dropped", c.Dropped}, {"Added", c.Added}} {
		if len(part.names) == 0 {
			fmt.Fprintf(w, "%s: nothing\n", part.head)
			continue
		}
		fmt.Fprintf(w, "%s: %d\n", part.head, len(part.names))
		wrapped(w, "  ", strings.Join(part.names, ", "))
	}
	for _, n := range c.Notes {
		wrapped(w, "", "Note: "+n)
	}
	if len(c.Endpoints) == 0 {
		return nil
	}
	same := 0
	fmt.Fprintf(w, "\nEndpoints, if each were given %s\n", c.To)
	for _, e := range c.Endpoints {
		if !e.Changes() && len(e.Unknown) == 0 {
			same++
			continue
		}
		wrapped(w, "  ", endpointChangeWords(e))
	}
	if same > 0 {
		fmt.Fprintf(w, "  nothing changes for %s\n", count(same, "endpoint"))
	}
	return nil
}

func endpointChangeWords(e results.EndpointChange) string {
	var words []string
	for _, part := range []struct {
		head  string
		names []string
	}{{"loses", e.Loses}, {"gains", e.Gains}, {"unknown", e.Unknown}} {
		if len(part.names) > 0 {
			words = append(words, part.head+" "+strings.Join(part.names, ", "))
		}
	}
	if e.Stops {
		words = append(words, "nothing that it accepts now is left")
	}
	return plain(e.Service+"/"+e.Path+" "+e.Address) + ": " + plain(strings.Join(words, "; "))
}

// plain makes a text from a file safe to print.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '�'
		}
		return r
	}, s)
}
