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
	Points PointAgreement
	Facts  FactAgreement
}

// Exact reports whether nothing of a row is to be explained.
func (r Row) Exact() bool { return r.Agreement.Exact() && r.Points.Exact() && r.Facts.Exact() }

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
	writePoints(&b, rows)
	writeFacts(&b, rows)
	_, err := io.WriteString(w, b.String())
	return err
}

// writePoints tells of groups and signature schemes.
func writePoints(b *strings.Builder, rows []Row) {
	b.WriteString(pointsHeading)
	total := PointAgreement{}
	line := func(name string, a PointAgreement) {
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d | %d |\n", name, a.Tried, a.True, a.Found, len(a.Missing), len(a.Extra), a.Untried)
	}
	for _, r := range rows {
		line(r.Stack.Name, r.Points)
		total.Tried, total.True, total.Found, total.Untried = total.Tried+r.Points.Tried, total.True+r.Points.True, total.Found+r.Points.Found, total.Untried+r.Points.Untried
		total.Missing, total.Extra = append(total.Missing, r.Points.Missing...), append(total.Extra, r.Points.Extra...)
	}
	line("**all**", total)
	b.WriteString("\n")
	list(b, rows, func(r Row) []Point { return append(slices.Clone(r.Points.Missing), r.Points.Extra...) })
}

const pointsHeading = `
## Groups and signature schemes

OpenSSL's client offers each group and each scheme that it has by itself, in TLS 1.2 and 1.3; Go's offers the post-quantum groups. A point is one of
them in a version. In TLS 1.2 a group counts where ECDHE uses it, with a certificate or without. A scheme counts if the server signs with it; it is
offered also before those that the servers' certificates are signed with, without which some have no certificate to show (RFC 8446 §4.2.3).
*Not tried* was found, and neither client has it.

| stack | tried | true | found | missing | extra | not tried |
|---|--:|--:|--:|--:|--:|--:|
`

// writeFacts tells of all other facts.
func writeFacts(b *strings.Builder, rows []Row) {
	b.WriteString(factsHeading)
	total := FactAgreement{}
	line := func(name string, a FactAgreement) {
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d | %d | %d |\n", name, a.Told, a.No, a.Agree, len(a.Missing), len(a.Extra), len(a.Differing), len(a.Unknown))
	}
	for _, r := range rows {
		line(r.Stack.Name, r.Facts)
		total.add(r.Facts)
	}
	line("**all**", total)
	for _, r := range rows {
		for _, kind := range []struct {
			title string
			facts []string
		}{{"missing", r.Facts.Missing}, {"extra", r.Facts.Extra}, {"differing", r.Facts.Differing}, {"unknown", r.Facts.Unknown}} {
			if len(kind.facts) > 0 {
				fmt.Fprintf(b, "\n- %s, %s: %s", r.Stack.Name, kind.title, strings.Join(kind.facts, ", "))
			}
		}
	}
	b.WriteString("\n")
}

const factsHeading = `
## Other facts

OpenSSL's client tells them, in the newest version before TLS 1.3 that a server speaks, where no other is said: whose preference decides, of suites in
TLS 1.2 and 1.3 and of groups in TLS 1.2, and the server's order (it offers everything in one order and in its reverse, and each time leaves out what was
chosen, until nothing is left); each of eight application protocols; extended master secret, encrypt-then-MAC, secure renegotiation, the fallback signal;
resumption by session id, by ticket, by pre-shared key, and early data; the OCSP staple; whether a client certificate is requested, and of which authorities. Compression is told by
how Debian builds OpenSSL. A point is one fact of one stack that could be told; *unknown* is one that a scan left open, which is not wrong.

| stack | told | of these *no* | agree | missing | extra | differing | unknown |
|---|--:|--:|--:|--:|--:|--:|--:|
`

// list writes the pairs of each stack that has some.
func list[T fmt.Stringer](b *strings.Builder, rows []Row, of func(Row) []T) {
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
