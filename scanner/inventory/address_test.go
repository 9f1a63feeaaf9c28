package inventory

import (
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	for _, c := range []struct {
		in, scheme, host string
		port             uint16
		serverName       string
	}{
		{"a.example:8443", "", "a.example", 8443, "a.example"},
		{"a.example", "", "a.example", 443, "a.example"},
		{"A.Example.", "", "A.Example.", 443, "A.Example"},
		{"localhost", "", "localhost", 443, "localhost"},
		{"_tls.a-b.example:1", "", "_tls.a-b.example", 1, "_tls.a-b.example"},
		{"xn--mller-kva.example:65535", "", "xn--mller-kva.example", 65535, "xn--mller-kva.example"},
		{"10.0.0.1", "", "10.0.0.1", 443, ""},
		{"10.0.0.1:8443", "", "10.0.0.1", 8443, ""},
		{"[2001:db8::1]:8443", "", "2001:db8::1", 8443, ""},
		{"[2001:db8::1]", "", "2001:db8::1", 443, ""},
		{"2001:db8::1", "", "2001:db8::1", 443, ""},
		{"::1", "", "::1", 443, ""},
		{"[fe80::1%eth0]:443", "", "fe80::1%eth0", 443, ""},
		{"smtp://mx.example", "smtp", "mx.example", 25, "mx.example"},
		{"imap://mx.example", "imap", "mx.example", 143, "mx.example"},
		{"pop3://mx.example", "pop3", "mx.example", 110, "mx.example"},
		{"ldap://d.example", "ldap", "d.example", 389, "d.example"},
		{"postgres://db.example", "postgres", "db.example", 5432, "db.example"},
		{"mysql://db.example", "mysql", "db.example", 3306, "db.example"},
		{"SMTP://[::1]:2525/", "smtp", "::1", 2525, ""},
		{"https://a.example/", "", "a.example", 443, "a.example"},
		{"https://a.example:8443", "", "a.example", 8443, "a.example"},
	} {
		t.Run(c.in, func(t *testing.T) {
			p, err := ParseTarget(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if p.Scheme != c.scheme || p.Host != c.host || p.Port != c.port || p.ServerName != c.serverName {
				t.Errorf("got %+v", p)
			}
			if p.Service != c.host || p.Name != c.in || p.Target != c.in || p.Kind != "" || p.Load {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestParseTargetRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "empty"},
		{"-", "hyphen"},
		{"-flag", "hyphen"},
		{"a example", "a space"},
		{"a\u00a0example", "a space"},
		{"a.example\n", "a space"},
		{"a\x00b", "control character"},
		{"a\xffb", "control character"},
		{"a\u202eb", "control character"},
		{"müller.example", "xn--"},
		{"a..example", "extra dot"},
		{".", "extra dot"},
		{".example", "extra dot"},
		{strings.Repeat("a", 64) + ".example", "63 bytes"},
		{strings.Repeat("a.", 127) + "aa", "253 bytes"},
		{strings.Repeat("a", maxTarget+1), "512 bytes"},
		{"a.example:0", "1 to 65535"},
		{"a.example:70000", "1 to 65535"},
		{"a.example:-1", "1 to 65535"},
		{"a.example:", "1 to 65535"},
		{":443", "host is missing"},
		{"smtp://", "host is missing"},
		{"443", "neither a name nor an IP"},
		{"127.1", "neither a name nor an IP"},
		{"10.0.0.999:443", "neither a name nor an IP"},
		{"a,b", "',' cannot stand"},
		{"*.example", "'*' cannot stand"},
		{"user@a.example", "user name"},
		{"smtp://user:pw@a.example", "user name"},
		{"https://a.example/x", "only host:port"},
		{"a.example/", "only host:port"},
		{"https://a.example?x", "only host:port"},
		{"http://a.example", "no TLS"},
		{"imaps://a.example", "TLS from the first byte"},
		{"postgresql://a.example", "postgres://"},
		{"ftp://a.example", "imap, ldap, mysql, pop3, postgres, smtp"},
		{"[::1", "not closed"},
		{"[::1]443", "after the bracket"},
		{"[10.0.0.1]:443", "brackets are for IPv6"},
		{"a.example:443:443", "more than one colon"},
	} {
		t.Run(c.in, func(t *testing.T) {
			p, err := ParseTarget(c.in)
			if err == nil {
				t.Fatalf("taken as %+v", p)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "bad target ") {
				t.Errorf("got %q, want it to say %q", err, c.want)
			}
			if !printable(err.Error()) {
				t.Errorf("the message could write to a terminal: %q", err)
			}
		})
	}
}

func TestReadTargets(t *testing.T) {
	const list = "\ufeff# ours\r\n\r\na.example\r\n  b.example:8443  # the second\nA.example:443\nsmtp://a.example\n[::1]:1"
	paths, err := ReadTargets(strings.NewReader(list), "standard input")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range paths {
		got = append(got, p.Target)
	}
	// A.example:443 is a.example again.
	if want := "a.example b.example:8443 smtp://a.example [::1]:1"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReadTargetsRefuses(t *testing.T) {
	for _, c := range []struct{ name, list, want string }{
		{"every bad line", "a.example\nb example\n\na.example:0\n",
			"-:2: bad target \"b example\": it holds a space: give one host:port\n" +
				"-:4: bad target \"a.example:0\": bad port \"0\": give a number from 1 to 65535"},
		{"nothing", "# none\n\n", "-: no target in it: give one a line, as host:port"},
		{"a long line", "a.example\n" + strings.Repeat("a", 1<<20), "-:2: the line is too long: give one target a line"},
		{"too much", strings.Repeat("#\n", maxBytes/2+1), "-: the list is larger than 16 MB: split it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := ReadTargets(strings.NewReader(c.list), "-"); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %v", err, c.want)
			}
		})
	}
}

func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"a.example:443", "[::1]:8443", "smtp://mx.example", "https://a.example/", "fe80::1%eth0", "xn--a.example."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseTarget(s)
		if err != nil {
			if !printable(err.Error()) {
				t.Fatalf("the message could write to a terminal: %q", err)
			}
			return
		}
		if p.Host == "" || p.Port == 0 || p.Target != s || strings.ContainsAny(p.Host, "/@[] ") || !printable(p.Host) {
			t.Fatalf("%q taken as %+v", s, p)
		}
		// The host alone means the same host, so that records can be asked again.
		if again, err := ParseTarget(p.Host); err != nil || again.Host != p.Host {
			t.Fatalf("host %q of %q taken as %+v, %v", p.Host, s, again, err)
		}
	})
}
