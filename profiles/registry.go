// The registries: suites, groups and signature schemes, found by any of their
// names or by a class of which they are.

package profiles

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

// suite is a cipher suite and what its name says of it.
type suite struct {
	ID, Name, OpenSSL, Kx, Auth, Cipher, Mode, MAC string

	SCSV, Export, AEAD, Anonymous bool

	TLS13          bool
	NullEncryption bool            `json:"null_encryption"`
	ForwardSecrecy bool            `json:"forward_secrecy"`
	StrengthGroup  string          `json:"strength_group"`
	SecurityBits   *int            `json:"security_bits"`
	MinVersion     results.Version `json:"min_version"`
}

type suiteFile struct {
	Suites, Unregistered []suite
	Kinds                []suite `json:"sslv2_cipher_kinds"`
}

func (lib *Library) index(registry suiteFile) {
	for _, s := range append(registry.Suites, registry.Unregistered...) {
		if !s.SCSV && lib.byID[s.ID] == nil {
			lib.suites = append(lib.suites, s)
		}
	}
	for i := range lib.suites {
		s := &lib.suites[i]
		lib.byID[s.ID] = s
		for _, name := range []string{s.ID, s.Name, s.OpenSSL} {
			if key := strings.ToLower(name); name != "" && lib.byName[key] == nil {
				lib.byName[key] = s
			}
		}
	}
	for _, k := range registry.Kinds {
		lib.kinds[k.ID] = &k
	}
}

// suite is what is known of an accepted suite; a suite that is not known is
// weak until shown otherwise.
func (lib *Library) suite(id string) suite {
	if s := lib.byID[id]; s != nil {
		return *s
	}
	if s := lib.kinds[id]; s != nil {
		return *s
	}
	return suite{ID: bounded(id), StrengthGroup: "unregistered"}
}

// bounded cuts a text of a record to what a line can hold: records come from
// files too, and certificates name whom they like.
func bounded(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// short is the name by which people know a suite: OpenSSL's where it has one.
func (s suite) short() string {
	for _, name := range []string{s.OpenSSL, s.Name} {
		if name != "" {
			return name
		}
	}
	return s.ID
}

// servedIn says whether a suite can be negotiated in a version.
func (s suite) servedIn(v results.Version) bool {
	all := results.Versions()
	if s.TLS13 || v == results.TLSv13 {
		return s.TLS13 && v == results.TLSv13
	}
	return slices.Index(all, s.MinVersion) <= slices.Index(all, v)
}

// classes are words for kinds of suites, for rules to speak of.
func classes() map[string]func(suite) bool {
	return map[string]func(suite) bool{
		"aead":       func(s suite) bool { return s.AEAD },
		"anon":       func(s suite) bool { return s.Anonymous },
		"cbc":        func(s suite) bool { return s.Mode == "CBC" },
		"ccm":        func(s suite) bool { return s.Mode == "CCM" },
		"ccm-8":      func(s suite) bool { return s.Mode == "CCM_8" },
		"dhe":        func(s suite) bool { return s.Kx == "DHE" },
		"ecdhe":      func(s suite) bool { return s.Kx == "ECDHE" },
		"export":     func(s suite) bool { return s.Export },
		"export-dhe": func(s suite) bool { return s.Export && s.Kx == "DHE" },
		"export-rsa": func(s suite) bool { return s.Export && s.Kx == "RSA" },
		"fs":         func(s suite) bool { return s.ForwardSecrecy },
		"low":        func(s suite) bool { return s.StrengthGroup == "low" },
		"md5":        func(s suite) bool { return s.MAC == "MD5" },
		"no-fs":      func(s suite) bool { return !s.ForwardSecrecy },
		"null":       func(s suite) bool { return s.NullEncryption || s.Cipher == "NULL" },
		"psk":        func(s suite) bool { return strings.Contains(s.Kx, "PSK") },
		"rc4":        func(s suite) bool { return s.Cipher == "RC4" },
		"sha1":       func(s suite) bool { return s.MAC == "SHA1" },
		"static-dh":  func(s suite) bool { return s.Kx == "DH" || s.Kx == "ECDH" },
		"static-rsa": func(s suite) bool { return s.Kx == "RSA" || s.Kx == "RSA_PSK" },
		"64bit-block": func(s suite) bool {
			return slices.Contains([]string{"3DES", "DES", "IDEA", "RC2", "GOST28147", "MAGMA"}, s.Cipher)
		},
		"weak": func(s suite) bool {
			return slices.Contains([]string{"null", "anon", "export", "low", "rc4", "64bit-block", "unregistered"}, s.StrengthGroup)
		},
	}
}

// suitesOf returns a test for suites that any of the values names: a class, a
// suite by any name, or an id.
func (lib *Library) suitesOf(values []string) func(suite) bool {
	var tests []func(suite) bool
	named := map[string]bool{}
	for _, v := range values {
		if class, ok := classes()[v]; ok {
			tests = append(tests, class)
		} else if s := lib.byName[strings.ToLower(v)]; s != nil {
			named[s.ID] = true
		}
	}
	return func(s suite) bool {
		return named[s.ID] || slices.ContainsFunc(tests, func(t func(suite) bool) bool { return t(s) })
	}
}

// group is a key exchange group.
type group struct {
	ID, Name, OpenSSL, Type string

	Aliases      []string
	SecurityBits *int `json:"security_bits"`
	PostQuantum  bool `json:"post_quantum"`
}

func (g group) is(name string) bool {
	return slices.ContainsFunc(append([]string{g.ID, g.Name, g.OpenSSL}, g.Aliases...), func(n string) bool {
		return n != "" && strings.EqualFold(n, name)
	})
}

func (lib *Library) group(name string) (group, bool) {
	if g, ok := lib.groupByID[name]; ok {
		return g, true
	}
	i := slices.IndexFunc(lib.groups, func(g group) bool { return g.is(name) })
	if i < 0 {
		return group{ID: bounded(name), Name: bounded(name)}, false
	}
	return lib.groups[i], true
}

// groupClasses are words for kinds of groups.
func groupClasses() map[string]func(group) bool {
	return map[string]func(group) bool{
		"post-quantum": func(g group) bool { return g.PostQuantum },
		"weak":         func(g group) bool { return g.SecurityBits == nil || *g.SecurityBits < 112 },
	}
}

func (lib *Library) groupsOf(values []string) func(group) bool {
	return func(g group) bool {
		return slices.ContainsFunc(values, func(v string) bool {
			if class, ok := groupClasses()[v]; ok {
				return class(g)
			}
			return g.is(v)
		})
	}
}

// scheme is a signature scheme, or a pair of hash and signature of TLS 1.2.
type scheme struct{ ID, Name, OpenSSL, Hash string }

func (s scheme) is(name string) bool {
	return strings.EqualFold(s.ID, name) || strings.EqualFold(s.Name, name) || s.OpenSSL != "" && strings.EqualFold(s.OpenSSL, name)
}

type schemeFile struct {
	Schemes []scheme
	Pairs   []struct{ ID, Hash, Signature, OpenSSL string } `json:"tls12_pairs"`
}

func (f schemeFile) all() []scheme {
	out := f.Schemes
	for _, p := range f.Pairs {
		if !slices.ContainsFunc(out, func(s scheme) bool { return s.ID == p.ID }) {
			out = append(out, scheme{p.ID, p.Signature + "_" + p.Hash, p.OpenSSL, p.Hash})
		}
	}
	return out
}

func (lib *Library) scheme(name string) (scheme, bool) {
	i := slices.IndexFunc(lib.schemes, func(s scheme) bool { return s.is(name) })
	if i < 0 {
		return scheme{ID: bounded(name), Name: bounded(name)}, false
	}
	return lib.schemes[i], true
}

// schemesOf takes names and the hashes md5 and sha1.
func (lib *Library) schemesOf(values []string) func(scheme) bool {
	return func(s scheme) bool {
		return slices.ContainsFunc(values, func(v string) bool {
			return (v == "md5" || v == "sha1") && s.Hash == v || s.is(v)
		})
	}
}

// phrases are classes in words that need no explaining.
func phrases() map[string]string {
	return map[string]string{
		"aead": "AEAD suites", "anon": "anonymous suites", "cbc": "CBC suites", "ccm": "CCM suites", "ccm-8": "CCM_8 suites", "dhe": "DHE suites", "ecdhe": "ECDHE suites",
		"export": "export suites", "export-dhe": "export suites with DHE", "export-rsa": "export suites with RSA", "fs": "suites with forward secrecy",
		"low": "suites with keys below 112 bits", "md5": "MD5", "no-fs": "suites without forward secrecy", "null": "suites without encryption", "psk": "PSK suites",
		"rc4": "RC4 suites", "sha1": "SHA-1", "static-dh": "static DH suites", "static-rsa": "suites with static RSA", "64bit-block": "suites with 64-bit blocks (3DES and the like)",
		"weak": "weak suites",
	}
}

// describeGroups does the same for groups.
func describeGroups(names []string) string {
	said := map[string]string{"weak": "weak groups (below 112 bits)", "post-quantum": "post-quantum groups"}
	return strings.Join(mapped(names, func(n string) string { return cmp.Or(said[n], n) }), ", ")
}

// describe names many things shortly.
func describe(names []string) string {
	const most = 12
	names = mapped(names, func(n string) string { return cmp.Or(phrases()[n], n) })
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
