package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/youmark/pkcs8"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/net/html"
	"golang.org/x/sys/unix"
	"software.sslmate.com/src/go-pkcs12"

	"shakedown/results"
	"shakedown/scanner/chain"
	"shakedown/scanner/chain/corpus"
)

// TestCertCorpus sends the whole corpus through the verb: files in, record and
// exit code out.
func TestCertCorpus(t *testing.T) {
	dir := t.TempDir()
	for _, c := range corpus.Cases(1) {
		t.Run(c.Name, func(t *testing.T) {
			args := []string{"cert", "--format", "json", "--at", c.At.Format(time.RFC3339), "--roots", put(t, dir, "roots.pem", chain.PEM(c.Roots))}
			if c.Host != "" {
				args = append(args, "--host", c.Host)
			}
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), append(args, put(t, dir, "chain.pem", chain.PEM(c.Chain))), strings.NewReader(""), &stdout, &stderr)
			got := chainRecord(t, &stdout)
			if !reflect.DeepEqual(got.Problems, c.Problems) || got.Trusted != c.Trusted || got.HostnameMatch != c.Match {
				t.Errorf("%s: got %v, %s, name %q; want %v, %s, name %q\n%s", c.Section,
					got.Problems, got.Trusted, got.HostnameMatch, c.Problems, c.Trusted, c.Match, stderr.String())
			}
			if want := codeOf(c); code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
		})
	}
}

// codeOf is the exit code that the contract has for a case.
func codeOf(c corpus.Case) int {
	switch {
	case c.Trusted == results.No || c.Match == results.No:
		return 1
	case c.Trusted == results.Unknown:
		return 3
	}
	return 0
}

func chainRecord(t *testing.T, r io.Reader) *results.ChainFile {
	t.Helper()
	d, err := results.NewDecoder(r)
	if err != nil {
		t.Fatal(err)
	}
	record, err := d.Next()
	if err != nil {
		t.Fatal(err)
	}
	return record.(*results.ChainFile)
}

func put(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// hostileTexts is what a certificate may say to harm who reads about it.
func hostileTexts() map[string]string {
	return map[string]string{
		"terminal escapes": "\x1b[2J\x1b]0;owned\x07\x9b31mred\x1b[0m",
		"HTML":             `</td><script>alert(1)</script><img src=x onerror=alert(1)>"'`,
		"a formula":        `=HYPERLINK("http://evil.example","click")`,
		"CDATA's end":      `]]><evil/>`,
		"right to left":    "gro.elpmaxe\u202Egnp.\u2066exe",
		"lines":            "one\r\n2026-01-01 all is well\u2028three\x00four",
		"a megabyte":       strings.Repeat("A", 1<<20), // beyond what is read at all
		"sixty kilobytes":  strings.Repeat("\u202e<b>", 10<<10),
		"broken UTF-8":     "a\xff\xfe\xc0b",
	}
}

// TestCertHostileText shows what a hostile certificate says in every format,
// and finds nothing in it that could act.
func TestCertHostileText(t *testing.T) {
	for what, text := range hostileTexts() {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			file := put(t, dir, "chain.pem", chain.PEM([][]byte{certificateSaying(t, text)}))
			out := map[string]string{}
			for _, format := range []string{"text", "json", "html"} {
				out[format] = printed(t, "cert", "--format", format, "--verbose", "--roots", file, file)
			}
			run := put(t, dir, "run.jsonl", []byte(out["json"]))
			out["report text"] = printed(t, "report", "--verbose", run)
			out["report html"] = printed(t, "report", "--format", "html", run)
			for format, shown := range out {
				harmless(t, format, shown)
			}
			if what == "a megabyte" {
				return // it does not parse, and is not bundled
			}
			bundled := printed(t, "cert", "--bundle", "--roots", file, file)
			if block, rest := pem.Decode([]byte(bundled)); block == nil || len(rest) > 0 {
				t.Errorf("--bundle printed more than PEM: %.200q", bundled)
			}
		})
	}
}

// printed is everything that a command line puts on both outputs.
func printed(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
	if code != exitGood && code != exitBad {
		t.Fatalf("%v: exit code %d, %s", args, code, stderr.String())
	}
	harmless(t, "standard error", stderr.String())
	return stdout.String()
}

func harmless(t *testing.T, format, shown string) {
	t.Helper()
	if !utf8.ValidString(shown) {
		t.Errorf("%s: not UTF-8", format)
	}
	switch {
	case strings.Contains(format, "html"):
		harmlessPage(t, format, shown)
	case format == "json":
		for line := range strings.Lines(shown) {
			if !json.Valid([]byte(line)) {
				t.Errorf("json: a line that is none: %.200q", line)
			}
		}
		acts := func(r rune) bool { return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) }
		if i := strings.IndexFunc(shown, acts); i >= 0 {
			t.Errorf("json: %q may act on a terminal", shown[i:min(len(shown), i+20)])
		}
	default:
		if i := strings.IndexFunc(shown, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%s: %q may act on a terminal", format, shown[i:min(len(shown), i+20)])
		}
		if len(shown) > 64<<10 {
			t.Errorf("%s: %d bytes about one certificate", format, len(shown))
		}
	}
}

// harmlessPage parses a page as a browser does: only our own script runs, and
// nothing that the certificate says became an element or a handler.
func harmlessPage(t *testing.T, format, page string) {
	t.Helper()
	scripts := 0
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if scripts > 1 {
				t.Errorf("%s: %d scripts", format, scripts)
			}
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			if token.Data == "script" {
				scripts++
			}
			if token.Data == "img" || token.Data == "evil" {
				t.Errorf("%s: an element <%s> of the certificate's", format, token.Data)
			}
			for _, a := range token.Attr {
				if strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s: a handler %s", format, a.Key)
				}
			}
		}
	}
}

// certificateSaying puts a text wherever a certificate takes any.
func certificateSaying(t *testing.T, text string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	name := func() []byte {
		var b cryptobyte.Builder
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, arc := range []int{3, 10, 11} {
				b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier([]int{2, 5, 4, arc})
						b.AddASN1(asn1.T61String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(text)) })
					})
				})
			}
		})
		return b.BytesOrPanic()
	}()
	var names cryptobyte.Builder
	names.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.Tag(2).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(text)) })
	})
	x := &x509.Certificate{
		SerialNumber: big.NewInt(1), RawSubject: name, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtraExtensions: []pkix.Extension{{Id: []int{2, 5, 29, 17}, Value: names.BytesOrPanic()}},
	}
	der, err := x509.CreateCertificate(rand.Reader, x, x, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestCertAsksForPassword answers, and interrupts, on a terminal.
func TestCertAsksForPassword(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x, err := x509.ParseCertificate(certificateSaying(t, "server"))
	if err != nil {
		t.Fatal(err)
	}
	p12, err := pkcs12.Modern.Encode(key, x, nil, "sesame")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, roots := put(t, dir, "chain.p12", p12), put(t, dir, "roots.pem", chain.PEM([][]byte{x.Raw}))
	for answer, want := range map[string]int{"sesame\n": exitGood, "basil\n": exitUsage, "": exitInterrupted} {
		t.Run(fmt.Sprintf("%q", answer), func(t *testing.T) {
			master, slave := terminal(t)
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			asked, stderr := io.Pipe()
			go func() {
				prompt := make([]byte, len("Password: "))
				io.ReadFull(asked, prompt)
				if answer == "" {
					interrupt()
				} else {
					io.WriteString(master, answer)
				}
				io.Copy(io.Discard, asked)
			}()
			var stdout bytes.Buffer
			if code := run(ctx, []string{"cert", "--roots", roots, file}, slave, &stdout, stderr); code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
			if (want == exitGood) != (stdout.Len() > 0) {
				t.Errorf("printed %q", stdout.String())
			}
		})
	}
}

// terminal is a pair of which the second end is a terminal.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

// certFiles is the story command certs: it writes a chain in every form, its
// keys, and what does not fit.
func certFiles(ts *testscript.TestScript, neg bool, _ []string) {
	write := func(name string, data []byte) { ts.Check(os.WriteFile(ts.MkAbs(name), data, 0o600)) }
	keys := map[string]*ecdsa.PrivateKey{}
	made := map[string]*x509.Certificate{}
	make := func(name, issuer string, x *x509.Certificate) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		ts.Check(err)
		keys[name], x.SerialNumber = key, big.NewInt(int64(len(keys)))
		x.Subject = pkix.Name{CommonName: name}
		x.NotBefore, x.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(100*24*time.Hour)
		parent, parentKey := x, key
		if issuer != "" {
			parent, parentKey = made[issuer], keys[issuer]
		}
		der, err := x509.CreateCertificate(rand.Reader, x, parent, key.Public(), parentKey)
		ts.Check(err)
		made[name], err = x509.ParseCertificate(der)
		ts.Check(err)
		write(name+".pem", chain.PEM([][]byte{der}))
	}
	ca := func() *x509.Certificate {
		return &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	}
	server := func(name string) *x509.Certificate {
		return &x509.Certificate{DNSNames: []string{name}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	}
	make("root", "", ca())
	make("inter", "root", ca())
	make("leaf", "inter", server("portal.example"))
	make("second", "inter", server("second.example"))
	leaf, inter := made["leaf"], made["inter"]
	sent := [][]byte{leaf.Raw, inter.Raw}
	write("chain.pem", chain.PEM(sent))
	write("leaf.der", leaf.Raw)
	write("chain.der", bytes.Join(sent, nil))
	write("chain.p7b", signedData(sent))
	write("password", []byte("sesame\n"))
	write("wrong", []byte("basil\n"))
	write("broken.pem", append(chain.PEM(sent[:1]), []byte("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n")...))

	p12, err := pkcs12.Modern.Encode(keys["leaf"], leaf, []*x509.Certificate{inter}, "sesame")
	ts.Check(err)
	write("chain.p12", p12)
	p12, err = pkcs12.Passwordless.Encode(keys["leaf"], inter, []*x509.Certificate{leaf}, "")
	ts.Check(err)
	write("open.p12", p12) // and its leaf last
	pkcs8DER, err := x509.MarshalPKCS8PrivateKey(keys["leaf"])
	ts.Check(err)
	write("leaf.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8DER}))
	write("leaf.key.der", pkcs8DER)
	sec1, err := x509.MarshalECPrivateKey(keys["leaf"])
	ts.Check(err)
	write("sec1.key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}))
	sealed, err := pkcs8.MarshalPrivateKey(keys["leaf"], []byte("sesame"), nil)
	ts.Check(err)
	write("sealed.key", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: sealed}))
	public, err := x509.MarshalPKIXPublicKey(keys["leaf"].Public())
	ts.Check(err)
	write("leaf.pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	other, err := x509.MarshalPKCS8PrivateKey(keys["second"])
	ts.Check(err)
	write("other.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: other}))
}

// signedData is PKCS#7 that only carries certificates (RFC 2315 §9.1).
func signedData(ders [][]byte) []byte {
	var b cryptobyte.Builder
	tagged := asn1.Tag(0).ContextSpecific().Constructed()
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier([]int{1, 2, 840, 113549, 1, 7, 2})
		b.AddASN1(tagged, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(asn1.SET, func(*cryptobyte.Builder) {})
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier([]int{1, 2, 840, 113549, 1, 7, 1})
				})
				b.AddASN1(tagged, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(ders, nil)) })
				b.AddASN1(asn1.SET, func(*cryptobyte.Builder) {})
			})
		})
	})
	return b.BytesOrPanic()
}
