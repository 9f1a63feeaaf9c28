// The verb bench.

package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"shakedown/bench"
	"shakedown/bench/client"
	"shakedown/bench/stats"
	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
)

// benchFlags are the flags of bench beside those of every network verb.
type benchFlags struct {
	netFlags
	limitFlags
	duration     time.Duration
	connections  int
	blocks       int
	poisson      bool
	tls          string
	group        string
	suite        string
	signature    string
	client       string
	verifySample int
	request      string
	baseline     string
	seed         uint64
	loadAllowed  bool
	bound        int // in flight in an open loop, 0 for bench's own
	shapeFlags
}

func benchCommand(a *app) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench [TARGET…]",
		Short: "Measure handshakes over paths, interleaved, and compare the paths",
		Long: `Bench measures TLS handshakes over paths: full ones, resumed ones (--resume 1), or
both in a set ratio. It opens connections at a rate (--rate, an open loop: when one
is due does not depend on how the others fare) or keeps some in flight
(--connections, a closed loop), in short blocks that visit the paths in turn, in an
order drawn by lot, so that paths can be compared although the machine and the
network change. It records when each handshake passed which point and what it
negotiated; only handshakes of the asked shape count.

Bench is for servers that you own: it puts load on them, and its own client (lean)
gives secrecy up for speed; see --client. It completes every handshake. An address
that is not this host's own is refused without "load: allowed" in the inventory, or
--load-allowed.

A trial that measured the generator, or nothing, is marked invalid and gives exit
code 3. What has to hold is said by --slo: missed gives exit code 1, not decided 3.
--find-capacity searches the highest rate that holds it.

Resumed is what the server resumed: the session id that it echoed in TLS 1.2, the
pre_shared_key in its ServerHello in TLS 1.3, never what was offered. A TLS 1.3
ticket is used once; full handshakes between the blocks earn what resumed ones do
not bring themselves, and are counted apart (generator.ticket_handshakes).

Ports. A connection that we close by FIN keeps its port for a minute (TIME_WAIT),
so 28,232 ports (Linux's default range) ÷ 60 s = 470 connections a second from one
source address to one server address, for as long as one likes. A minute at
20,000 a second is 1,200,000 connections: 43 source addresses (--source), or
--close rst, which leaves no TIME_WAIT: then the ports in use are the connections
in flight, and one address will do. To 127.0.0.0/8 more source addresses are taken
by themselves. Descriptors are those in flight: 20,000 a second that take 10 ms each
are 200, beside 20 that are about to close; ulimit -n. What is due while --concurrency
are in flight waits: where more than one in a hundred did, the path did not keep pace,
and the trial is invalid.

--ramp lets the rate of an open loop go evenly from one to another within every block.
When a connection is due follows from that line alone; each block's record has the
curve, interval by interval.`,
		Example: `  shakedown bench --inventory lab.yaml
  shakedown bench --inventory lab.yaml --rate 500 --resume 0.8
  shakedown bench --inventory lab.yaml --path portal/hsm --connections 8 --tls 1.2
  shakedown bench --load-allowed --rate 200 --duration 30s --request / portal.example
  shakedown bench --inventory lab.yaml --baseline i-1 --slo "ratio<1.10" --slo "errors<0.1%"
  shakedown bench --inventory lab.yaml --path hsm --ramp 10-500 --duration 1m
  shakedown bench --inventory lab.yaml --path hsm --find-capacity --slo "handshake.p99<50ms"
  shakedown bench --dry-run --inventory lab.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := refuseZero(cmd.Flags(), "rate", "connections"); err != nil {
				return err
			}
			for name, limit := range map[string]int{"concurrency": f.concurrency, "per-endpoint": f.perEndpoint} {
				if cmd.Flags().Changed(name) && (f.bound == 0 || limit < f.bound) {
					f.bound = limit
				}
			}
			f.settle(cmd.Flags())
			return a.bench(cmd.Context(), &f, args)
		},
	}
	f.registerAll(cmd)
	return cmd
}

// registerAll registers the flags of every part, each with its default.
func (f *benchFlags) registerAll(cmd *cobra.Command) {
	f.netFlags.register(cmd.Flags())
	f.register(cmd)
	f.shapeFlags.register(cmd.Flags())
	f.limitFlags.register(cmd.Flags())
}

func (f *benchFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.Lookup("rate").Usage = "open loop: `N` connections a second on each path (default 50)"
	fs.Lookup("concurrency").Usage = "open loop: at most `N` connections in flight; what is due beyond waits (default 2000)"
	fs.Lookup("per-endpoint").Usage = "as --concurrency, for paths are measured one at a time: `N` connections"
	fs.Lookup("timeout").Usage = "time for one handshake, from connecting to the response"
	for _, name := range []string{"concurrency", "per-endpoint"} {
		fs.Lookup(name).DefValue = "0" // cobra would print scan's
	}
	fs.DurationVar(&f.duration, "duration", 10*time.Second, "time for each path, over all its blocks")
	fs.IntVar(&f.connections, "connections", 0, "closed loop: `N` connections in flight all the time, in place of --rate")
	fs.IntVar(&f.blocks, "blocks", 10, "`N` interleaved blocks of each path; comparisons need 5 at least")
	fs.BoolVar(&f.poisson, "poisson", false, "open loop: connections at random instants, not at fixed intervals")
	fs.StringVar(&f.tls, "tls", "1.3", "`VERSION` to measure: 1.2 or 1.3")
	fs.StringVar(&f.group, "group", "", "key exchange group, a `NAME`: X25519, P-256, P-384, P-521, X25519MLKEM768 or SecP256r1MLKEM768 (default the server's choice, X25519 first)")
	fs.StringVar(&f.suite, "suite", "", "cipher suite, by IANA's or OpenSSL's `NAME` (default the server's choice)")
	fs.StringVar(&f.signature, "signature", "", "signature scheme, by IANA's `NAME`, and so the kind of certificate (default the server's choice)")
	fs.StringVar(&f.client, "client", string(bench.Lean), "`NAME` of the client, lean: our own, cheap, without secrecy; or stock: Go's crypto/tls")
	fs.IntVar(&f.verifySample, "verify-sample", 100, "lean: check the certificate's signature in 1 of `N` handshakes")
	fs.StringVar(&f.request, "request", "", "after each handshake GET this `PATH` by HTTP/1.1, to time the first byte")
	fs.StringVar(&f.baseline, "baseline", "", "compare with this path, `PATH-NAME` (default the first instance of a service, else its first path)")
	fs.Uint64Var(&f.seed, "seed", 0, "make the random choices from this `N`, as a recorded run did (default a new one)")
	fs.BoolVar(&f.loadAllowed, "load-allowed", false, "the owners of all these addresses agree to load")
}

// bench measures and compares. Whatever the user got wrong is said before
// anything is sent.
func (a *app) bench(ctx context.Context, f *benchFlags, targets []string) error {
	if err := f.check(); err != nil {
		return err
	}
	paths, err := f.paths(a, targets)
	if err != nil {
		return err
	}
	if err := f.refuseRoutes("bench", paths); err != nil {
		return err
	}
	if err := f.checkBaseline(paths); err != nil {
		return err
	}
	if err := f.checkRatios(paths); err != nil {
		return err
	}
	plan, err := f.plan()
	if err != nil {
		return err
	}
	if f.dryRun {
		return f.printPlan(a.stdout, plan, paths)
	}
	ctx, cancel := f.limit(ctx)
	defer cancel()
	if plan.Paths, err = f.addresses(ctx, paths, plan.Paths[0].Ask); err != nil {
		return err
	}
	if plan, err = plan.Complete(); err != nil { // now with the addresses
		return usagef("%w", err)
	}
	if f.levels() {
		return a.climb(ctx, f, plan)
	}
	return a.measure(ctx, f, plan)
}

func (f *benchFlags) check() error {
	if err := f.netFlags.check(); err != nil {
		return err
	}
	switch {
	case f.connections < 0:
		return usagef("--connections %d: at least one is needed", f.connections)
	case f.connections > 0 && f.rate > 0:
		return usagef("--rate makes an open loop, --connections a closed one: give one of them")
	case f.connections > 0 && f.poisson:
		return usagef("--poisson is for an open loop: give --rate, not --connections")
	case f.duration <= 0:
		return usagef("--duration %v: must be more than nothing, as in --duration 10s", f.duration)
	case f.blocks < 1:
		return usagef("--blocks %d: at least one is needed, for comparisons five", f.blocks)
	case f.verifySample < 1:
		return usagef("--verify-sample %d: checks one in N, so N is 1 at least", f.verifySample)
	case f.request != "" && (f.request[0] != '/' || strings.ContainsFunc(f.request, func(r rune) bool { return r <= ' ' || r > '~' })):
		return usagef("--request %q: want a path, as in --request /health", f.request)
	case f.tls != "1.2" && f.tls != "1.3":
		return usagef("--tls %q: want 1.2 or 1.3", f.tls)
	}
	if err := f.shapeFlags.check(f.tls, f.request); err != nil {
		return err
	}
	return f.checkLimits()
}

// refuseZero refuses flags that were given and ask for nothing: not given, they
// stand for their default.
func refuseZero(fs *pflag.FlagSet, names ...string) error {
	for _, name := range names {
		if f := fs.Lookup(name); f.Changed && f.Value.String() == "0" {
			return usagef("--%s 0: nothing would be measured; leave it out for the default", name)
		}
	}
	return nil
}

// checkBaseline refuses a baseline that is no path.
func (f *benchFlags) checkBaseline(paths []inventory.Path) error {
	if f.baseline == "" {
		return nil
	}
	for _, p := range paths {
		if p.Name == f.baseline {
			return nil
		}
	}
	return usagef("--baseline %s: there is no such path; there are %s", f.baseline, pathNames(paths))
}

// plan is what the flags ask for, checked with a path in the place of those whose
// addresses are not known yet.
func (f *benchFlags) plan() (bench.Plan, error) {
	ask, err := client.NewAsk(results.Version("TLSv"+f.tls), f.group, f.suite, f.signature)
	if err != nil {
		return bench.Plan{}, usagef("%w", err)
	}
	f.shapeFlags.ask(&ask)
	p := bench.Plan{
		Paths: []bench.Path{{Ask: ask}}, Loop: results.OpenLoop, Rate: f.rate, Poisson: f.poisson,
		Duration: f.duration, Blocks: f.blocks, Connections: f.bound, Timeout: f.timeout,
		Client: bench.Client(f.client), VerifySample: f.verifySample, Request: f.request, Seed: f.seed,
		Bystanders: f.bystanders, Ramp: f.slope,
	}
	if f.connections > 0 {
		p.Loop, p.Connections = results.ClosedLoop, f.connections
	}
	if err := f.shapeFlags.plan(&p); err != nil {
		return p, err
	}
	for p.Seed == 0 {
		p.Seed = rand.Uint64() >> 11 // so that readers that know numbers as doubles read it whole
	}
	if p, err = p.Complete(); err != nil {
		return p, usagef("%w", err)
	}
	return p, nil
}

// addresses finds every path's address, and refuses those whose owner has not
// agreed to load.
func (f *benchFlags) addresses(ctx context.Context, paths []inventory.Path, ask client.Ask) ([]bench.Path, error) {
	dialer, err := f.dialer(nil)
	if err != nil {
		return nil, err
	}
	own, err := ownAddresses()
	if err != nil {
		return nil, err
	}
	var list []bench.Path
	var refused []string
	for _, p := range paths {
		b := bench.Path{
			Service: p.Service, Name: p.Name, Kind: p.Kind, Target: p.Target, ServerName: p.ServerName, Ask: ask, ProxyProtocol: p.ProxyProtocol,
		}
		addrs, failure := dialer.Resolve(ctx, p.Host)
		if b.Failure = failure; failure == nil {
			b.Address = netip.AddrPortFrom(addrs[0], p.Port)
			if !own(addrs[0]) && !p.Load && !f.loadAllowed {
				refused = append(refused, fmt.Sprintf("%s/%s (%s)", p.Service, p.Name, b.Address))
			}
		}
		list = append(list, b)
	}
	if len(refused) > 0 {
		return nil, usagef("these addresses are not this host's own: %s\nload on them needs their owner's consent: "+
			"write \"load: allowed\" to the service or path in the inventory, or give --load-allowed", strings.Join(refused, ", "))
	}
	return list, nil
}

// ownAddresses returns what tells this host's addresses from others'.
func ownAddresses() (func(netip.Addr) bool, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("listing this host's addresses: %w", err)
	}
	own := map[netip.Addr]bool{}
	for _, a := range addrs {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			own[prefix.Addr().Unmap().WithZone("")] = true
		}
	}
	return func(a netip.Addr) bool {
		a = a.Unmap().WithZone("")
		return own[a] || a.IsLoopback() || a.IsUnspecified()
	}, nil
}

// measure runs the plan and puts the comparisons behind its records.
func (a *app) measure(ctx context.Context, f *benchFlags, plan bench.Plan) error {
	out, err := a.openOutput(&f.netFlags, results.Header{
		Command: "bench", Seed: plan.Seed, Paths: planned(plan),
		Calibration: a.calibrated(),
	})
	if err != nil {
		return err
	}
	live := a.live(f, plan)
	var kept stats.Run
	outcome, runErr := bench.Run(ctx, plan, bench.Env{
		Classify: dial.Classify,
		Now:      a.now,
		Put: func(r results.Record) error {
			kept.Put(r)
			return out.put(r)
		},
		Progress: live.progress,
	})
	live.end()
	comparisons := a.conclude(f, out, &kept)
	code := worse(benchCode(ctx, outcome, runErr), a.judge(out, f.objectives, &kept, comparisons))
	return out.finish(code, runErr == nil && !outcome.Interrupted)
}

// conclude puts what follows from trials and blocks: comparisons, and what the
// parts of paths add.
func (a *app) conclude(f *benchFlags, out *output, kept *stats.Run) []*results.Comparison {
	opt := stats.Options{Baseline: func(string) string { return f.baseline }}
	comparisons := kept.Compare(opt)
	for _, c := range comparisons {
		out.stream.Put(c) // finish says so if it cannot
	}
	for _, c := range kept.Attribute(opt) {
		out.stream.Put(c)
	}
	return comparisons
}

// planned lists a plan's paths as SERVICE/PATH.
func planned(plan bench.Plan) []string {
	names := make([]string, len(plan.Paths))
	for i, p := range plan.Paths {
		names[i] = p.Service + "/" + p.Name
	}
	return names
}

// benchCode is the exit code of a bench: measurements alone are never bad, but
// invalid ones are not good.
func benchCode(ctx context.Context, o bench.Outcome, err error) int {
	switch {
	case ctx.Err() == context.Canceled:
		return exitInterrupted
	case err != nil, ctx.Err() != nil, o.Interrupted, o.Invalid > 0:
		return exitUndetermined
	}
	return exitGood
}

// printPlan says what would be measured, how often, and how long that takes.
func (f *benchFlags) printPlan(w io.Writer, plan bench.Plan, paths []inventory.Path) error {
	own, err := ownAddresses()
	if err != nil {
		return err
	}
	for _, p := range paths {
		note := ""
		if addr, err := netip.ParseAddr(p.Host); err == nil && !own(addr) && !p.Load && !f.loadAllowed {
			note = "  refused: not this host's own; needs load: allowed"
		}
		fmt.Fprintf(w, "%s/%s %s%s\n", p.Service, p.Name, p.Target, note)
	}
	fmt.Fprintf(w, "each: %s, client %s, seed %d\n", asked(plan.Paths[0].Ask), plan.Client, plan.Seed)
	if n := plan.Tickets(plan.Paths[0].Ask); n > 0 && plan.Loop == results.OpenLoop {
		fmt.Fprintf(w, "beside them: full handshakes to earn tickets, %d before a block at most\n", n)
	}
	f.printBystanders(w, plan, len(paths))
	if f.levels() {
		return f.printLevels(w, plan, paths)
	}
	each := plan.Time()
	n := time.Duration(len(paths))
	if plan.Loop == results.OpenLoop {
		counted, all := plan.Handshakes()
		fmt.Fprintf(w, "open loop: %s connections a second, at most %d in flight; %d handshakes count in %s (%d with warm-up)\n",
			offeredWords(plan), plan.Connections, counted, count(plan.Blocks, "block"), all)
		_, err = fmt.Fprintf(w, "%s: %d connections, %v; nothing was sent\n", count(len(paths), "path"), len(paths)*all, (n * each).Round(time.Second))
		return err
	}
	fmt.Fprintf(w, "closed loop: %s in flight, as many handshakes as they make in %v, in %s\n",
		count(plan.Connections, "connection"), plan.Duration, count(plan.Blocks, "block"))
	_, err = fmt.Fprintf(w, "%s: %v; nothing was sent\n", count(len(paths), "path"), (n * each).Round(time.Second))
	return err
}

// offeredWords is the rate of an open loop.
func offeredWords(plan bench.Plan) string {
	if plan.Ramp != (bench.Ramp{}) {
		return fmt.Sprintf("from %v to %v", plan.Ramp.From, plan.Ramp.To)
	}
	return fmt.Sprint(plan.Rate)
}
