// Command truth holds `shakedown scan` against every stack and writes the table
// of their agreement. It ends with 1 where they disagree.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"shakedown/bench/lab/stacks"
	"shakedown/results"
)

func main() {
	binary := flag.String("binary", "bin/shakedown", "what is held against the truth")
	table := flag.String("table", "", "the file to write the table to; standard output if empty")
	only := flag.String("only", "", "a pattern of stacks' names")
	random := flag.Int("random", 0, "draw so many configurations in place of the stacks")
	seed := flag.Uint64("seed", 1, "what -random draws from")
	packages := flag.Bool("packages", false, "print the packages that the stacks need, and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *packages {
		fmt.Println(strings.Join(needed(), " "))
		return
	}
	all := stacks.All()
	if *random > 0 {
		all = stacks.Random(*seed, *random)
	}
	agree, err := run(ctx, *binary, *table, *only, all)
	if err != nil {
		fmt.Fprintln(os.Stderr, "truth:", err)
	}
	if err != nil || !agree {
		os.Exit(1)
	}
}

func needed() []string {
	var all []string
	for _, s := range stacks.All() {
		all = append(all, s.Packages...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func run(ctx context.Context, binary, table, only string, all []stacks.Stack) (agree bool, err error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return false, err
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "shakedown-truth-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	m, err := stacks.NewMaterial(ctx, dir)
	if err != nil {
		return false, err
	}
	agree = true
	var rows []stacks.Row
	for _, s := range all {
		if !pattern.MatchString(s.Name) {
			continue
		}
		row, err := examine(ctx, s, m, binary)
		if err != nil {
			return false, err
		}
		agree = agree && row.Exact()
		rows = append(rows, row)
	}
	return agree, write(ctx, binary, table, rows)
}

// examine starts a stack, learns the truth, scans, and compares.
func examine(ctx context.Context, s stacks.Stack, m *stacks.Material, binary string) (row stacks.Row, err error) {
	row.Stack = s
	if row.Version, err = s.Version(ctx); err != nil {
		return row, err
	}
	server, err := s.Start(ctx, m)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, server.Stop(context.WithoutCancel(ctx))) }()
	begun := time.Now()
	endpoint, err := scan(ctx, binary, server.Address)
	if err != nil {
		return row, fmt.Errorf("scanning %s: %w", s.Name, err)
	}
	scanned := time.Now()
	truth, err := s.Truth(ctx, m, server.Address)
	if err != nil {
		return row, err
	}
	if row.Agreement, err = stacks.Compare(truth, endpoint); err != nil {
		return row, err
	}
	points, err := stacks.PointsOf(ctx, server.Address)
	if err != nil {
		return row, fmt.Errorf("groups and schemes of %s: %w", s.Name, err)
	}
	if row.Points, err = stacks.ComparePoints(points, endpoint); err != nil {
		return row, err
	}
	facts, err := stacks.FactsOf(ctx, m, s, server.Address, truth)
	if err != nil {
		return row, fmt.Errorf("other facts of %s: %w", s.Name, err)
	}
	row.Facts = stacks.CompareFacts(facts, endpoint)
	report(row, endpoint, scanned.Sub(begun), time.Since(scanned))
	return row, nil
}

// report says on standard error how it went.
func report(row stacks.Row, e *results.Endpoint, scan, truth time.Duration) {
	fmt.Fprintf(os.Stderr, "%-30s %3d true (%d unfinished), %3d found, %2d missing, %2d extra, %3d connections, %s; scan %.2f s, truth %.1f s\n", row.Stack.Name, row.True, len(row.Unfinished), row.Found,
		len(row.Missing), len(row.Extra), row.Connections, row.Status, scan.Seconds(), truth.Seconds())
	for _, p := range row.Missing {
		fmt.Fprintln(os.Stderr, "  missing", p)
	}
	for _, p := range row.Extra {
		fmt.Fprintln(os.Stderr, "  extra  ", p)
	}
	for _, p := range row.Unfinished {
		fmt.Fprintln(os.Stderr, "  unfinished", p)
	}
	fmt.Fprintf(os.Stderr, "%30s %3d groups and schemes tried, %d true, %d found, %d missing, %d extra, %d not tried\n", "",
		row.Points.Tried, row.Points.True, row.Points.Found, len(row.Points.Missing), len(row.Points.Extra), row.Points.Untried)
	for _, p := range row.Points.Missing {
		fmt.Fprintln(os.Stderr, "  missing", p)
	}
	for _, p := range row.Points.Extra {
		fmt.Fprintln(os.Stderr, "  extra  ", p)
	}
	f := row.Facts
	fmt.Fprintf(os.Stderr, "%30s %3d other facts told, %d agree, %d missing, %d extra, %d differing, %d unknown\n", "",
		f.Told, f.Agree, len(f.Missing), len(f.Extra), len(f.Differing), len(f.Unknown))
	for _, list := range [][]string{f.Missing, f.Extra, f.Differing, f.Unknown} {
		for _, fact := range list {
			fmt.Fprintln(os.Stderr, "  fact", fact)
		}
	}
	for _, v := range row.Versions {
		fmt.Fprintln(os.Stderr, "  version", v)
	}
	for _, f := range e.Failures {
		fmt.Fprintf(os.Stderr, "  failure %+v\n", f)
	}
	if !e.Undetermined.IsZero() {
		fmt.Fprintf(os.Stderr, "  undetermined %+v\n", e.Undetermined)
	}
}

// scan runs the verb. Exit 3 says that some fact could not be determined, which
// the record tells better.
func scan(ctx context.Context, binary, address string) (*results.Endpoint, error) {
	cmd := exec.CommandContext(ctx, binary, "scan", "--format", "json", "--sni", stacks.Host, address)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != 3 {
		return nil, fmt.Errorf("%w: %s", err, stderr.String())
	}
	d, err := results.NewDecoder(bytes.NewReader(out))
	if err != nil {
		return nil, err
	}
	rec, err := d.Next()
	if err != nil {
		return nil, err
	}
	endpoint, ok := rec.(*results.Endpoint)
	if _, err := d.Next(); !ok || !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("not one endpoint, but %T and %v", rec, err)
	}
	return endpoint, nil
}

func write(ctx context.Context, binary, table string, rows []stacks.Row) error {
	version, err := exec.CommandContext(ctx, binary, "version").Output()
	if err != nil {
		return err
	}
	out := io.Writer(os.Stdout)
	if table != "" {
		f, err := os.Create(table)
		if err != nil {
			return err
		}
		defer f.Close()
		out = f
	}
	return stacks.WriteTable(out, heading(string(version)), rows)
}

func heading(version string) string {
	first, _, _ := strings.Cut(version, "\n")
	return fmt.Sprintf(`# Scans beside the truth

Made by %s with %s, on %s. Each server runs alone on loopback, with keys made for the run. Its truth is
what it chooses when its own library's client, or another's, offers it **one suite of one version** at a time, read from its
ServerHello on the way; where several clients are named, what it chose for any of them. Nearly all of these handshakes were also finished; a
suite that is chosen and then failed on is counted apart. %s holds %s against it: a pair is a suite in a
version; *missing* is true and not found, *extra* found and not true. A version is spoken if it has a pair. Suites of shared secrets (PSK, SRP,
Kerberos) are in no server's configuration.
`, "`make truth`", "`"+strings.TrimSpace(first)+"`", debian(), "`shakedown scan`", "its own `suites` and `versions`")
}

func debian() string {
	b, err := os.ReadFile("/etc/debian_version")
	if err != nil {
		return "an unknown system"
	}
	return "Debian " + strings.TrimSpace(string(b))
}
