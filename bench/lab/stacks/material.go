// Material: the keys and certificates that all stacks serve, in the forms that
// they want them in.

package stacks

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"shakedown/bench/lab"
)

// Host is the name that all certificates are for.
const Host = "portal.example"

// Material is a folder with keys, certificates and programs.
type Material struct {
	Dir       string
	RSA, EC   lab.Certificate
	libraries map[string]string // compiled clients
}

// NewMaterial makes keys and certificates in a folder.
func NewMaterial(ctx context.Context, dir string) (*Material, error) {
	m := &Material{Dir: dir, libraries: map[string]string{}}
	pki, err := lab.NewPKI()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	// The names differ because NSS takes certificates of one subject for one.
	if m.RSA, err = pki.Issue(lab.Leaf{Names: []string{"rsa." + Host, Host}, Key: lab.RSA}); err != nil {
		return nil, err
	}
	if m.EC, err = pki.Issue(lab.Leaf{Names: []string{"ec." + Host, Host}}); err != nil {
		return nil, err
	}
	for name, c := range map[string]lab.Certificate{"rsa": m.RSA, "ec": m.EC} {
		files := map[string][]byte{".pem": c.Chain, ".key": c.Key, ".both": append(append([]byte{}, c.Key...), c.Chain...)}
		for suffix, content := range files {
			if err := os.WriteFile(m.File(name+suffix), content, 0o600); err != nil {
				return nil, err
			}
		}
	}
	if err := os.WriteFile(m.File("roots.pem"), pki.RootPEM(), 0o600); err != nil {
		return nil, err
	}
	return m, m.byOpenSSL(ctx)
}

// File is a file of the folder.
func (m *Material) File(name string) string { return filepath.Join(m.Dir, name) }

// byOpenSSL makes what the lab's authority does not: keys in PKCS #8, which
// some want, keys of Ed25519, RSA-PSS, P-384 and DSA (of a size that SHA-1 may sign with in old
// versions),
// parameters for finite-field Diffie-Hellman, an OCSP response.
func (m *Material) byOpenSSL(ctx context.Context) error {
	self := func(name string) []string {
		return []string{"openssl", "req", "-x509", "-key", m.File(name + ".key"), "-out", m.File(name + ".pem"), "-days", "30",
			"-subj", "/CN=" + name + "." + Host, "-addext", "subjectAltName=DNS:" + Host}
	}
	pkcs8 := func(name string) []string {
		return []string{"openssl", "pkcs8", "-topk8", "-nocrypt", "-in", m.File(name + ".key"), "-out", m.File(name + ".p8")}
	}
	return each(ctx, [][]string{
		pkcs8("rsa"), pkcs8("ec"),
		{"openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", m.File("dh.pem")},
		{"openssl", "genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "pbits:1024", "-pkeyopt", "qbits:160", "-out", m.File("dsa.par")},
		{"openssl", "genpkey", "-paramfile", m.File("dsa.par"), "-out", m.File("dsa.key")},
		self("dsa"),
		{"openssl", "genpkey", "-algorithm", "RSA", "-out", m.File("self.key")},
		self("self"),
		{"openssl", "ocsp", "-issuer", m.File("self.pem"), "-cert", m.File("self.pem"), "-reqout", m.File("self.ask")},
		{"openssl", "ocsp", "-index", "/dev/null", "-rsigner", m.File("self.pem"), "-rkey", m.File("self.key"), "-CA", m.File("self.pem"),
			"-reqin", m.File("self.ask"), "-respout", m.File("self.ocsp"), "-ndays", "7"},
		{"openssl", "genpkey", "-algorithm", "ED25519", "-out", m.File("ed.key")},
		self("ed"),
		{"openssl", "genpkey", "-algorithm", "RSA-PSS", "-out", m.File("pss.key")},
		self("pss"),
		{"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", m.File("p384.key")},
		self("p384"),
	})
}

// PKCS12 packs a key with its chain, for NSS and Java.
func (m *Material) PKCS12(ctx context.Context, name string) (string, error) {
	file := m.File(name + ".p12")
	_, err := output(ctx, nil, "openssl", "pkcs12", "-export", "-inkey", m.File(name+".key"), "-in", m.File(name+".pem"),
		"-name", name+"."+Host, "-passout", "pass:"+p12Password, "-out", file)
	return file, err
}

const p12Password = "changeit" // of files that live as long as their server

// each runs commands one after the other.
func each(ctx context.Context, commands [][]string) error {
	for _, argv := range commands {
		if out, err := output(ctx, nil, argv...); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, out)
		}
	}
	return nil
}

// toolTimeout bounds one run of a tool.
const toolTimeout = 60 * time.Second

// output runs a tool, without input and without the system's settings for
// OpenSSL, and gives what it prints, errors too.
func output(ctx context.Context, env []string, argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(append(os.Environ(), "LC_ALL=C", "OPENSSL_CONF=/dev/null"), env...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return string(out), errors.Join(ctx.Err(), err)
	}
	return string(out), err
}
