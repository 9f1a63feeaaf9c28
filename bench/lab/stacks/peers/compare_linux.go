// Compare: the servers are started, the tools take turns, the table is written.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"shakedown/bench/lab/delaylink"
	"shakedown/bench/lab/stacks"
	"shakedown/results/wholefile"
)

// comparison is the work under way.
type comparison struct {
	options
	dir   string
	link  *delaylink.Link
	fleet *fleet
}

// compare does the work, in a folder of its own.
func compare(ctx context.Context, o options) (err error) {
	c := comparison{options: o}
	if c.binary, err = filepath.Abs(o.binary); err != nil {
		return err
	}
	if c.dir, err = os.MkdirTemp("", "shakedown-peers-"); err != nil {
		return err
	}
	defer os.RemoveAll(c.dir)
	defer func() { err = errors.Join(err, c.down(context.WithoutCancel(ctx))) }()
	if err := c.up(ctx); err != nil {
		return err
	}
	t, err := c.table(ctx)
	if err != nil {
		return err
	}
	return o.publish(t)
}

// up makes the distance and starts the servers.
func (c *comparison) up(ctx context.Context) (err error) {
	if err := delaylink.Local(ctx, network()); err != nil {
		return err
	}
	if c.link, err = delaylink.Open(ctx, c.roundTrip, network()); err != nil {
		return err
	}
	m, err := stacks.NewMaterial(ctx, c.dir)
	if err != nil {
		return err
	}
	c.fleet, err = start(ctx, m)
	return err
}

// down ends what is up.
func (c *comparison) down(ctx context.Context) (err error) {
	if c.fleet != nil {
		err = c.fleet.stop(ctx)
	}
	if c.link != nil {
		err = errors.Join(err, c.link.Close())
	}
	return err
}

// table measures all that is asked for.
func (c *comparison) table(ctx context.Context) (t table, err error) {
	begun := time.Now()
	if t.tools, t.version, err = c.chosen(ctx); err != nil {
		return t, err
	}
	if t.rows, err = c.rows(ctx, t.tools); err != nil {
		return t, err
	}
	if t.many, err = c.manyRows(ctx, t.tools[0]); err != nil {
		return t, err
	}
	t.heading, t.took, t.lost = heading(c.options), time.Since(begun), c.link.Lost()
	return t, nil
}

// chosen are the tools that are wanted, ours first, with their versions.
func (c *comparison) chosen(ctx context.Context) (chosen []tool, version map[string]string, err error) {
	version = map[string]string{}
	for _, t := range tools(c.binary) {
		if t.slow && c.quick || t.name != shakedown && !c.options.tools.MatchString(t.name) {
			continue
		}
		if version[t.name], err = t.versionOf(ctx); err != nil {
			return nil, nil, fmt.Errorf("%s: %w; `make peers` installs what is needed", t.name, err)
		}
		chosen = append(chosen, t)
	}
	return chosen, version, nil
}

// rows measures the tools on all endpoints, near and far.
func (c *comparison) rows(ctx context.Context, chosen []tool) (rows []row, err error) {
	for i, e := range c.fleet.endpoints(c.farm) {
		if !c.only.MatchString(e.name) {
			continue
		}
		for _, distance := range []time.Duration{0, c.roundTrip} {
			fitting := slices.DeleteFunc(slices.Clone(chosen), func(t tool) bool {
				return t.slow && i > 0 || t.wide && !(e.farm && distance > 0)
			})
			some, err := c.interleaved(ctx, e, distance, fitting)
			if err != nil {
				return nil, err
			}
			rows = append(rows, some...)
		}
	}
	return rows, nil
}

// interleaved runs the tools in rounds, so that a slow minute of the machine is
// everybody's; each round begins with another.
func (c *comparison) interleaved(ctx context.Context, e endpoints, distance time.Duration, chosen []tool) ([]row, error) {
	var rows []row
	for _, t := range chosen {
		rows = append(rows, row{endpoints: e.name, farm: e.farm, roundTrip: distance, tool: t.name, asked: len(c.sampled(t, e, distance)), of: len(e.hosts)})
	}
	for round := range c.roundsOf(e, distance) {
		for i := range chosen {
			n := (i + round) % len(chosen)
			if chosen[n].slow && round > 0 {
				continue
			}
			these := e
			these.hosts = c.sampled(chosen[n], e, distance)
			if err := c.once(ctx, chosen[n], these, &rows[n]); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// roundsOf is one for a farm at a distance, where a tool takes a minute and our bars
// are far: the others are held against medians.
func (c *comparison) roundsOf(e endpoints, distance time.Duration) int {
	switch {
	case e.farm && distance > 0:
		return 1
	case e.farm:
		return c.farmRounds
	}
	return c.rounds
}

// sampled are the endpoints that a tool is asked: of a farm at a distance, some
// for a tool that would take minutes for all, one after the other.
func (c *comparison) sampled(t tool, e endpoints, distance time.Duration) []string {
	if t.bound && e.farm && distance > 0 {
		return e.hosts[:min(len(e.hosts), c.sample)]
	}
	return e.hosts
}

// once measures and says so.
func (c *comparison) once(ctx context.Context, t tool, e endpoints, r *row) error {
	at := where(here)
	if r.roundTrip > 0 {
		at = c.link.Run
	}
	one, err := measure(ctx, t, e, c.dir, at)
	if err != nil {
		return fmt.Errorf("%s on %s: %w", t.name, e.name, err)
	}
	r.runs = append(r.runs, one)
	fmt.Fprintf(os.Stderr, "%-22s %-6s %-16s %6d pairs %6d connections, wall %7.2f s, client CPU %7.3f s, server CPU %7.3f s, %4d MB %s\n", e.name, milliseconds(r.roundTrip), t.name, one.pairs(),
		one.connections, one.wall.Seconds(), one.clientCPU.Seconds(), one.serverCPU.Seconds(), one.peak>>20, one.trouble)
	return nil
}

// few is what the memory for many endpoints is held against.
const few = 300

// manyRows scans few endpoints, and many.
func (c *comparison) manyRows(ctx context.Context, ours tool) (rows []row, err error) {
	if c.many == 0 {
		return nil, nil
	}
	for _, n := range slices.Compact([]int{min(few, c.many), c.many}) {
		e := endpoints{name: fmt.Sprintf("%d endpoints", n), server: c.fleet.rsa, port: c.fleet.ports[c.fleet.rsa], hosts: hosts(n)}
		r := row{endpoints: e.name, tool: ours.name, asked: n, of: n}
		if err := c.once(ctx, ours, e, &r); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// publish replaces the file only by a whole table.
func (o options) publish(t table) error {
	if o.table == "" || o.partial() {
		return t.write(os.Stdout)
	}
	if err := wholefile.Write(o.table, 0o644, t.write); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "peers: wrote", o.table)
	return nil
}

func heading(o options) string {
	return fmt.Sprintf(`# Scans beside those of other tools

Made by %s on %s, %s, %d CPUs of %s. Every tool scans the same servers in the same run, the
tools taking turns; each server is one process that works on one CPU at most. *Pairs* are suites in versions. Connections are the server's count (the
kernel's %s in a namespace of its own); CPU is that of the tool with all that it starts, and of the server with all of its processes,
without the machine's work for either outside of them. At %s every packet, SYN too, is held for half of it in each direction.
`, "`make peers`", debian(), kernel(), runtime.NumCPU(), processor(), "`PassiveOpens`", milliseconds(o.roundTrip))
}

func debian() string {
	b, err := os.ReadFile("/etc/debian_version")
	if err != nil {
		return "an unknown system"
	}
	return "Debian " + strings.TrimSpace(string(b))
}

func kernel() string {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return "Linux " + cmp.Or(strings.TrimSpace(string(b)), "of some version")
}

func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	if m := regexp.MustCompile(`(?m)^model name\s*:\s*(.+)$`).FindSubmatch(b); m != nil {
		return string(m[1])
	}
	return "unknown make"
}
