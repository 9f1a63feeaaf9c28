// Orders: whose preference a server follows, its own or the client's, as it
// chooses when OpenSSL's client offers everything, then all but what was chosen,
// and so on; in one order, and in its reverse.

package stacks

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"shakedown/results"
	"shakedown/scanner/wire"
)

func preferenceOf(v results.Version) string      { return "preference " + string(v) }
func orderOf(v results.Version) string           { return "order of suites in " + string(v) }
func groupPreferenceOf(v results.Version) string { return "group_preference " + string(v) }
func groupOrderOf(v results.Version) string      { return "order of groups in " + string(v) }

// chooser offers names and tells which one was chosen, "" for none.
type chooser func(ctx context.Context, offered []string) (string, error)

// choices eliminates: what the server chose of all, of the rest, and so on.
func (c chooser) choices(ctx context.Context, offered []string) (chosen []string, err error) {
	for rest := offered; len(rest) > 0; {
		name, err := c(ctx, rest)
		i := slices.Index(rest, name)
		if err != nil || i < 0 {
			return chosen, err
		}
		chosen = append(chosen, name)
		rest = slices.Concat(rest[:i], rest[i+1:])
	}
	return chosen, nil
}

// preference is whose order decides, and the server's if it is that; "" where not
// all that was offered was chosen in the end, so that there is no telling.
func (c chooser) preference(ctx context.Context, all []string) (p results.Preference, order []string, err error) {
	if len(all) < 2 {
		return "", nil, nil
	}
	backwards := slices.Clone(all)
	slices.Reverse(backwards)
	first, err := c.choices(ctx, all)
	if err != nil || len(first) < len(all) {
		return "", nil, err
	}
	second, err := c.choices(ctx, backwards)
	switch {
	case err != nil || len(second) < len(all):
		return "", nil, err
	case slices.Equal(first, second):
		favoured, err := c.favours(ctx, first)
		if favoured || err != nil {
			return results.PreferenceMixed, nil, err
		}
		return results.PreferenceServer, first, nil
	case slices.Equal(first, all) && slices.Equal(second, backwards):
		return results.PreferenceClient, nil, nil
	}
	return results.PreferenceMixed, nil, nil
}

// favours reports whether a server with an order of its own still follows a client
// that puts ChaCha20 first, for want of AES in hardware (OpenSSL's
// SSL_OP_PRIORITIZE_CHACHA), or, where its order begins with that, AES-GCM (Go's).
func (c chooser) favours(ctx context.Context, order []string) (bool, error) {
	i := slices.IndexFunc(order, func(name string) bool { return strings.Contains(name, "CHACHA20") })
	if i == 0 {
		i = slices.IndexFunc(order, func(name string) bool { return strings.Contains(name, "AES") && strings.Contains(name, "GCM") })
	}
	if i <= 0 {
		return false, nil
	}
	chosen, err := c(ctx, slices.Concat(order[i:i+1], order[:i], order[i+1:]))
	return chosen != order[0], err
}

// preferences asks for suites in TLS 1.2 and 1.3, and for groups in TLS 1.2. In
// TLS 1.3 this client sends a share for its first group, which servers weigh.
func preferences(ctx context.Context, address string, accepted Pairs, keep func(Facts)) error {
	for _, v := range []struct {
		version       results.Version
		flag, ciphers string
		more          string
	}{{results.TLSv12, "-tls1_2", "-cipher", ":@SECLEVEL=0"}, {results.TLSv13, "-tls1_3", "-ciphersuites", ""}} {
		had, err := opensslSuites(ctx, v.flag)
		if err != nil {
			return err
		}
		had = slices.DeleteFunc(had, func(s suite) bool { _, ok := accepted[Pair{v.version, s.id}]; return !ok })
		slices.SortFunc(had, func(a, b suite) int { return cmp.Compare(a.id, b.id) })
		ids := map[string]uint16{}
		var names []string
		for _, s := range had {
			ids[s.name], names = s.id, append(names, s.name)
		}
		offer := chooser(func(ctx context.Context, offered []string) (string, error) {
			return printed(ctx, cipherLine, sClient(address, v.flag, v.ciphers, strings.Join(offered, ":")+v.more))
		})
		p, order, err := offer.preference(ctx, names)
		if err != nil {
			return err
		}
		keep(told(p, preferenceOf(v.version), orderOf(v.version), order, ids))
	}
	return groupPreferences(ctx, address, keep)
}

// groupPreferences offers groups with RSA suites, which no curve of a certificate
// ties to others.
func groupPreferences(ctx context.Context, address string, keep func(Facts)) error {
	ids := map[string]uint16{}
	var names []string
	for _, g := range wire.Groups() {
		if !g.TLS12 || g.Kind == "ffdhe" || g.Kind == "ec-gost" || g.OpenSSL == "" {
			continue
		}
		one, err := printed(ctx, groupLine, sClient(address, "-tls1_2", "-cipher", "ECDHE+aRSA:@SECLEVEL=0", "-groups", g.OpenSSL))
		if err != nil {
			return err
		}
		if one == g.OpenSSL {
			ids[one], names = g.ID, append(names, one)
		}
	}
	offer := chooser(func(ctx context.Context, offered []string) (string, error) {
		return printed(ctx, groupLine, sClient(address, "-tls1_2", "-cipher", "ECDHE+aRSA:@SECLEVEL=0", "-groups", strings.Join(offered, ":")))
	})
	p, order, err := offer.preference(ctx, names)
	if err != nil {
		return err
	}
	keep(told(p, groupPreferenceOf(results.TLSv12), groupOrderOf(results.TLSv12), order, ids))
	return nil
}

var (
	cipherLine = regexp.MustCompile(`(?m)^New, .*, Cipher is ([^(\s]+)`)
	groupLine  = regexp.MustCompile(`(?m)^Server Temp Key: (?:ECDH, )?([^,\s]+), `)
)

// printed runs the client and reads one word of what it prints.
func printed(ctx context.Context, line *regexp.Regexp, argv []string) (string, error) {
	out, err := patiently(ctx, argv)
	if ctx.Err() != nil {
		return "", err
	}
	if m := line.FindStringSubmatch(out); m != nil && negotiated.MatchString(out) {
		return m[1], nil
	}
	return "", nil
}

// told are a preference and the server's order, of what this client has.
func told(p results.Preference, name, orderName string, order []string, ids map[string]uint16) Facts {
	if p == "" {
		return nil
	}
	facts := Facts{name: string(p)}
	if order != nil {
		var codes []string
		for _, n := range order {
			codes = append(codes, wire.ID(ids[n]))
		}
		facts[orderName] = strings.Join(codes, " ")
	}
	return facts
}

func suiteIDs(suites []results.Suite) (ids []string) {
	for _, s := range suites {
		ids = append(ids, s.ID)
	}
	return ids
}

func groupIDs(groups []results.Named) (ids []string) {
	for _, g := range groups {
		ids = append(ids, g.ID)
	}
	return ids
}
