// Table: the agreement of all stacks as Markdown.

package stacks

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Row is one stack's agreement.
type Row struct {
	Stack   Stack
	Version string
	Agreement
}

// WriteTable writes the table with how it was made. heading is what the reader
// must know of the run.
func WriteTable(w io.Writer, heading string, rows []Row) error {
	var b strings.Builder
	b.WriteString(heading)
	b.WriteString("\n| stack | version | library | configuration | truth by | true | of these chosen, never finished | found | missing | extra | precision % | recall % | versions | connections | status |\n")
	b.WriteString("|---|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|---|--:|---|\n")
	total := Agreement{}
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d | %d | %d | %d | %d | %.1f | %.1f | %s | %d | %s |\n", r.Stack.Name, r.Version, r.Stack.Library,
			r.Stack.Setting, r.Stack.Clients(), r.True, len(r.Unfinished), r.Found, len(r.Missing), len(r.Extra), r.Precision(), r.Recall(), verdict(r.Versions), r.Connections, r.Status)
		total.True, total.Found, total.Connections = total.True+r.True, total.Found+r.Found, total.Connections+r.Connections
		total.Unfinished = append(total.Unfinished, r.Unfinished...)
		total.Missing, total.Extra = append(total.Missing, r.Missing...), append(total.Extra, r.Extra...)
	}
	fmt.Fprintf(&b, "| **all** | | | | | %d | %d | %d | %d | %d | %.1f | %.1f | | %d | |\n", total.True, len(total.Unfinished), total.Found, len(total.Missing), len(total.Extra),
		total.Precision(), total.Recall(), total.Connections)
	b.WriteString("\n## Disagreements\n\n")
	list(&b, rows, func(r Row) []Pair { return append(slices.Clone(r.Missing), r.Extra...) })
	b.WriteString("\n## Chosen, never finished\n\nThe server says so in its ServerHello and then gives up: for want of a certificate of that kind, or of a pre-shared key.\n\n")
	list(&b, rows, func(r Row) []Pair { return r.Unfinished })
	_, err := io.WriteString(w, b.String())
	return err
}

// list writes the pairs of each stack that has some.
func list(b *strings.Builder, rows []Row, of func(Row) []Pair) {
	none := true
	for _, r := range rows {
		var names []string
		for _, p := range of(r) {
			names = append(names, p.String())
		}
		if len(names) > 0 {
			fmt.Fprintf(b, "- %s: %s\n", r.Stack.Name, strings.Join(names, ", "))
			none = false
		}
	}
	if none {
		b.WriteString("None.\n")
	}
}

func verdict(wrong []string) string {
	if len(wrong) == 0 {
		return "agree"
	}
	return strings.Join(wrong, "; ")
}
