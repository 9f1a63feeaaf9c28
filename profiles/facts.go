// facts: an endpoint's record as answers. Yes, no and unknown come from the
// record; what was not asked is unknown too, and says so.

package profiles

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"shakedown/results"
)

type facts struct {
	e     *results.Endpoint
	lib   *Library
	at    time.Time
	certs []cert // leaves, one for each chain that clients of this endpoint meet
}

func newFacts(e *results.Endpoint, lib *Library, at time.Time) *facts {
	f := &facts{e: e, lib: lib, at: at}
	own := e.OwnChains()
	for i := range own {
		if c := &own[i]; len(c.Certificates) > 0 {
			f.certs = append(f.certs, readCert(c))
		}
	}
	return f
}

// whyUnknown says why nothing is known of an endpoint, or why something is not.
func (f *facts) whyUnknown() string {
	if f.e.Status == results.Failed || len(f.e.Versions) == 0 {
		return "the endpoint gave no usable answer" + f.failures()
	}
	return "no usable answer" + f.failures()
}

func (f *facts) failures() string {
	if len(f.e.Failures) == 0 {
		return ""
	}
	worst := slices.MaxFunc(f.e.Failures, func(a, b results.Failure) int { return cmp.Compare(a.Count, b.Count) })
	return fmt.Sprintf(" (%s at %s)", strings.ReplaceAll(bounded(string(worst.Kind)), "_", " "), bounded(string(worst.Stage)))
}

// version says whether a version is accepted.
func (f *facts) version(v results.Version) results.Answer {
	return cmp.Or(f.e.Versions[v], results.Unknown)
}

func (f *facts) versionWhy(v results.Version) string {
	if _, asked := f.e.Versions[v]; !asked && f.e.Status != results.Failed && len(f.e.Versions) > 0 {
		return string(v) + " was not asked"
	}
	return string(v) + ": " + f.whyUnknown()
}

// served lists the accepted versions of those that are named, all if none is;
// open are those that may be accepted.
func (f *facts) served(only []results.Version) (yes, open []results.Version) {
	for _, v := range results.Versions() {
		if len(only) > 0 && !slices.Contains(only, v) {
			continue
		}
		switch f.version(v) {
		case results.Yes:
			yes = append(yes, v)
		case results.Unknown:
			open = append(open, v)
		}
	}
	return yes, open
}

// any says whether one of the versions is accepted.
func (f *facts) any(versions ...results.Version) results.Answer {
	yes, open := f.served(versions)
	switch {
	case len(yes) > 0:
		return results.Yes
	case len(open) > 0:
		return results.Unknown
	}
	return results.No
}

// offer is what a version accepts of suites, groups or schemes.
type offer struct {
	version results.Version
	ids     []string
	open    []string // ids without an answer; "*" all
	asked   bool
}

// openFor says whether an id is without an answer.
func (o offer) openFor(id string) bool {
	return !o.asked || slices.Contains(o.open, "*") || slices.Contains(o.open, id)
}

func (o offer) has(id string) bool { return slices.Contains(o.ids, id) }

func (f *facts) suites(v results.Version) offer {
	list, asked := f.e.Suites[v]
	return offer{v, mapped(list, func(s results.Suite) string { return s.ID }), f.e.Undetermined.Suites[v], asked}
}

func (f *facts) groups(v results.Version) offer {
	return namedOffer(v, f.e.Groups, f.e.Undetermined.Groups)
}

func (f *facts) schemes(v results.Version) offer {
	return namedOffer(v, f.e.SignatureSchemes, f.e.Undetermined.SignatureSchemes)
}

func namedOffer(v results.Version, lists map[results.Version][]results.Named, open map[results.Version][]string) offer {
	list, asked := lists[v]
	return offer{v, mapped(list, func(n results.Named) string { return n.ID }), open[v], asked}
}

func mapped[T, U any](list []T, f func(T) U) []U {
	out := make([]U, 0, len(list))
	for _, x := range list {
		out = append(out, f(x))
	}
	return out
}

// accepts says whether a suite that a test picks is accepted in one of the
// versions, all if none is named.
func (f *facts) accepts(pick func(suite) bool, versions ...results.Version) results.Answer {
	yes, open := f.served(versions)
	unsure := len(open) > 0
	for _, v := range yes {
		o := f.suites(v)
		if slices.ContainsFunc(o.ids, func(id string) bool { return pick(f.lib.suite(id)) }) {
			return results.Yes
		}
		unsure = unsure || !o.asked || slices.Contains(o.open, "*") || slices.ContainsFunc(o.open, func(id string) bool { return pick(f.lib.suite(id)) })
	}
	if unsure {
		return results.Unknown
	}
	return results.No
}

// auths are the kinds of key that the endpoint was seen to authenticate with,
// as suites name them. Without a certificate of a kind its suites cannot be
// negotiated, whatever the configuration says.
func (f *facts) auths() []string {
	var out []string
	add := func(auth string) {
		if auth != "any" && !slices.Contains(out, auth) {
			out = append(out, auth)
		}
	}
	for _, c := range f.e.OwnChains() {
		add(authOf(c.Auth))
	}
	for _, list := range f.e.Suites {
		for _, s := range list {
			if auth := f.lib.suite(s.ID).Auth; auth != "" {
				add(auth)
			}
		}
	}
	slices.Sort(out)
	return out
}

// authOf is what suites call a chain's kind of key.
func authOf(kind string) string {
	switch kind {
	case "EdDSA": // RFC 8422 §5.1.1: EdDSA keys serve ECDSA suites
		return "ECDSA"
	case "DSA":
		return "DSS"
	}
	return kind
}

// visible says whether a suite could show with the certificates that are
// there.
func visible(s suite, auths []string) bool {
	return s.TLS13 || slices.Contains(auths, s.Auth)
}
