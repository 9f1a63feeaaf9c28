package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"shakedown/bench/lab"
	"shakedown/bench/lab/stacks"
	"shakedown/profiles"
	"shakedown/results"
)

// TestRealServersAreMatched starts, for every policy that a stack at hand can
// speak, a real server that is set up by it, and one with a suite less. The
// first must be matched to the policy's class and to nothing else, through the
// real scanner; the second to another or to none.
func TestRealServersAreMatched(t *testing.T) {
	lib := profiles.Builtin()
	m, err := stacks.NewMaterial(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	byStack, unspoken := map[string]int{}, map[string]string{}
	done := map[string]bool{}
	for i := range lib.Policies {
		p := &lib.Policies[i]
		stack, why := stackFor(lib, p)
		if stack == "" {
			unspoken[p.Name] = why
			continue
		}
		byStack[stack]++
		if class := strings.Join(classOf(lib, p), " "); !done[class] {
			done[class] = true
			t.Run(p.Name, func(t *testing.T) { t.Parallel(); matchServer(t, lib, p, m, stack) })
		}
	}
	t.Logf("%d policies through nginx, %d through crypto/tls, %d classes; %d that no stack at hand speaks", byStack["nginx"], byStack["go"], len(done), len(unspoken))
	for name, why := range unspoken {
		t.Logf("not spoken: %s: %s", name, why)
	}
	if byStack["nginx"] < 35 || byStack["go"] < 8 {
		t.Errorf("only %v were spoken", byStack)
	}
}

// classOf are the policies that a server of p cannot be told from: the same
// list, or an undocumented set of post-quantum groups beside the same list.
func classOf(lib *profiles.Library, p *profiles.Policy) []string {
	var out []string
	for i := range lib.Policies {
		q := &lib.Policies[i]
		quantum := slices.Equal(q.PQGroups, p.PQGroups) && q.PostQuantum == p.PostQuantum || q.PostQuantum && q.PQGroups == nil && p.PostQuantum
		classical := q.Groups == nil || slices.Equal(sortedGroups(q.Groups), sortedGroups(served(p)))
		if slices.Equal(q.Versions, p.Versions) && slices.Equal(slices.Sorted(slices.Values(q.Suites)), slices.Sorted(slices.Values(p.Suites))) &&
			(quantum && classical || !slices.Contains(p.Versions, results.TLSv13)) {
			out = append(out, q.Name)
		}
	}
	return out
}

func sortedGroups(list []results.Named) []string {
	var ids []string
	for _, g := range list {
		ids = append(ids, g.ID)
	}
	slices.Sort(ids)
	return ids
}

// served are the classical groups that the policy's server gets here: its own,
// or one that makes it unlike every policy that documents its groups.
func served(p *profiles.Policy) []results.Named {
	if p.Groups != nil {
		return p.Groups
	}
	return []results.Named{{ID: "0x0017", Name: "secp256r1"}, {ID: "0x0018", Name: "secp384r1"}}
}

// stackFor says which stack can speak a policy to the letter: nginx with
// Debian's OpenSSL has no post-quantum groups, 3DES, RC4 or SSLv3; crypto/tls
// has all three suites of TLS 1.3 or none, and no CBC with SHA-384.
func stackFor(lib *profiles.Library, p *profiles.Policy) (stack, why string) {
	for _, name := range lib.ShortNames(p.Suites) {
		if strings.Contains(name, "CBC3") || strings.Contains(name, "RC4") || strings.Contains(name, "DSS") {
			return "", name + " is in none of them"
		}
	}
	if !p.PostQuantum {
		return "nginx", ""
	}
	if p.PQGroups != nil && slices.ContainsFunc(p.PQGroups, func(g results.Named) bool { return goGroups()[g.Name] == 0 }) {
		return "", "post-quantum groups that crypto/tls has not"
	}
	tls13 := 0
	for _, id := range p.Suites {
		s := goSuite(id)
		switch {
		case strings.HasPrefix(id, "0x13"):
			tls13++
		case s == nil:
			return "", "post-quantum, and " + lib.ShortNames([]string{id})[0] + " is not in crypto/tls"
		}
	}
	if tls13 != 3 {
		return "", "post-quantum, and crypto/tls cannot leave out suites of TLS 1.3"
	}
	return "go", ""
}

func goGroups() map[string]tls.CurveID {
	return map[string]tls.CurveID{
		"secp256r1": tls.CurveP256, "secp384r1": tls.CurveP384, "x25519": tls.X25519,
		"X25519MLKEM768": tls.X25519MLKEM768, "SecP256r1MLKEM768": tls.SecP256r1MLKEM768, "SecP384r1MLKEM1024": tls.SecP384r1MLKEM1024,
	}
}

func goSuite(id string) *tls.CipherSuite {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if suiteID(s.ID) == id {
			return s
		}
	}
	return nil
}

func suiteID(id uint16) string {
	const digits = "0123456789ABCDEF"
	return "0x" + string([]byte{digits[id>>12], digits[id>>8&15], digits[id>>4&15], digits[id&15]})
}

func matchServer(t *testing.T, lib *profiles.Library, p *profiles.Policy, m *stacks.Material, stack string) {
	start := map[string]func(*testing.T, *profiles.Library, *profiles.Policy, *stacks.Material) string{"nginx": nginxOf, "go": goOf}[stack]
	got := matchOf(t, start(t, lib, p, m))
	if want := classOf(lib, p); !slices.Equal(got.Exact, want) || len(got.Open) > 0 {
		t.Errorf("matched %v (open %v, nearest %v), want %v", got.Exact, got.Open, got.Nearest, want)
	}
	fewer := *p
	fewer.Suites = oneLess(p.Suites)
	if fewer.Suites == nil {
		return
	}
	if got := matchOf(t, start(t, lib, &fewer, m)); slices.Contains(got.Exact, p.Name) || len(got.Open) > 0 || !slices.Equal(got.Exact, classOf(lib, &fewer)) {
		t.Errorf("with a suite less: matched %v, want %v", got.Exact, classOf(lib, &fewer))
	}
}

// oneLess leaves out the last suite before TLS 1.3 where two are there.
func oneLess(ids []string) []string {
	old := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return strings.HasPrefix(id, "0x13") })
	if len(old) < 2 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == old[len(old)-1] })
}

// nginxOf starts nginx with a policy's versions, suites and groups.
func nginxOf(t *testing.T, lib *profiles.Library, p *profiles.Policy, m *stacks.Material) string {
	settings := lab.TLS{Certificates: []lab.Certificate{m.RSA, m.EC}, Preference: lab.ServerPreference}
	for _, v := range p.Versions {
		settings.Protocols = append(settings.Protocols, strings.TrimSuffix(string(v), ".0"))
	}
	var old, tls13, groups []string
	for _, name := range lib.ShortNames(p.Suites) {
		if strings.HasPrefix(name, "TLS_") {
			tls13 = append(tls13, name)
		} else {
			old = append(old, name)
		}
	}
	for _, g := range served(p) {
		groups = append(groups, map[string]string{"secp256r1": "P-256", "secp384r1": "P-384", "x25519": "X25519"}[g.Name])
	}
	settings.Curves = strings.Join(groups, ":")
	settings.Ciphers = strings.Join(append(old, "@SECLEVEL=0"), ":")
	if len(old) == 0 {
		settings.Ciphers = "ECDHE-RSA-AES128-GCM-SHA256" // nginx wants some; none is spoken without TLS 1.2
	}
	settings.Ciphersuites = strings.Join(tls13, ":")
	dh := filepath.Join(m.Dir, "dh.pem")
	server, err := lab.StartNginx(t.Context(), lab.Nginx{Place: lab.Place{Dir: filepath.Join(t.TempDir(), "nginx")}, TLS: settings, Extra: "    ssl_dhparam " + dh + ";\n"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return server.Address
}

// goOf starts a server of crypto/tls in this process.
func goOf(t *testing.T, lib *profiles.Library, p *profiles.Policy, m *stacks.Material) string {
	cfg := &tls.Config{MinVersion: goVersion(p.Versions[0]), MaxVersion: goVersion(p.Versions[len(p.Versions)-1])}
	for _, id := range p.Suites {
		if s := goSuite(id); s != nil {
			cfg.CipherSuites = append(cfg.CipherSuites, s.ID)
		}
	}
	quantum := p.PQGroups
	if quantum == nil {
		quantum = []results.Named{{Name: "X25519MLKEM768"}}
	}
	for _, g := range append(slices.Clone(quantum), served(p)...) {
		cfg.CurvePreferences = append(cfg.CurvePreferences, goGroups()[g.Name])
	}
	for _, name := range []string{"rsa", "ec"} {
		pair, err := tls.LoadX509KeyPair(filepath.Join(m.Dir, name+".pem"), filepath.Join(m.Dir, name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Certificates = append(cfg.Certificates, pair)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go acceptAll(l, func(c net.Conn) {
		conn := tls.Server(c, cfg)
		if conn.HandshakeContext(t.Context()) == nil {
			io.Copy(io.Discard, conn)
		}
	})
	return l.Addr().String()
}

func goVersion(v results.Version) uint16 {
	return map[results.Version]uint16{results.TLSv10: tls.VersionTLS10, results.TLSv11: tls.VersionTLS11, results.TLSv12: tls.VersionTLS12, results.TLSv13: tls.VersionTLS13}[v]
}

// matchOf asks the program.
func matchOf(t *testing.T, address string) *results.Match {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"profile", "match", "--quiet", "--format", "json", "--sni", stacks.Host, address}, strings.NewReader(""), &stdout, &stderr)
	d, err := results.NewDecoder(&stdout)
	if err != nil {
		t.Fatalf("exit %d: %v %s", code, err, stderr.String())
	}
	rec, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	m := rec.(*results.Match)
	if wanted := matchCode(m); code != wanted {
		t.Errorf("exit code %d, want %d: %s", code, wanted, stderr.String())
	}
	return m
}
