// The verb cert: judges certificate chain files before they are deployed.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/net/idna"

	"shakedown/profiles"
	"shakedown/results"
	"shakedown/results/report"
	"shakedown/scanner/chain"
	"shakedown/scanner/inventory"
)

// certFlags are what the verb cert was asked.
type certFlags struct {
	host, at, key, passwordFile string
	roots, profiles             []string
	bundle                      bool
	netFlags                    // of which it takes those about output
}

func certCommand(a *app) *cobra.Command {
	var f certFlags
	cmd := &cobra.Command{
		Use:   "cert FILE…",
		Short: "Judge certificate chain files offline, before they are deployed",
		Long: `Cert judges certificate chains as a scan would judge them once they are
served, without any network. A FILE is one chain, leaf first: PEM, DER, PKCS#7
or PKCS#12; - is standard input. A chain that clients would not trust, or that is
not for --host, gives exit code 1; a file that cannot be read 2, and then nothing
is printed.

--bundle puts what the files hold together in order: the leaf, then each issuer,
without the root and what is not needed. It prints PEM, and judges that.

--profile judges by a policy as scan does (see: shakedown profile list), by those
of its rules that are about certificates; how many a file cannot answer is said.
Rules about names need --host.

--key takes a private or public key (PEM, DER, PKCS#12), or the pkcs11: URI of a
key in an HSM, whose public half p11tool (package gnutls-bin) reads. Passwords and
PINs come from --password-file, from the URI's pin-source, or are asked for on the
terminal; never from the command line or the environment.`,
		Example: `  shakedown cert --host portal.example --key portal.key portal.pem
  shakedown cert --roots company-ca.pem --at 2026-12-24T00:00:00Z *.pem
  shakedown cert --host portal.example --profile pci-dss-4 portal.pem
  shakedown cert --password-file pass.txt portal.p12
  shakedown cert --bundle --output chain.pem portal.crt intermediates.p7b
  shakedown cert --key 'pkcs11:token=hsm;object=portal?pin-source=/run/pin' portal.pem`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.cert(cmd, args, &f) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.host, "host", "", "the `NAME` or IP address that the leaf must be valid for")
	fs.StringArrayVar(&f.roots, "roots", nil, "trust anchors instead of the system's, a PEM or DER `FILE` (repeatable)")
	fs.StringVar(&f.at, "at", "", "judge for this `TIME`, as 2026-12-24T00:00:00Z (default now)")
	fs.StringVar(&f.key, "key", "", "the key that the leaf must have, a `FILE` or a pkcs11: URI")
	fs.StringVar(&f.passwordFile, "password-file", "", "the password of PKCS#12 files and encrypted keys, the first line of `FILE`")
	fs.StringArrayVar(&f.profiles, "profile", nil, "judge by this profile too, a `NAME` or a YAML file (repeatable; see: shakedown profile list)")
	fs.BoolVar(&f.bundle, "bundle", false, "put the chain in order and print it as PEM")
	registerFormat(fs, &f.format)
	fs.StringVar(&f.output, "output", "", "write to `FILE`; standard output stays empty")
	fs.BoolVar(&f.verbose, "verbose", false, "lists in full")
	fs.BoolVar(&f.noColor, "no-color", false, "no colour (NO_COLOR does the same)")
	return cmd
}

// chainFile is one file that was read: what is to be judged.
type chainFile struct {
	name string
	ders [][]byte
}

// cert reads everything before it prints anything, so that bad input leaves
// standard output empty.
func (a *app) cert(cmd *cobra.Command, names []string, f *certFlags) error {
	if len(names) == 0 {
		return usagef("cert needs a file: a chain as PEM, DER, PKCS#7 or PKCS#12, or - for standard input\nsee: shakedown cert --help")
	}
	opt, err := a.certOptions(cmd, f)
	if err != nil {
		return err
	}
	rules, err := rulesOfFiles(f.profiles, opt.ServerName != "")
	if err != nil {
		return err
	}
	files, err := a.readChains(names, a.password(cmd.Context(), f.passwordFile))
	if err != nil {
		return err
	}
	if f.bundle {
		return a.bundle(files, opt, rules, f)
	}
	return a.judgeFiles(files, opt, rules, f)
}

func (a *app) certOptions(cmd *cobra.Command, f *certFlags) (chain.Options, error) {
	opt := chain.Options{At: a.now()}
	var err error
	if cmd.Flags().Changed("at") {
		if opt.At, err = time.Parse(time.RFC3339, f.at); err != nil {
			return opt, usagef("--at %q: write a time as 2026-12-24T00:00:00Z", f.at)
		}
	}
	if cmd.Flags().Changed("host") {
		if opt.ServerName, err = certHost(f.host); err != nil {
			return opt, err
		}
	}
	if opt.Roots, err = anchors(f.roots); err != nil {
		return opt, usagef("--roots: %w", err)
	}
	if f.key != "" {
		opt.Key, err = a.publicKey(cmd.Context(), f.key, a.password(cmd.Context(), f.passwordFile))
	}
	return opt, err
}

// certHost is a name or an address as certificates hold them: of a name in
// another script its A-labels (RFC 9525 §6.3).
func certHost(host string) (string, error) {
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return host, nil
	}
	if host == "" || strings.ContainsAny(host, ":/ ") {
		return "", usagef("--host %q: give a name or an IP address without scheme and port, as portal.example", host)
	}
	if !strings.ContainsFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return host, nil
	}
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil {
		return "", usagef("--host %q: not a name that DNS can hold: %w", host, err)
	}
	return ascii, nil
}

func anchors(files []string) (*chain.Roots, error) {
	if len(files) > 0 {
		return chain.OnlyRoots(files)
	}
	roots, err := chain.LoadRoots(nil)
	if err != nil {
		return nil, err
	}
	return roots, nil
}

// endpointHint is for who gives an address where a file is wanted.
func endpointHint(name string, err error) string {
	p, bad := inventory.ParseTarget(name)
	if bad != nil || !errors.Is(err, fs.ErrNotExist) || !strings.HasSuffix(name, fmt.Sprintf(":%d", p.Port)) {
		return ""
	}
	return "; cert reads files; to ask an endpoint, run: shakedown scan --aspect certificates " + name
}

// readChains reads every file before any is judged.
func (a *app) readChains(names []string, password func() (string, error)) ([]chainFile, error) {
	var files []chainFile
	stdin := false
	for _, name := range names {
		if name == "-" && stdin {
			return nil, usagef("reading standard input: - can be given once")
		}
		stdin = stdin || name == "-"
		data, err := a.readInput(name)
		if err != nil {
			return nil, usagef("reading a chain: %w%s", err, endpointHint(name, err))
		}
		ders, err := chain.Split(data, password)
		if errors.Is(err, context.Canceled) {
			return nil, notAnswered()
		}
		if err != nil {
			return nil, usagef("reading a chain: %s: %w%s", name, err, passwordHint(err))
		}
		files = append(files, chainFile{name, ders})
	}
	return files, nil
}

// maxInput bounds what is read of a file; chain refuses what is larger than its
// own bound.
const maxInput = 16<<20 + 1

func (a *app) readInput(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(a.stdin, maxInput))
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxInput))
}

// fileRules are the rules that chain files are judged by.
type fileRules struct {
	judges *judges
	left   []string // of each profile, what its other rules want
}

// rulesOfFiles takes from profiles what a file can answer. A profile without
// any such rule would pass everything, so it is refused.
func rulesOfFiles(names []string, named bool) (*fileRules, error) {
	judges, err := (&judgeFlags{profiles: names}).load()
	if err != nil {
		return nil, err
	}
	r := &fileRules{judges: judges}
	for i, p := range judges.profiles {
		part, left := p.OfFiles(named)
		if len(part.Rules) == 0 {
			return nil, usagef("--profile %s: none of its rules can be judged from a file: judge the endpoint, shakedown scan --profile %s", p.Name, p.Name)
		}
		judges.profiles[i] = part
		if left > 0 {
			r.left = append(r.left, fmt.Sprintf("%s: %s judged; a file cannot answer the other %d, scan can", p.Name, count(len(part.Rules), "rule"), left))
		}
	}
	return r, nil
}

// judge judges a chain that was judged by itself already.
func (r *fileRules) judge(file results.ChainFile) ([]results.Finding, int) {
	findings := r.judges.judge(profiles.Served(file), file.At)
	verdict := verdictTally{}
	for _, f := range findings {
		verdict.add(f)
	}
	return slices.DeleteFunc(findings, func(f results.Finding) bool { return !r.judges.shows(f) }), verdict.code()
}

func (a *app) judgeFiles(files []chainFile, opt chain.Options, rules *fileRules, f *certFlags) error {
	header := results.Header{Command: "cert"}
	for _, file := range files {
		header.Paths = append(header.Paths, file.name)
	}
	out, err := a.openOutput(&f.netFlags, header)
	if err != nil {
		return err
	}
	out.after = rules.left
	code := exitGood
	for _, file := range files {
		judged := results.ChainFile{File: file.name, At: opt.At.UTC(), Chain: chain.Judge(file.ders, opt)}
		findings, verdict := rules.judge(judged)
		code = worse(code, worse(chainCode(judged.Chain), verdict))
		if err := out.put(&judged); err != nil {
			break // finish says it
		}
		for _, finding := range findings {
			if err := out.put(&finding); err != nil {
				break
			}
		}
	}
	return out.finish(code, true)
}

// chainCode is the exit code of one verdict: a name that is not judged has none.
func chainCode(c results.Chain) int {
	switch {
	case c.Trusted == results.No, c.HostnameMatch == results.No:
		return exitBad
	case c.Trusted == results.Unknown, c.HostnameMatch == results.Unknown:
		return exitUndetermined
	}
	return exitGood
}

// bundle prints one chain in order, made of what all files hold. One that
// clients would not trust is printed too, for it is in order; the exit code and
// standard error say what is wrong.
func (a *app) bundle(files []chainFile, opt chain.Options, rules *fileRules, f *certFlags) error {
	if f.format != "text" {
		return usagef("--bundle prints PEM: leave --format out")
	}
	var all [][]byte
	for _, file := range files {
		all = append(all, file.ders...)
	}
	ordered, err := chain.InOrder(all, opt)
	if err != nil {
		return usagef("--bundle: %w", err)
	}
	if err := a.write(f.output, chain.PEM(ordered)); err != nil {
		return err
	}
	judged := results.ChainFile{File: "the bundle", At: opt.At.UTC(), Chain: chain.Judge(ordered, opt)}
	findings, verdict := rules.judge(judged)
	code := worse(chainCode(judged.Chain), verdict)
	if code == exitGood {
		return nil
	}
	return &exitError{code, fmt.Errorf("the bundle is in order, and yet: %s", bundleTroubles(judged.Chain, findings))}
}

func bundleTroubles(c results.Chain, findings []results.Finding) string {
	var words []string
	if chainCode(c) != exitGood {
		words = append(words, problemList(c))
	}
	for _, f := range findings {
		if trouble := report.Trouble(&f); trouble != "" {
			words = append(words, strings.TrimPrefix(trouble, f.Service+": "))
		}
	}
	return strings.Join(words, "\n")
}

// write puts bytes to a file, or to standard output if it has no name.
func (a *app) write(name string, data []byte) error {
	if name == "" {
		_, err := a.stdout.Write(data)
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return usagef("--output: %w", err)
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("--output: the file is not whole: %w", err)
	}
	return nil
}

func problemList(c results.Chain) string {
	var words []string
	for _, p := range c.Problems {
		words = append(words, string(p))
	}
	if len(words) == 0 {
		return "trusted is " + string(c.Trusted)
	}
	return strings.Join(words, ", ")
}

func passwordHint(err error) string {
	if errors.Is(err, chain.ErrPassword) {
		return ": put the right one into a file and name it with --password-file"
	}
	return ""
}
