// The verb profile: the policies that endpoints can be judged by.

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"shakedown/profiles"
	"shakedown/results"
)

func profileCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profile list|show|match|checks",
		Short: "List, explain and compare policies; find which one an endpoint follows",
		Long: `Profile knows the policies of AWS load balancers, CloudFront and API Gateway, of
Mozilla, and standards such as NIST SP 800-52r2. It lists and explains them, says
what a change from one to another would drop, and finds those that an endpoint
follows. scan and cert judge by them: --profile NAME.`,
		Example: `  shakedown profile list
  shakedown profile show aws-elb/ELBSecurityPolicy-TLS13-1-2-2021-06
  shakedown profile match portal.example`,
		Args: unknownVerb,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(profileListCommand(a), profileShowCommand(a), profileMatchCommand(a), profileChecksCommand(a))
	return cmd
}

// plainOutput is where a verb without endpoints writes: text, or records.
type plainOutput struct{ format string }

func (o *plainOutput) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.format, "format", "text", "what to print: text or json")
}

// write prints a text, or records as a run of their own.
func (o *plainOutput) write(a *app, command string, records []results.Record, text func(io.Writer) error) error {
	switch o.format {
	case "text":
		return text(a.stdout)
	case "json":
		stream := results.NewStream(results.Header{Command: command, ToolVersion: version, StartedAt: a.now().UTC()}, results.NewEncoder(a.stdout))
		for _, r := range records {
			if err := stream.Put(r); err != nil {
				return err
			}
		}
		return stream.Finish(exitGood, true, a.now().UTC())
	}
	return usagef("--format %q: use one of text, json", o.format)
}

func profileListCommand(a *app) *cobra.Command {
	var out plainOutput
	cmd := &cobra.Command{
		Use: "list", Short: "List every profile by name", Example: "  shakedown profile list", Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			lib := profiles.Builtin()
			records, err := everyProfile(lib)
			if err != nil {
				return err
			}
			return out.write(a, "profile list", records, func(w io.Writer) error { return listText(w, lib) })
		},
	}
	out.register(cmd)
	return cmd
}

func everyProfile(lib *profiles.Library) ([]results.Record, error) {
	var out []results.Record
	for _, name := range lib.Names() {
		p, err := lib.Find(name)
		if err != nil {
			return nil, err
		}
		out = append(out, p.Record())
	}
	return out, nil
}

// families are the headings of the list.
func families() []struct{ name, title string } {
	return []struct{ name, title string }{
		{"aws-elb", "AWS Application and Network Load Balancers"}, {"aws-clb", "AWS Classic Load Balancers"},
		{"aws-cloudfront", "AWS CloudFront"}, {"aws-apigateway", "AWS API Gateway"}, {"mozilla", "Mozilla server side TLS"},
	}
}

func listText(w io.Writer, lib *profiles.Library) error {
	var text bytes.Buffer
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, family := range families() {
		fmt.Fprintf(t, "%s\n  NAME\tVERSIONS\tSUITES\tPQ\tFIPS\tSOURCE\tDEFAULT OF\n", family.title)
		for _, p := range lib.Policies {
			if p.Family == family.name {
				fmt.Fprintf(t, "  %s\t%s\t%d\t%s\t%s\t%s\t%s\n", p.Name, versionSpan(p.Versions), len(p.Suites), mark(p.PostQuantum), mark(p.FIPS), p.Verification, strings.Join(p.Defaults, ", "))
			}
		}
		fmt.Fprintln(t)
	}
	fmt.Fprintln(t, "Standards and our own")
	for _, name := range lib.Names() {
		if lib.IsPolicy(name) {
			continue
		}
		p, err := lib.Find(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "  %s\t%s\n", name, p.Title)
	}
	fmt.Fprintln(t, "\nKnown by name only, without a list")
	for _, u := range lib.Unlisted {
		fmt.Fprintf(t, "  %s\t%s\n", u.Name, u.Note)
	}
	fmt.Fprintln(t, "\nA YAML file is a profile too: see shakedown profile checks.\nSOURCE: cross-checked, the same list in two sources; single-source, in one; derived, list not seen; conflict, sources differ.")
	if err := t.Flush(); err != nil {
		return err
	}
	return printTrimmed(w, text.String())
}

// printTrimmed prints a table without the blanks at the ends of its lines.
func printTrimmed(w io.Writer, text string) error {
	for line := range strings.Lines(text) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

func mark(yes bool) string {
	if yes {
		return "yes"
	}
	return "·"
}

func versionSpan(vs []results.Version) string {
	short := func(v results.Version) string {
		return strings.Replace(strings.TrimPrefix(string(v), "TLSv"), "SSLv", "SSL", 1)
	}
	if len(vs) == 1 {
		return short(vs[0])
	}
	return short(vs[0]) + "–" + short(vs[len(vs)-1])
}

func profileChecksCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "checks", Short: "Say what a profile of your own can ask for, with an example",
		Long: `A profile of your own is a YAML file: it extends a profile by name, drops some of
its rules, changes others and adds new ones. Give it to --profile by its file name.`,
		Example: "  shakedown profile checks", Args: noArgs,
		RunE: func(*cobra.Command, []string) error { return checksText(a.stdout) },
	}
}

func checksText(w io.Writer) error {
	fmt.Fprintf(w, "An example:\n\n%s\nThe checks that a rule can make:\n\n", indented(profiles.Example()))
	var table bytes.Buffer
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, c := range profiles.Checks() {
		takes := c.Values
		switch {
		case c.Limit != "":
			takes = "limit: " + c.Limit
		case len(c.Words) > 0:
			takes = "values: " + strings.Join(c.Words, ", ")
		case takes != "":
			takes = "values: " + takes
		}
		if len(takes) > 60 {
			takes = "values: words; a wrong one is answered with those there are"
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\n", c.Name, c.About, takes)
	}
	if err := errors.Join(t.Flush(), printTrimmed(w, table.String())); err != nil {
		return err
	}
	suites, groups := profiles.Classes()
	fmt.Fprintf(w, "\nSuites go by any name (IANA, OpenSSL, id) or class: %s.\nGroups go by name or class: %s.\nwhen: ", strings.Join(suites, ", "), strings.Join(groups, ", "))
	for i, c := range profiles.Conditions() {
		if i > 0 {
			fmt.Fprint(w, "; ")
		}
		fmt.Fprintf(w, "%s, %s", c.Name, c.About)
	}
	_, err := fmt.Fprintln(w, ".")
	return err
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			b.WriteString("    ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// wrapped prints a paragraph with lines of at most 96 columns.
func wrapped(w io.Writer, indent, text string) {
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 96 && line != indent {
			fmt.Fprintln(w, line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	if line != indent {
		fmt.Fprintln(w, line)
	}
}
