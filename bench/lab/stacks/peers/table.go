// Table: the figures, the bars and what each tool did not find, as Markdown.

package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"shakedown/bench/lab/stacks"
)

// table is all that a run of this command says.
type table struct {
	heading string
	tools   []tool
	version map[string]string
	rows    []row
	many    []row // ours alone, few endpoints and many
	took    time.Duration
	lost    int64 // packets that the delay did not hand on
}

func (t table) write(w io.Writer) error {
	var b strings.Builder
	b.WriteString(t.heading)
	t.writeTools(&b)
	t.writeBars(&b)
	t.writeFigures(&b)
	t.writeFindings(&b)
	t.writeMany(&b)
	t.writeTrouble(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (t table) writeTools(b *strings.Builder) {
	b.WriteString("\n## What each is asked\n\n| tool | version | command | why so |\n|---|---|---|---|\n")
	for _, tool := range t.tools {
		command := strings.Join(append([]string{filepath.Base(tool.args[0])}, tool.args[1:]...), " ")
		if tool.stdin {
			command += " < {targets}"
		}
		fmt.Fprintf(b, "| %s | %s | `%s` | %s |\n", tool.name, t.version[tool.name], command, tool.why)
	}
}

func (t table) writeBars(b *strings.Builder) {
	all := bars(t.rows)
	if len(all) == 0 {
		return
	}
	met := 0
	for _, one := range all {
		if one.met {
			met++
		}
	}
	fmt.Fprintf(b, "\n## The bars\n\n%d of %d are met. Each is our median as a share of the better of sslscan's and nmap's in the same rounds,\nwhere they found every pair that we did; server CPU is held against nmap's.\n\n", met, len(all))
	b.WriteString("| endpoints | round trip | what | shakedown | the better peer | share | bar | |\n|---|--:|---|--:|--:|--:|--:|---|\n")
	for _, one := range all {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", one.of.endpoints, milliseconds(one.of.roundTrip), one.what, one.ours, one.theirs, one.figure, one.limit, one.verdict())
	}
	b.WriteString("\n### What fell short\n\n")
	for _, one := range all {
		if !one.met {
			fmt.Fprintf(b, "- %s\n", one.shortfall())
		}
	}
	if met == len(all) {
		b.WriteString("Nothing.\n")
	}
}

func (t table) writeFigures(b *strings.Builder) {
	b.WriteString("\n## The figures\n\nMedians of n runs. Connections, CPU and pairs are for one endpoint; wall is for all of them.\n\n")
	b.WriteString("| endpoints | round trip | tool | n | answered | pairs | connections | wall s | client CPU ms | server CPU ms | server CPU ms a pair | server busy % | CPUs of others |\n")
	b.WriteString("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range t.rows {
		f := r.figures()
		fmt.Fprintf(b, "| %s | %s | %s | %d | %d of %d | %s | %.0f | %s | %.1f | %.1f | %.2f | %.0f | %.1f |\n", r.endpoints, milliseconds(r.roundTrip), r.tool, len(r.runs),
			f.answered, r.asked, trimmed(f.pairs), f.connections, r.wall(f), inMS(f.clientCPU), inMS(f.serverCPU), inMS(f.perPair), 100*f.busy, f.others)
	}
}

// wall says so where it was not measured over all endpoints.
func (r row) wall(f figures) string {
	if r.asked < r.of {
		return fmt.Sprintf("%.0f (%d asked, times %d)", f.wall.Seconds(), r.asked, r.of/r.asked)
	}
	return fmt.Sprintf("%.2f", f.wall.Seconds())
}

// writeFindings lists for each tool the pairs that another found and it did not.
func (t table) writeFindings(b *strings.Builder) {
	b.WriteString("\n## What was not found\n\nPairs that another tool found, and this one not or not always:\n\n")
	none := true
	for _, name := range t.endpoints() {
		all := stacks.Pairs{}
		for _, r := range t.rows {
			if r.endpoints == name {
				all.Join(r.union())
			}
		}
		for _, r := range t.rows {
			if lacks := r.lacking(all); r.endpoints == name && len(lacks) > 0 {
				none = false
				fmt.Fprintf(b, "- %s, round trip %s, %s: %s\n", name, milliseconds(r.roundTrip), r.tool, list(lacks))
			}
		}
	}
	if none {
		b.WriteString("None.\n")
	}
}

// mostNamed keeps a tool that finds nothing from filling the page.
const mostNamed = 12

func list(pairs []stacks.Pair) string {
	var names []string
	for _, p := range pairs[:min(len(pairs), mostNamed)] {
		names = append(names, p.String())
	}
	if more := len(pairs) - mostNamed; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// endpoints are the names, each once, in order.
func (t table) endpoints() []string {
	var names []string
	seen := map[string]bool{}
	for _, r := range t.rows {
		if !seen[r.endpoints] {
			names = append(names, r.endpoints)
		}
		seen[r.endpoints] = true
	}
	return names
}

func (t table) writeMany(b *strings.Builder) {
	if len(t.many) == 0 {
		return
	}
	b.WriteString("\n## Many endpoints in one run\n\nshakedown alone, one nginx worker with an RSA certificate behind all addresses, no delay.\n\n")
	b.WriteString("| endpoints | answered | pairs | connections | wall s | endpoints a second | client CPU ms | server busy % | most memory MB |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range t.many {
		f := r.figures()
		fmt.Fprintf(b, "| %d | %d | %s | %.0f | %.1f | %.0f | %.1f | %.0f | %.0f |\n", r.asked, f.answered, trimmed(f.pairs), f.connections, f.wall.Seconds(),
			ratio(float64(r.asked), f.wall.Seconds()), inMS(f.clientCPU), 100*f.busy, float64(f.peak)/(1<<20))
	}
}

// writeTrouble says which runs are not to be taken as they stand.
func (t table) writeTrouble(b *strings.Builder) {
	b.WriteString("\n## What went wrong\n\n")
	none := true
	for _, r := range append(t.rows[:len(t.rows):len(t.rows)], t.many...) {
		for i, one := range r.runs {
			if one.trouble != "" {
				none = false
				fmt.Fprintf(b, "- %s, round trip %s, %s, run %d: %s\n", r.endpoints, milliseconds(r.roundTrip), r.tool, i+1, one.trouble)
			}
		}
	}
	if others := t.others(); others > mostOthers {
		none = false
		fmt.Fprintf(b, "- The machine had other work: %.1f CPUs of it in the median run. Walls, and what depends on them, are not to be taken as they stand.\n", others)
	}
	if t.lost > 0 {
		none = false
		fmt.Fprintf(b, "- The link with a delay lost %d packets, so some connection waited for a second: walls at a distance are not to be taken as they stand.\n", t.lost)
	}
	if none {
		b.WriteString("Nothing: the machine was ours, and every tool answered for every endpoint in every run.\n")
	}
	fmt.Fprintf(b, "\nAll of it took %.0f s.\n", t.took.Seconds())
}

// mostOthers is what a quiet machine does beside.
const mostOthers = 0.2

// others is the median over the rows.
func (t table) others() float64 {
	var all []float64
	for _, r := range t.rows {
		all = append(all, r.figures().others)
	}
	return median(all)
}

func inMS(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func milliseconds(d time.Duration) string { return fmt.Sprintf("%g ms", inMS(d)) }

// trimmed leaves whole numbers whole.
func trimmed(f float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0") }
