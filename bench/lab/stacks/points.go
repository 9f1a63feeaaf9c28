// Points: groups and signature schemes, asked for one at a time by clients that
// are not ours.

package stacks

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"shakedown/results"
	"shakedown/scanner/wire"
)

// Point is a group or a signature scheme in a version.
type Point struct {
	Version results.Version
	Scheme  bool
	ID      uint16
}

func (p Point) String() string {
	kind, name := "group", wire.LookupGroup(p.ID).Name
	if p.Scheme {
		kind, name = "scheme", wire.LookupScheme(p.ID).Name
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", p.Version, kind, wire.ID(p.ID), name))
}

// Points says of every point that was tried whether it was taken.
type Points map[Point]bool

// trial is one point on offer; each of its command lines is tried until one
// negotiates it.
type trial struct {
	point Point
	argvs [][]string
	shows string // what stands in the output then
}

// PointsOf tries what OpenSSL's client has of groups and schemes in TLS 1.2 and
// 1.3, and Go's of post-quantum groups.
func PointsOf(ctx context.Context, address string) (Points, error) {
	tried := Points{}
	var mu sync.Mutex
	note := func(p Point, taken bool) {
		mu.Lock()
		defer mu.Unlock()
		tried[p] = tried[p] || taken
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, t := range slices.Concat(groupTrials(address), schemeTrials(address)) {
		g.Go(func() error { return t.run(ctx, note) })
	}
	g.Go(func() error { return postQuantum(ctx, address, note) })
	return tried, g.Wait()
}

// errNotHad is of a point that this build of OpenSSL does not have.
var errNotHad = errors.New("OpenSSL does not have it")

func (t trial) run(ctx context.Context, note func(Point, bool)) error {
	for _, argv := range t.argvs {
		taken, err := t.try(ctx, argv)
		switch {
		case errors.Is(err, errNotHad): // or names a group twice
			continue
		case err != nil:
			return err
		}
		note(t.point, taken)
	}
	return nil
}

func (t trial) try(ctx context.Context, argv []string) (taken bool, err error) {
	out, err := patiently(ctx, argv)
	switch {
	case strings.Contains(out, "SSL_CONF_cmd"), strings.Contains(out, "Error with command"), strings.Contains(out, "error setting"):
		return false, errNotHad
	case err != nil && (ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded)):
		return false, fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	return negotiated.MatchString(out) && strings.Contains(out, t.shows), nil
}

// negotiated is what s_client prints of a handshake.
var negotiated = regexp.MustCompile(`(?m)^New, .*, Cipher is [^(\s]`)

func sClient(address, flag string, more ...string) []string {
	return append([]string{"openssl", "s_client", "-connect", address, "-servername", Host, flag}, more...)
}

// groupTrials offer one group. In TLS 1.2 an ECDSA certificate on P-256 or P-384 needs its
// own curve on offer as well (RFC 8422 §5.1); it stands last then.
func groupTrials(address string) (trials []trial) {
	for _, g := range wire.Groups() {
		if g.OpenSSL == "" || g.Kind == "ec-gost" {
			continue
		}
		if g.TLS13 {
			trials = append(trials, trial{Point{results.TLSv13, false, g.ID}, [][]string{sClient(address, "-tls1_3", "-ciphersuites", allOf13, "-groups", g.OpenSSL)}, ""})
		}
		if !g.TLS12 || g.Kind == "ffdhe" {
			continue // finite fields are of DHE suites, and no group of the record's
		}
		rsa, ecdsa := "ECDHE+aRSA:AECDH:@SECLEVEL=0", "ECDHE+aECDSA:@SECLEVEL=0"
		trials = append(trials, trial{Point{results.TLSv12, false, g.ID}, [][]string{
			sClient(address, "-tls1_2", "-cipher", rsa, "-groups", g.OpenSSL),
			sClient(address, "-tls1_2", "-cipher", ecdsa, "-groups", g.OpenSSL),
			sClient(address, "-tls1_2", "-cipher", ecdsa, "-groups", g.OpenSSL+":prime256v1"),
			sClient(address, "-tls1_2", "-cipher", ecdsa, "-groups", g.OpenSSL+":secp384r1"),
		}, g.OpenSSL + ", "})
	}
	return trials
}

// schemeTrials offer one signature scheme: by itself, and before those that the
// stacks' certificates are signed with, without which some servers have no
// certificate to show (RFC 8446 §4.2.3). It counts if the server signed with it.
func schemeTrials(address string) (trials []trial) {
	for _, s := range wire.Schemes() {
		name := schemeName(s)
		if name == "" {
			continue
		}
		if s.TLS13 {
			t := trial{point: Point{results.TLSv13, true, s.ID}, shows: signature(name)}
			for _, schemes := range schemeOffers(name) {
				t.argvs = append(t.argvs, sClient(address, "-tls1_3", "-ciphersuites", allOf13, "-sigalgs", schemes))
			}
			trials = append(trials, t)
		}
		if s.TLS12 {
			trials = append(trials, schemeTrial12(address, s, name))
		}
	}
	return trials
}

// schemeTrial12 leaves only suites of the scheme's kind of key.
func schemeTrial12(address string, s *wire.SchemeInfo, name string) trial {
	kind := map[string]string{"rsa": "aRSA", "rsa-pss": "aRSA", "dsa": "aDSS"}[s.KeyType]
	ciphers := fmt.Sprintf("ECDHE+%[1]s:DHE+%[1]s:@SECLEVEL=0", cmp.Or(kind, "aECDSA"))
	t := trial{point: Point{results.TLSv12, true, s.ID}, shows: signature(name)}
	for _, schemes := range schemeOffers(name) {
		t.argvs = append(t.argvs, sClient(address, "-tls1_2", "-cipher", ciphers, "-sigalgs", schemes))
	}
	return t
}

// schemeOffers are the lists of schemes in which one is offered. HAProxy shows an
// RSA certificate only where one of PKCS #1 is offered, too.
func schemeOffers(name string) []string {
	company := slices.DeleteFunc([]string{"ECDSA+SHA256", "RSA+SHA256", "DSA+SHA256", "ed25519"}, func(other string) bool { return other == name })
	offers := []string{name, name + ":" + strings.Join(company, ":")}
	if _, hash, ok := strings.Cut(name, "rsa_pss_rsae_sha"); ok {
		offers = append(offers, name+":RSA+SHA"+hash)
	}
	return offers
}

// signature is what s_client prints of a signature with a scheme.
func signature(name string) string {
	if name == "ed25519" || name == "ed448" {
		return "Peer signature type: " + name + "\n"
	}
	key, hash, ok := strings.Cut(name, "+")
	if !ok {
		key, hash = "RSA-PSS", "SHA"+name[strings.LastIndex(name, "_sha")+len("_sha"):]
	}
	return "Peer signing digest: " + hash + "\nPeer signature type: " + key + "\n"
}

// schemeName is OpenSSL's name of a scheme, "" if it has none.
func schemeName(s *wire.SchemeInfo) string {
	hash := map[uint16]string{2: "SHA1", 3: "SHA224", 4: "SHA256", 5: "SHA384", 6: "SHA512"}[s.ID>>8]
	key := map[uint16]string{1: "RSA", 2: "DSA", 3: "ECDSA"}[s.ID&0xFF]
	switch {
	case s.ID >= 0x0804 && s.ID <= 0x080B:
		return s.Name
	case hash != "" && key != "" && s.TLS12:
		return key + "+" + hash
	}
	return ""
}

// postQuantum tries the groups that OpenSSL's client of Debian does not have.
func postQuantum(ctx context.Context, address string, note func(Point, bool)) error {
	for _, id := range []tls.CurveID{tls.X25519MLKEM768, tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024} {
		ok, err := handshakes(ctx, address, &tls.Config{
			ServerName: Host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{id},
		})
		if err != nil {
			return err
		}
		note(Point{results.TLSv13, false, uint16(id)}, ok)
	}
	return nil
}

// PointAgreement is a scan's groups and schemes beside the truth. What was found
// and could not be tried is neither right nor wrong.
type PointAgreement struct {
	Tried, True, Found, Untried int
	Missing, Extra              []Point
}

// Exact reports whether there is nothing to explain.
func (a PointAgreement) Exact() bool { return len(a.Missing)+len(a.Extra) == 0 }

// ComparePoints holds a record against what was tried.
func ComparePoints(truth Points, e *results.Endpoint) (a PointAgreement, err error) {
	found, err := scannedPoints(e)
	if err != nil {
		return a, err
	}
	for p, taken := range truth {
		a.Tried++
		if taken {
			a.True++
		}
		switch {
		case taken && !found[p]:
			a.Missing = append(a.Missing, p)
		case !taken && found[p]:
			a.Extra = append(a.Extra, p)
		}
	}
	for p := range found {
		if _, ok := truth[p]; ok {
			a.Found++
		} else {
			a.Untried++
		}
	}
	for _, list := range [][]Point{a.Missing, a.Extra} {
		slices.SortFunc(list, func(x, y Point) int { return cmp.Compare(x.String(), y.String()) })
	}
	return a, nil
}

func scannedPoints(e *results.Endpoint) (map[Point]bool, error) {
	found := map[Point]bool{}
	for scheme, lists := range map[bool]map[results.Version][]results.Named{false: e.Groups, true: e.SignatureSchemes} {
		for v, list := range lists {
			for _, n := range list {
				id, err := strconv.ParseUint(n.ID, 0, 16)
				if err != nil {
					return nil, fmt.Errorf("the scan's %q: %w", n.ID, err)
				}
				found[Point{v, scheme, uint16(id)}] = true
			}
		}
	}
	return found, nil
}
