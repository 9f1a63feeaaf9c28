// The verb completion: what a shell offers as values of flags. Names of verbs and
// flags it knows by itself.

package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"shakedown/profiles"
	"shakedown/results"
	"shakedown/results/report"
)

// offerValues tells the shell what the flags of every verb can be. A flag of which
// it is told nothing gets names of files.
func offerValues(cmd *cobra.Command) {
	for flag, values := range valuesOf(cmd) {
		if cmd.Flags().Lookup(flag) != nil {
			cmd.RegisterFlagCompletionFunc(flag, values) // fails for a flag that is not there, or has some
		}
	}
	for _, sub := range cmd.Commands() {
		offerValues(sub)
	}
}

func valuesOf(cmd *cobra.Command) map[string]cobra.CompletionFunc {
	fixed := func(values ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	}
	var severities []string
	for _, s := range results.Severities() {
		severities = append(severities, string(s))
	}
	all := map[string]cobra.CompletionFunc{
		"profile": namedProfiles, "aspect": fixed(strings.Split(aspectList(), ",")...), "fail-on": fixed(severities...),
		"tls": fixed("1.2", "1.3"), "client": fixed("lean", "stock"), "close": fixed("fin", "rst"), "proxy-protocol": fixed("v1", "v2"),
		"log-format": fixed("text", "json"),
	}
	if slices.Contains([]string{"scan", "bench", "gate", "sweep", "cert", "report"}, cmd.Name()) { // others have fewer
		all["format"] = fixed(report.Formats()...)
	}
	return all
}

// namedProfiles offers the profiles whose names begin so, and files.
func namedProfiles(_ *cobra.Command, _ []string, begins string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names := slices.DeleteFunc(profiles.Builtin().Names(), func(name string) bool { return !strings.HasPrefix(name, begins) })
	return names, cobra.ShellCompDirectiveDefault
}
