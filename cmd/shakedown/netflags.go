// The flags that every network verb takes, and what they build: the paths to
// work on, the dialer, the run's deadline.

package main

import (
	"context"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"shakedown/results/report"
	"shakedown/scanner"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
)

// netFlags are the flags of every network verb.
type netFlags struct {
	inventory   string
	only        []string
	sni         string
	roots       []string
	resolve     []string
	v4, v6      bool
	proxy       string
	header      string // of the PROXY protocol
	format      string
	output      string
	timeout     time.Duration
	patience    time.Duration // of verbs that scan
	deadline    time.Duration
	concurrency int
	perEndpoint int
	rate        float64
	dryRun      bool
	quiet       bool
	verbose     bool
	noColor     bool
}

// registerFormat is the flag of the verbs that print any form of their records.
func registerFormat(fs *pflag.FlagSet, format *string) {
	names := report.Formats()
	last := len(names) - 1
	fs.StringVar(format, "format", "text", "what to print, a `NAME`: "+strings.Join(names[:last], ", ")+" or "+names[last])
}

func (f *netFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.inventory, "inventory", "", "services and paths to work on, a YAML `FILE`")
	fs.StringArrayVar(&f.only, "path", nil, "only this path of the inventory, `NAME` or SERVICE/NAME (repeatable)")
	fs.StringVar(&f.sni, "sni", "", "server `NAME` to send and to match, in place of the target's own")
	fs.StringArrayVar(&f.roots, "roots", nil, "trust anchors beside the system's, a PEM `FILE` (repeatable)")
	fs.StringArrayVar(&f.resolve, "resolve", nil, "use an address for a name, `NAME:ADDRESS` (repeatable)")
	fs.BoolVarP(&f.v4, "ipv4", "4", false, "IPv4 addresses only")
	fs.BoolVarP(&f.v6, "ipv6", "6", false, "IPv6 addresses only")
	fs.StringVar(&f.proxy, "proxy", "", "reach targets through http://, socks5:// or none, a `URL` (default HTTPS_PROXY, ALL_PROXY; NO_PROXY)")
	fs.StringVar(&f.header, "proxy-protocol", "", "send this PROXY protocol header to targets first, `v1|v2`")
	registerFormat(fs, &f.format)
	fs.StringVar(&f.output, "output", "", "write to `FILE`; standard output stays empty")
	fs.DurationVar(&f.timeout, "timeout", 5*time.Second, "time for one exchange")
	fs.DurationVar(&f.deadline, "deadline", 0, "time for the whole run (default none)")
	fs.IntVar(&f.concurrency, "concurrency", 128, "`N` connections in flight")
	fs.IntVar(&f.perEndpoint, "per-endpoint", 4, "`N` connections in flight to one address")
	fs.Float64Var(&f.rate, "rate", 0, "`N` new connections a second (default no limit)")
	fs.BoolVar(&f.dryRun, "dry-run", false, "say what would be asked, with connection counts; send nothing")
	fs.BoolVar(&f.quiet, "quiet", false, "no progress")
	fs.BoolVar(&f.verbose, "verbose", false, "say why each unknown is unknown")
	fs.BoolVar(&f.noColor, "no-color", false, "no colour (NO_COLOR does the same)")
}

// registerPatience is the flag of the verbs that scan.
func (f *netFlags) registerPatience(fs *pflag.FlagSet) {
	fs.DurationVar(&f.patience, "patience", 0, "how long the slow second asking of an unknown waits; 35s hears what s2n-tls holds back, so AWS load balancers (default: as --timeout)")
}

// check refuses values that make no sense, before anything is opened or sent.
func (f *netFlags) check() error {
	switch {
	case f.v4 && f.v6:
		return usagef("-4 and -6 together leave no address; give one of them")
	case f.timeout <= 0:
		return usagef("--timeout %v: must be more than nothing, as in --timeout 5s", f.timeout)
	case f.patience < 0:
		return usagef("--patience %v: must be more than nothing, as in --patience 35s", f.patience)
	case f.deadline < 0:
		return usagef("--deadline %v: must be more than nothing, as in --deadline 10m", f.deadline)
	case f.concurrency < 1:
		return usagef("--concurrency %d: at least one connection is needed", f.concurrency)
	case f.perEndpoint < 1:
		return usagef("--per-endpoint %d: at least one connection is needed", f.perEndpoint)
	case !(f.rate >= 0) || math.IsInf(f.rate, 0): // NaN, too
		return usagef("--rate %v: must be a number, more than nothing", f.rate)
	case f.header != "" && f.header != "v1" && f.header != "v2":
		return usagef("--proxy-protocol %q: write v1 or v2", f.header)
	}
	return nil
}

// listHint is for who gives a file in place of what stands in it; "" for who does not.
func listHint(target string) string {
	inventories, lists := []string{".yaml", ".yml"}, []string{".txt", ".list", ".csv"}
	ext := strings.ToLower(filepath.Ext(target))
	if info, err := os.Stat(target); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	switch {
	case slices.Contains(inventories, ext):
		return "; for an inventory, give --inventory " + target
	case slices.Contains(lists, ext):
		return "; for a list of targets, give - and the file as standard input"
	}
	return ""
}

// paths lists what to work on: the inventory's paths, then the targets.
func (f *netFlags) paths(a *app, targets []string) ([]inventory.Path, error) {
	paths, err := f.inventoryPaths()
	if err != nil {
		return nil, err
	}
	for _, t := range targets {
		if t == "-" {
			listed, err := inventory.ReadTargets(a.stdin, "standard input")
			if err != nil {
				return nil, usagef("%w", err)
			}
			paths = append(paths, listed...)
			continue
		}
		p, err := inventory.ParseTarget(t)
		if err != nil {
			return nil, usagef("%w%s", err, listHint(t))
		}
		if hint := listHint(t); hint != "" {
			return nil, usagef("bad target %q: it is a file%s", t, hint)
		}
		paths = append(paths, p)
	}
	sni, err := f.serverName()
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, usagef("nothing to work on: give a TARGET such as portal.example:443, or --inventory FILE")
	}
	for i := range paths {
		if sni != "" {
			paths[i].ServerName = sni
		}
		if f.header != "" {
			paths[i].ProxyProtocol = f.header
		}
		paths[i].Roots = append(slices.Clone(paths[i].Roots), f.roots...)
	}
	return paths, nil
}

// serverName is the name of --sni, "" where it was not given.
func (f *netFlags) serverName() (string, error) {
	if f.sni == "" {
		return "", nil
	}
	name, err := inventory.ParseServerName(f.sni)
	if err != nil {
		return "", usagef("--sni %q: %w", f.sni, err)
	}
	return name, nil
}

func (f *netFlags) inventoryPaths() ([]inventory.Path, error) {
	if f.inventory == "" {
		if len(f.only) > 0 {
			return nil, usagef("--path chooses from an inventory; give --inventory FILE too")
		}
		return nil, nil
	}
	defer sparing()() // a file of ten thousand paths is read into a hundred times its size
	inv, err := inventory.Load(f.inventory)
	if err != nil {
		return nil, usagef("%w", err)
	}
	if len(f.only) == 0 {
		return inv.Paths(), nil
	}
	var chosen []inventory.Path
	for _, name := range f.only {
		n := len(chosen)
		for _, p := range inv.Paths() {
			if name == p.Name || name == p.Service+"/"+p.Name {
				chosen = append(chosen, p)
			}
		}
		if len(chosen) == n {
			return nil, usagef("--path %s: %s has no such path; it has %s", name, f.inventory, pathNames(inv.Paths()))
		}
	}
	return chosen, nil
}

func pathNames(paths []inventory.Path) string { return strings.Join(namesOf(paths), ", ") }

// namesOf lists paths as SERVICE/PATH.
func namesOf(paths []inventory.Path) []string {
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = p.Service + "/" + p.Name
	}
	return names
}

// resolver is the system's with the pins of --resolve.
func (f *netFlags) resolver() (dial.Resolver, error) {
	family := dial.AnyFamily
	if f.v4 {
		family = dial.IPv4
	}
	if f.v6 {
		family = dial.IPv6
	}
	pins, err := f.pins()
	if err != nil {
		return nil, err
	}
	return dial.SystemResolver(family, pins), nil
}

// pins reads --resolve.
func (f *netFlags) pins() (map[string][]netip.Addr, error) {
	pins := map[string][]netip.Addr{}
	for _, pin := range f.resolve {
		name, address, ok := strings.Cut(pin, ":")
		addr, err := netip.ParseAddr(strings.Trim(address, "[]"))
		if !ok || name == "" || err != nil {
			return nil, usagef("--resolve %q: want NAME:ADDRESS, as in --resolve portal.example:192.0.2.7", pin)
		}
		pins[name] = append(pins[name], addr)
	}
	return pins, nil
}

// dialer builds the dialer of these budgets, with proxies or, if nil, without.
func (f *netFlags) dialer(proxy proxyFor) (*dial.Dialer, error) {
	resolver, err := f.resolver()
	if err != nil {
		return nil, err
	}
	return dial.New(dial.Options{
		Concurrency: f.concurrency, PerEndpoint: f.perEndpoint, Rate: f.rate, Timeout: f.timeout, Resolver: resolver, Proxy: proxy,
	}), nil
}

// routes builds the dialer that reaches these paths, through proxies where they
// are wanted.
func (f *netFlags) routes(a *app, paths []inventory.Path) (*dial.Dialer, error) {
	proxy, err := f.proxies(a, paths)
	if err != nil {
		return nil, err
	}
	if err := f.checkProxied(proxy, paths); err != nil {
		return nil, err
	}
	return f.dialer(proxy)
}

// scanner readies a scan of paths: the ways to them, and what each trusts. opt gets
// the anchors, and the patience.
func (f *netFlags) scanner(a *app, paths []inventory.Path, opt *scanner.Options) (*scanner.Scanner, error) {
	dialer, err := f.routes(a, paths)
	if err != nil {
		return nil, err
	}
	if opt.Roots, err = f.rootsOf(paths); err != nil {
		return nil, err
	}
	opt.Patience = f.patience
	return scanner.New(dialer, *opt), nil
}

// limit puts the run's deadline on ctx.
func (f *netFlags) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if f.deadline == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, f.deadline)
}
