// The verb scan.

package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shakedown/results"
	"shakedown/results/contrast"
	"shakedown/scanner"
	"shakedown/scanner/chain"
	"shakedown/scanner/inventory"
)

func scanCommand(a *app) *cobra.Command {
	var (
		net          netFlags
		aspects      string
		allAddresses bool
		complete     bool
		revocation   bool
		certFile     string
		keyFile      string
		judge        judgeFlags
	)
	cmd := &cobra.Command{
		Use:   "scan [TARGET…]",
		Short: "Observe endpoints: versions, suites, groups, certificates; judge them by policies",
		Long: `Scan observes TLS endpoints: which protocol versions, cipher suites, key
exchange groups and certificates they serve. Every fact is yes, no or unknown;
what could not be determined is listed as such and gives exit code 3.

A TARGET is host:port, host (port 443), [v6]:port, scheme://host:port for STARTTLS
(smtp, imap, pop3, ldap, postgres, mysql), or - for a list on standard input.
--inventory scans the paths of your services and sets what a load
balancer serves beside what each instance behind it serves.

The aspect path repeats a few questions, to tell several servers behind one
address; with --all-addresses it also offers sessions of each address to the
others. --complete finishes a handshake with every accepted suite, as a server
may choose one and then fail on it. --revocation asks the authorities of trusted
chains, within the same budgets.

--profile judges by a policy (see: shakedown profile list) and asks only what its
rules need, unless --aspect says what to ask; --min-days-left wants certificates
to last. A rule that fails gives exit code 1, one that cannot be judged 3.

Behind a proxy (--proxy, or HTTPS_PROXY, ALL_PROXY and NO_PROXY in the environment,
which leave out loopback) the proxy resolves names, and a record's address is the
name and port that it was given.`,
		Example: `  shakedown scan portal.example
  shakedown scan --inventory inventory.yaml --format json --output scan.jsonl
  shakedown scan smtp://mx.example postgres://db.example:5432
  shakedown scan --dry-run --inventory inventory.yaml
  shakedown scan --complete --revocation portal.example
  shakedown scan --all-addresses --aspect path portal.example
  shakedown scan --profile nist-800-52r2 --min-days-left 30 portal.example
  shakedown scan --client-cert me.pem --client-key me.key --complete portal.example
  cat hosts.txt | shakedown scan -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := net.check(); err != nil {
				return err
			}
			chosen, err := scanner.ParseAspects(aspects)
			if err != nil {
				return usagef("--aspect: %w", err)
			}
			own, err := clientCertificate(certFile, keyFile)
			if err != nil {
				return err
			}
			judges, err := judge.load()
			if err != nil {
				return err
			}
			if aspects == "" && len(judge.profiles) > 0 {
				chosen = judges.aspects()
			}
			return a.scan(cmd.Context(), &net, args, judges, scanner.Options{
				Aspects: chosen, AllAddresses: allAddresses, Now: a.now, Complete: complete, Certificate: own, Revocation: revocation,
			})
		},
	}
	net.register(cmd.Flags())
	net.registerPatience(cmd.Flags())
	judge.register(cmd.Flags())
	cmd.Flags().StringVar(&aspects, "aspect", "", "what to ask, a `LIST` of "+aspectList()+" (default all, or what --profile needs)")
	cmd.Flags().BoolVar(&allAddresses, "all-addresses", false, "every address of a name, not the first alone")
	cmd.Flags().BoolVar(&complete, "complete", false, "finish a handshake with every accepted suite: what is chosen may still fail")
	cmd.Flags().BoolVar(&revocation, "revocation", false, "ask the authorities of trusted chains whether a certificate is revoked (OCSP and CRL)")
	cmd.Flags().StringVar(&certFile, "client-cert", "", "certificate chain to show where a finished handshake asks for one, a PEM `FILE`")
	cmd.Flags().StringVar(&keyFile, "client-key", "", "its private key, a PEM `FILE`")
	return cmd
}

// clientCertificate loads our own certificate, nil if none was given.
func clientCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	switch {
	case certFile == "" && keyFile == "":
		return nil, nil
	case certFile == "" || keyFile == "":
		return nil, usagef("--client-cert and --client-key go together; give both")
	}
	own, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, usagef("--client-cert %s, --client-key %s: %w", certFile, keyFile, err)
	}
	return &own, nil
}

func aspectList() string {
	var names []string
	for _, a := range scanner.Aspects() {
		names = append(names, string(a))
	}
	return strings.Join(names, ",")
}

// scan scans and reports. Whatever the user got wrong is said before anything
// is sent.
func (a *app) scan(ctx context.Context, net *netFlags, targets []string, judges *judges, opt scanner.Options) error {
	defer thrifty(ctx)() // before the list of targets, too, leaves garbage
	paths, err := net.paths(a, targets)
	if err != nil {
		return err
	}
	sc, err := net.scanner(a, paths, &opt)
	if err != nil {
		return err
	}
	if net.dryRun {
		return printPlan(a.stdout, scanner.Plan(paths, opt), net)
	}
	out, err := a.openOutput(net, results.Header{Command: "scan", Paths: namesOf(paths)})
	if err != nil {
		return err
	}
	ctx, cancel := net.limit(ctx)
	defer cancel()
	progress := a.progress(net.quiet, len(paths), "endpoints")
	tally := scanTally{judges: judges}
	bound := newBound(paths)
	scanErr := sc.Run(ctx, paths, func(e *results.Endpoint) error {
		progress.step(1)
		progress.note(e.Service + "/" + e.Path)
		bound.add(e)
		return errors.Join(out.put(e), tally.add(e, a.now(), out))
	})
	progress.end()
	scanErr = errors.Join(scanErr, tally.together(a.now(), out), bound.tell(out))
	return out.finish(tally.exitCode(ctx), scanErr == nil && ctx.Err() == nil)
}

// bound keeps what is compared when all is known: load balancers and targets,
// by the inventory. Nothing else is kept, and what is alike once, however many
// endpoints there are.
type bound struct {
	paths map[string]int // by SERVICE/PATH: the place in the inventory
	kept  []*results.Endpoint
	once  results.Once
}

func newBound(paths []inventory.Path) *bound {
	place, b := map[string]int{}, &bound{paths: map[string]int{}}
	for i, p := range paths {
		place[p.Service+"/"+p.Name] = i
	}
	for _, p := range paths {
		for _, name := range append([]string{p.Name}, p.Targets...) {
			if i, ok := place[p.Service+"/"+name]; ok && len(p.Targets) > 0 {
				b.paths[p.Service+"/"+name] = i
			}
		}
	}
	return b
}

func (b *bound) place(e *results.Endpoint) (int, bool) {
	i, ok := b.paths[e.Service+"/"+e.Path]
	return i, ok
}

func (b *bound) add(e *results.Endpoint) {
	if _, ok := b.place(e); ok {
		b.kept = append(b.kept, b.once.Endpoint(withoutDER(e)))
	}
}

// tell writes how they differ.
func (b *bound) tell(out *output) error {
	for _, d := range b.differences() {
		if err := out.put(d); err != nil {
			return err
		}
	}
	return nil
}

// differences compares what was kept, in the order of the inventory: endpoints
// are finished in another one each time.
func (b *bound) differences() []*results.Difference {
	slices.SortFunc(b.kept, func(x, y *results.Endpoint) int {
		i, _ := b.place(x)
		j, _ := b.place(y)
		return cmp.Or(cmp.Compare(i, j), cmp.Compare(x.Address, y.Address))
	})
	return contrast.Differences(b.kept)
}

// withoutDER is an endpoint without what takes most room in it.
func withoutDER(e *results.Endpoint) *results.Endpoint {
	light := *e
	light.Chains = slices.Clone(e.Chains)
	for i, c := range light.Chains {
		certs := slices.Clone(c.Certificates)
		for j := range certs {
			certs[j].DER = nil
		}
		light.Chains[i].Certificates = certs
	}
	return &light
}

// scanTally decides the exit code of a scan: facts alone are never bad, but
// facts that are missing are not good.
type scanTally struct {
	endpoints, complete int
	judges              *judges
	verdict             verdictTally
}

// add judges an endpoint and writes what was found.
func (t *scanTally) add(e *results.Endpoint, at time.Time, out *output) error {
	t.endpoints++
	if e.Status == results.Complete {
		t.complete++
	}
	return t.write(t.judges.judge(e, at), out)
}

// together judges what shows only between endpoints.
func (t *scanTally) together(at time.Time, out *output) error {
	return t.write(t.judges.together(at), out)
}

func (t *scanTally) write(findings []results.Finding, out *output) error {
	for _, f := range findings {
		t.verdict.add(f)
		if !t.judges.shows(f) {
			continue
		}
		if err := out.put(&f); err != nil {
			return err
		}
	}
	return nil
}

func (t *scanTally) exitCode(ctx context.Context) int {
	switch {
	case ctx.Err() == context.Canceled:
		return exitInterrupted
	case t.verdict.failed > 0:
		return exitBad
	case ctx.Err() != nil || t.complete < t.endpoints || t.verdict.unknown > 0:
		return exitUndetermined
	}
	return exitGood
}

// rootsOf loads the trust anchors of all paths, each set of files once.
func (f *netFlags) rootsOf(paths []inventory.Path) (func(inventory.Path) *chain.Roots, error) {
	sets := map[string]*chain.Roots{}
	key := func(p inventory.Path) string { return strings.Join(p.Roots, "\x00") }
	for _, p := range paths {
		if sets[key(p)] != nil {
			continue
		}
		roots, err := chain.LoadRoots(p.Roots)
		if err != nil {
			if len(p.Roots) > len(f.roots) { // the inventory names some
				return nil, usagef("%s: roots of %s/%s: %w", f.inventory, p.Service, p.Name, err)
			}
			return nil, usagef("--roots: %w", err)
		}
		sets[key(p)] = roots
	}
	return func(p inventory.Path) *chain.Roots { return sets[key(p)] }, nil
}

// printPlan says what a scan would ask, and with how many connections.
func printPlan(w io.Writer, plan []scanner.PlannedPath, net *netFlags) error {
	least, likely := 0, 0
	for _, p := range plan {
		fmt.Fprintf(w, "%s/%s %s\n", p.Service, p.Name, p.Target)
		for _, probe := range p.Probes {
			fmt.Fprintf(w, "    %-13s %s\n", probe.Name, probe.Cost)
			least += probe.Least
			likely += probe.Likely
		}
	}
	_, err := fmt.Fprintf(w, "%s: at least %d connections, about %d where each serves %d suites, at most %d at once (%d to one address); nothing was sent\n",
		count(len(plan), "endpoint"), least, likely, scanner.LikelySuites, net.concurrency, net.perEndpoint)
	return err
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
