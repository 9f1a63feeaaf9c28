// Facts: what a server does beside choosing versions, suites, groups and schemes,
// as OpenSSL's client reports it of one handshake, or of two where sessions are
// resumed.

package stacks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"shakedown/results"
)

// Facts are a server's facts by their names in a record: yes, no, a preference,
// or a list. What nobody could tell is not among them.
type Facts map[string]string

// factsTrial is one run of the client; tell reads facts from what it printed.
type factsTrial struct {
	argv []string
	tell func(out string) Facts
}

// FactsOf asks for all facts. accepted is what is known of suites.
func FactsOf(ctx context.Context, m *Material, s Stack, address string, accepted Pairs) (Facts, error) {
	facts := Facts{}
	var mu sync.Mutex
	keep := func(more Facts) {
		mu.Lock()
		defer mu.Unlock()
		maps.Copy(facts, more)
	}
	keep(compressionOf(ctx, s))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, t := range factTrials(address, accepted) {
		g.Go(func() error {
			out, err := patiently(ctx, t.argv)
			if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("%s: %w", strings.Join(t.argv, " "), err)
			}
			keep(t.tell(out))
			return nil
		})
	}
	if spoken := accepted.versions(); spoken[results.TLSv13] {
		g.Go(func() error { return preSharedKey(ctx, m, address, keep) })
	}
	g.Go(func() error { return preferences(ctx, address, accepted, keep) })
	return facts, g.Wait()
}

// olderFlags are the client's flags of versions before TLS 1.3, newest first.
var olderFlags = []struct {
	version results.Version
	flag    string
}{{results.TLSv12, "-tls1_2"}, {results.TLSv11, "-tls1_1"}, {results.TLSv10, "-tls1"}}

// factTrials are of the newest version before TLS 1.3, in which the record's facts
// are too, if no other is said.
func factTrials(address string, accepted Pairs) (trials []factsTrial) {
	spoken := accepted.versions()
	var flags []string
	for _, v := range olderFlags {
		if spoken[v.version] {
			flags = append(flags, v.flag)
		}
	}
	if len(flags) == 0 {
		return nil
	}
	with := func(ciphers string, more ...string) []string {
		return sClient(address, flags[0], append([]string{"-cipher", ciphers}, more...)...)
	}
	trials = []factsTrial{
		{with(everySuite, "-tlsextdebug"), helloFacts},
		{with(everySuite, "-status"), stapleFact},
		{with(everySuite, "-nameopt", "RFC2253"), requestFacts},
		{with(cbcSuites, "-tlsextdebug"), finished("encrypt_then_mac", extensionShown("encrypt-then-mac"))},
		{with(everySuite, "-no_ticket", "-reconnect"), reused("resumption_id", false)},
		{with(everySuite, "-reconnect"), reused("resumption_ticket", true)},
	}
	for _, name := range applications {
		trials = append(trials, factsTrial{with(everySuite, "-alpn", name), alpnFact(name)})
	}
	if !spoken[results.TLSv13] {
		flags = flags[1:]
	}
	if len(flags) > 0 { // else there is nothing to fall back from
		argv := sClient(address, flags[0], "-cipher", everySuite, "-fallback_scsv")
		trials = append(trials, factsTrial{argv, fallbackFact})
	}
	return trials
}

// applications are the protocols that are offered, each by itself.
var applications = []string{"h2", "http/1.1", "http/1.0", "http/0.9", "spdy/3.1", "smtp", "imap", "acme-tls/1"}

// cbcSuites are those that encrypt-then-MAC is for (RFC 7366 §3).
const cbcSuites = everySuite + ":!eNULL:!RC4:!AESGCM:!AESCCM:!AESCCM8:!CHACHA20:!ARIAGCM:!PSK:!SRP"

func extensionShown(name string) *regexp.Regexp {
	return regexp.MustCompile(`TLS server extension "` + name + `"`)
}

// finished tells a fact of a handshake that succeeded: yes if something shows.
func finished(name string, shows *regexp.Regexp) func(string) Facts {
	return func(out string) Facts {
		if !negotiated.MatchString(out) {
			return nil
		}
		return Facts{name: yesIf(shows.MatchString(out))}
	}
}

// reconnects is how often s_client goes on after the first handshake, unless a server
// hangs up on it.
const reconnects = 5

// reused is told of several sessions, each offered once. A server that goes on with
// some of them has a race of its own: nobody can tell; nor can they of one that did
// not see them all through.
func reused(name string, byTicket bool) func(out string) Facts {
	return func(out string) Facts {
		again, anew := strings.Count("\n"+out, "\nReused, "), strings.Count("\n"+out, "\nNew, ")
		switch {
		case !negotiated.MatchString(out), again > 0 && anew > 1, again == 0 && anew <= reconnects:
			return nil
		}
		return Facts{name: yesIf(again > 0 && (!byTicket || strings.Contains(out, "TLS session ticket:\n")))}
	}
}

func yesIf(yes bool) string {
	if yes {
		return string(results.Yes)
	}
	return string(results.No)
}

func helloFacts(out string) Facts {
	if !negotiated.MatchString(out) {
		return nil
	}
	return Facts{
		"extended_master_secret": yesIf(extensionShown("extended master secret").MatchString(out)),
		"secure_renegotiation":   yesIf(strings.Contains(out, "Secure Renegotiation IS supported")),
	}
}

func stapleFact(out string) Facts {
	switch {
	case !negotiated.MatchString(out):
		return nil
	case strings.Contains(out, "OCSP Response Data:"):
		return Facts{"ocsp_staple": yesIf(true)}
	case strings.Contains(out, "OCSP response: no response sent"):
		return Facts{"ocsp_staple": yesIf(false)}
	}
	return nil
}

// requestFacts are of a server that shows a certificate; others cannot ask for one
// (RFC 5246 §7.4.4).
func requestFacts(out string) Facts {
	if !negotiated.MatchString(out) || strings.Contains(out, "no peer certificate available") {
		return nil
	}
	names := []string{}
	if m := acceptable.FindStringSubmatch(out); m != nil {
		names = strings.Split(strings.TrimSpace(m[1]), "\n")
	}
	return Facts{
		"client_certificate_requested":   yesIf(regexp.MustCompile(`(?m)^(Client Certificate Types|Requested Signature Algorithms|Acceptable client)`).MatchString(out)),
		"client_certificate_authorities": joined(names),
	}
}

// acceptable are the names of authorities, a line each; other headings follow.
var acceptable = regexp.MustCompile(`(?m)^Acceptable client certificate CA names\n((?:[A-Z]+=.*\n)*)`)

// fallbackFact is told by the alert that is for nothing else (RFC 7507 §3).
func fallbackFact(out string) Facts {
	switch {
	case strings.Contains(out, "alert inappropriate fallback"):
		return Facts{"fallback_scsv": yesIf(true)}
	case negotiated.MatchString(out):
		return Facts{"fallback_scsv": yesIf(false)}
	}
	return nil
}

func alpnFact(name string) func(string) Facts {
	return func(out string) Facts {
		return Facts{"alpn " + name: yesIf(strings.Contains(out, "ALPN protocol: "+name+"\n"))}
	}
}

// preSharedKey waits for a ticket of TLS 1.3, which says whether early data may be
// sent with it, and offers it. A server that says nothing and keeps the connection
// has not told.
func preSharedKey(ctx context.Context, m *Material, address string, keep func(Facts)) error {
	file := m.File("session-" + strings.ReplaceAll(address, ":", "-"))
	first := sClient(address, "-tls1_3", "-sess_out", file, "-ign_eof")
	ctx, cancel := context.WithTimeout(ctx, 2*attemptTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, first[0], first[1:]...)
	cmd.Env = []string{"OPENSSL_CONF=/dev/null", "PATH=/usr/bin:/bin"}
	cmd.Stdin = strings.NewReader("GET / HTTP/1.0\r\n\r\n")
	told, err := cmd.CombinedOutput()
	out := string(told)
	switch {
	case !negotiated.MatchString(out):
		return nil
	case !strings.Contains(out, "New Session Ticket arrived") && ctx.Err() == nil && err == nil:
		keep(Facts{"resumption_psk": yesIf(false), "early_data": yesIf(false)})
		return nil
	case !strings.Contains(out, "New Session Ticket arrived"):
		return nil
	}
	keep(Facts{"early_data": yesIf(regexp.MustCompile(`Max Early Data: [1-9]`).MatchString(out))})
	again, err := patiently(context.WithoutCancel(ctx), sClient(address, "-tls1_3", "-sess_in", file))
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	keep(Facts{"resumption_psk": yesIf(strings.Contains(again, "\nReused, TLSv1.3"))})
	return nil
}

// compressionOf is of OpenSSL as Debian builds it. Its own client has no
// compression either, and can tell of no other server's.
func compressionOf(ctx context.Context, s Stack) Facts {
	out, err := output(ctx, nil, "openssl", "list", "-disabled")
	if err != nil || s.Library != "OpenSSL" || !regexp.MustCompile(`(?m)^ZLIB$`).MatchString(out) {
		return nil
	}
	return Facts{"compression": yesIf(false)}
}

// joined writes a list, in an order of its own.
func joined(items []string) string {
	if len(items) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(slices.Values(items)), "; ")
}

// ScannedFacts are those of a record. A fact that it does not have is "".
func ScannedFacts(e *results.Endpoint) Facts {
	p := e.Protocol
	facts := Facts{
		"extended_master_secret": string(p.ExtendedMasterSecret), "encrypt_then_mac": string(p.EncryptThenMAC),
		"secure_renegotiation": string(p.SecureRenegotiation), "compression": string(p.Compression), "fallback_scsv": string(p.FallbackSCSV),
		"resumption_id": string(p.ResumptionID), "resumption_ticket": string(p.ResumptionTicket), "resumption_psk": string(p.ResumptionPSK),
		"early_data": string(p.EarlyData), "ocsp_staple": string(p.OCSPStaple),
		"client_certificate_requested":   string(p.ClientCertificateRequested),
		"client_certificate_authorities": joined(p.ClientCertificateAuthorities),
	}
	for _, name := range applications {
		if facts["alpn "+name] = ""; p.ALPN != nil {
			facts["alpn "+name] = yesIf(slices.Contains(p.ALPN, name))
		}
	}
	for _, v := range []results.Version{results.TLSv12, results.TLSv13} {
		facts[preferenceOf(v)] = string(e.Preference[v])
		facts[orderOf(v)] = strings.Join(suiteIDs(e.Suites[v]), " ")
	}
	facts[groupPreferenceOf(results.TLSv12)] = string(e.GroupPreference[results.TLSv12])
	facts[groupOrderOf(results.TLSv12)] = strings.Join(groupIDs(e.Groups[results.TLSv12]), " ")
	return facts
}

// only leaves those words of an order that stand in another: a scan may know more.
func only(order, other string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(order), func(id string) bool {
		return !slices.Contains(strings.Fields(other), id)
	}), " ")
}

// FactAgreement is a record's facts beside the truth. Differing are those with
// other values than yes and no.
type FactAgreement struct {
	Told, No, Agree                    int
	Missing, Extra, Differing, Unknown []string
}

// Exact reports whether nothing is wrong; what is unknown is not wrong.
func (a FactAgreement) Exact() bool { return len(a.Missing)+len(a.Extra)+len(a.Differing) == 0 }

// CompareFacts holds a record against what was told.
func CompareFacts(truth Facts, e *results.Endpoint) (a FactAgreement) {
	scanned := ScannedFacts(e)
	for _, name := range slices.Sorted(maps.Keys(truth)) {
		want, got := truth[name], scanned[name]
		if strings.HasPrefix(name, "order ") {
			got = only(got, want)
		}
		if a.Told++; want == string(results.No) {
			a.No++
		}
		switch {
		case want == got:
			a.Agree++
		case got == "", got == string(results.Unknown):
			a.Unknown = append(a.Unknown, name+" (is "+want+")")
		case got == string(results.No) && want == string(results.Yes):
			a.Missing = append(a.Missing, name)
		case got == string(results.Yes) && want == string(results.No):
			a.Extra = append(a.Extra, name)
		default:
			a.Differing = append(a.Differing, fmt.Sprintf("%s is %s, not %s", name, want, got))
		}
	}
	return a
}

// add counts another stack's.
func (a *FactAgreement) add(b FactAgreement) {
	a.Told, a.No, a.Agree = a.Told+b.Told, a.No+b.No, a.Agree+b.Agree
	a.Missing, a.Extra = append(a.Missing, b.Missing...), append(a.Extra, b.Extra...)
	a.Differing, a.Unknown = append(a.Differing, b.Differing...), append(a.Unknown, b.Unknown...)
}
