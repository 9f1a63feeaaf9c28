// Tools: each scanner, what it is asked, and why it is asked that.

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// tool is a scanner's command line and how its answer is read.
type tool struct {
	name    string
	pkg     string // of Debian; "" is ours
	version []string
	args    []string // after the program's name; {targets}, {port}, {output} and {first} are filled in
	stdin   bool     // the targets come on standard input
	lines   string   // of the file of targets: host:port, or host
	bound   bool     // takes targets one after the other, so few tell of many
	slow    bool     // one run, on the first endpoints alone
	wide    bool     // for farms at a distance, where connections in flight decide; no bar is held against it
	parse   func(file string) (findings, error)
	why     string
}

// shakedown is what the others are held against.
const shakedown = "shakedown"

// tools lists ours first, then the others, then both of those that can have
// more in flight than they do by default.
func tools(binary string) []tool {
	all := []tool{
		{
			name: shakedown, version: []string{binary, "version"}, stdin: true, lines: "host:port", parse: parseShakedown,
			args: []string{binary, "scan", "--quiet", "--aspect", "versions,suites,groups,certificates", "--per-endpoint", "8", "--format", "json", "--output", "{output}", "-"},
			why:  "versions and suites, and groups and certificates besides, which the others are spared; eight connections in flight to an endpoint, 128 in all",
		},
		{
			name: "sslscan", pkg: "sslscan", version: []string{"sslscan", "--version"}, lines: "host:port", bound: true, parse: parseSSLScan,
			args: []string{"sslscan", "--no-groups", "--no-fallback", "--no-renegotiation", "--no-heartbleed", "--no-compression", "--no-check-certificate", "--xml={output}", "--targets={targets}"},
			why:  "all but versions and suites is turned off, which more than halves its time: so it is asked for no groups and no certificates; it takes targets one after the other",
		},
		{
			name: "nmap", pkg: "nmap", version: []string{"nmap", "--version"}, lines: "host", parse: parseNmap,
			args: []string{"nmap", "-n", "-Pn", "-p", "{port}", "--script", "+ssl-enum-ciphers", "-oX", "{output}", "-iL", "{targets}"},
			why:  "no names, no ping, one port, its own parallelism; the plus sign spares it to find out that the port speaks TLS; the script lists no groups and no certificates",
		},
		{
			name: "testssl.sh", pkg: "testssl.sh", version: []string{"testssl", "--version"}, lines: "host:port", slow: true, parse: parseTestSSL,
			args: []string{"testssl", "--quiet", "--warnings", "off", "--color", "0", "--nodns", "none", "-p", "-E", "--jsonfile", "{output}", "{first}"},
			why:  "versions (-p), suites by version (-E), no list of groups and no certificates; it takes a third of a second for every connection, so it is asked once, one endpoint",
		},
	}
	ours, nmap := all[0], all[2]
	return append(all,
		ours.widened("with as much in flight as eight for each of 64 endpoints", "--concurrency", widely),
		nmap.widened("the same for nmap, which else has 20 sockets for its scripts", "--min-hostgroup", "256", "--max-parallelism", widely))
}

// widely is how much a widened tool may have in flight.
const widely = "512"

// widened has further options before the others.
func (t tool) widened(why string, options ...string) tool {
	at := 1
	if t.name == shakedown {
		at = 2 // after the verb
	}
	t.name, t.pkg, t.wide, t.why = t.name+" (wide)", "", true, why
	t.args = slices.Insert(slices.Clone(t.args), at, options...)
	return t
}

// packages are Debian's for the tools and for the link.
func packages() string {
	all := []string{"iproute2", "openssl"}
	for _, t := range tools("") {
		if t.pkg != "" {
			all = append(all, t.pkg)
		}
	}
	return strings.Join(all, " ")
}

// job is what a tool is run on: a folder of its own, and targets.
type job struct {
	dir   string
	hosts []string
	port  string
}

func (j job) targets() string { return filepath.Join(j.dir, "targets") }
func (j job) output() string  { return filepath.Join(j.dir, "output") }

// command writes the list of targets and fills in the arguments. The tool must
// find no output of an earlier run: some append, some refuse.
func (t tool) command(ctx context.Context, j job) (*exec.Cmd, error) {
	if err := os.RemoveAll(j.output()); err != nil {
		return nil, err
	}
	var list strings.Builder
	for _, h := range j.hosts {
		list.WriteString(strings.NewReplacer("host", h, "port", j.port).Replace(t.lines) + "\n")
	}
	if err := os.WriteFile(j.targets(), []byte(list.String()), 0o600); err != nil {
		return nil, err
	}
	fill := strings.NewReplacer("{targets}", j.targets(), "{output}", j.output(), "{port}", j.port, "{first}", j.hosts[0]+":"+j.port)
	var argv []string
	for _, a := range t.args {
		argv = append(argv, fill.Replace(a))
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = j.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if t.stdin {
		cmd.Stdin = strings.NewReader(list.String())
	}
	return cmd, nil
}

// versionOf asks the program: the first number with a dot in it, or for ours
// the first line.
func (t tool) versionOf(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, t.version[0], t.version[1:]...)
	cmd.Env = append(os.Environ(), "TERM=dumb")
	out, err := cmd.CombinedOutput()
	if strings.HasPrefix(t.name, shakedown) {
		first, _, _ := strings.Cut(string(out), "\n")
		return strings.TrimPrefix(first, shakedown+" "), err
	}
	if v := regexp.MustCompile(`\d+\.\d[\w.+~-]*`).FindString(string(out)); v != "" {
		return v, nil // some end with an error after they have said it
	}
	return "", fmt.Errorf("no version from %q: %w: %s", strings.Join(t.version, " "), err, out)
}
