// The software HSM: a SoftHSM2 token with keys that are made inside it and do
// not leave it, used by nginx directly or through p11-kit's remoting.

package lab

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Token is a SoftHSM2 token in a folder of its own. Its PIN is random, stands
// only in files for their owner alone, and is never given to a command.
type Token struct {
	Dir   string
	Label string

	pin    string
	socket string // of the p11-kit server that it is used through; "" for SoftHSM itself
	module string // SoftHSM's
	client string // p11-kit's, where socket is set
	host   *host
}

// NewToken makes a token. Only the folder of the place and its path count: a
// token is files, not a process.
func NewToken(ctx context.Context, p Place) (*Token, error) {
	if err := p.settle(); err != nil {
		return nil, err
	}
	if strings.ContainsAny(p.Dir, "#\r\n") {
		return nil, fmt.Errorf("SoftHSM cannot use a folder whose name has # or a line break: %q", p.Dir)
	}
	module, err := p.host.find(softHSM)
	if err != nil {
		return nil, err
	}
	t := &Token{Dir: p.Dir, Label: p.Name, pin: newPIN(), module: module, host: p.host}
	if err := t.initialise(ctx); err != nil {
		return nil, fmt.Errorf("making the token %s: %w", t.Label, err)
	}
	return t, nil
}

// newPIN has 130 bits and no character that anything could misread.
func newPIN() string { return rand.Text() }

func (t *Token) initialise(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(t.Dir, "tokens"), 0o700); err != nil {
		return err
	}
	if err := writeFolder(t.Dir, map[string][]byte{softHSMConf: t.config(), pinFile: []byte(t.pin)}); err != nil {
		return err
	}
	so := newPIN() // the security officer is not needed again, so nobody knows it
	return t.tool(ctx, []string{so, so, t.pin, t.pin}, "softhsm2-util", "--init-token", "--free", "--label", t.Label)
}

const (
	softHSMConf = "softhsm2.conf"
	pinFile     = "pin"
)

func (t *Token) config() []byte {
	return fmt.Appendf(nil, "directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n", t.Dir)
}

// Generate makes a key in the token.
func (t *Token) Generate(ctx context.Context, label string, k KeyType) (*TokenKey, error) {
	kind := "EC:prime256v1"
	if k == RSA {
		kind = "rsa:2048"
	}
	if err := t.pkcs11(ctx, "--keypairgen", "--key-type", kind, "--usage-sign", "--id", hexID(label), "--label", label); err != nil {
		return nil, fmt.Errorf("making the key %s in the token: %w", label, err)
	}
	public, err := t.public(ctx, label)
	if err != nil {
		return nil, fmt.Errorf("reading the public key %s from the token: %w", label, err)
	}
	return &TokenKey{ctx: ctx, token: t, label: label, public: public}, nil
}

// public needs no PIN.
func (t *Token) public(ctx context.Context, label string) (crypto.PublicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	out := label + ".spki"
	cmd, err := t.host.command(ctx, t.Dir, t.toolEnv(), "pkcs11-tool", "--module", t.module, "--token-label", t.Label,
		"--read-object", "--type", "pubkey", "--id", hexID(label), "--output-file", out)
	if err != nil {
		return nil, err
	}
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(said))
	}
	der, err := os.ReadFile(filepath.Join(t.Dir, out))
	if err != nil {
		return nil, err
	}
	return x509.ParsePKIXPublicKey(der)
}

// pkcs11 runs pkcs11-tool, logged in.
func (t *Token) pkcs11(ctx context.Context, args ...string) error {
	args = append([]string{"--module", t.module, "--token-label", t.Label, "--login"}, args...)
	return t.tool(ctx, []string{t.pin}, "pkcs11-tool", args...)
}

func (t *Token) tool(ctx context.Context, answers []string, program string, args ...string) error {
	cmd, err := t.host.command(ctx, t.Dir, t.toolEnv(), program, args...)
	if err != nil {
		return err
	}
	said, err := converse(ctx, cmd, answers)
	if err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, strings.Join(strings.Fields(t.conceal(said)), " "))
	}
	return nil
}

// conceal keeps the PIN out of an error, should a program repeat it.
func (t *Token) conceal(said []byte) string { return strings.ReplaceAll(string(said), t.pin, "(PIN)") }

func (t *Token) toolEnv() []string { return []string{"SOFTHSM2_CONF=" + softHSMConf} }

// hexID makes the label the key's id too: to sign, pkcs11-tool 0.23 heeds only
// the id and would take the first key it finds.
func hexID(label string) string { return fmt.Sprintf("%x", label) }

// TokenKey signs with a key in a token, as a crypto.Signer. It is made to
// request a certificate: each signature is a program run.
type TokenKey struct {
	ctx    context.Context // of Generate: a crypto.Signer is given none
	token  *Token
	label  string
	public crypto.PublicKey
}

var _ crypto.Signer = (*TokenKey)(nil)

// Public is the key's public half.
func (k *TokenKey) Public() crypto.PublicKey { return k.public }

// Sign signs a SHA-256 digest: PKCS #1 v1.5 or ECDSA.
func (k *TokenKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts.HashFunc() != crypto.SHA256 {
		return nil, fmt.Errorf("the token's key signs SHA-256 digests, not %v", opts.HashFunc())
	}
	mechanism, input := "RSA-PKCS", append(sha256Info(), digest...)
	if _, ok := k.public.(*ecdsa.PublicKey); ok {
		mechanism, input = "ECDSA", digest
	}
	in, out := k.label+".digest", k.label+".signature"
	if err := writeFolder(k.token.Dir, map[string][]byte{in: input}); err != nil {
		return nil, err
	}
	err := k.token.pkcs11(k.ctx, "--sign", "--mechanism", mechanism, "--signature-format", "openssl",
		"--id", hexID(k.label), "--input-file", in, "--output-file", out)
	if err != nil {
		return nil, fmt.Errorf("signing with the key %s: %w", k.label, err)
	}
	return os.ReadFile(filepath.Join(k.token.Dir, out))
}

// sha256Info precedes a digest in PKCS #1 v1.5: RFC 8017 §9.2, note 1.
func sha256Info() []byte {
	return []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
}

// StartP11Kit serves a token over a socket, as the enclave of ACM for Nitro
// Enclaves does over vsock. Server.Address is the socket.
func StartP11Kit(ctx context.Context, p Place, t *Token) (*Server, error) {
	if err := p.settle(); err != nil {
		return nil, err
	}
	socket := filepath.Join(p.Dir, socketFile)
	s, err := p.start(ctx, recipe{
		program: "p11-kit",
		args:    []string{"server", "--foreground", "--name", socketFile, "--provider", t.module, "pkcs11:token=" + t.Label},
		env:     t.serverEnv(),
		files: func([]string) map[string][]byte {
			os.Remove(socket) // a killed one leaves it
			return map[string][]byte{softHSMConf: t.config()}
		},
		ready: func(ctx context.Context, _ []string) error { return connectsIn(ctx, p.Dir, socketFile) },
	})
	if err != nil {
		return nil, err
	}
	s.Address = socket
	return s, nil
}

const socketFile = "p11.sock"

func (t *Token) serverEnv() []string { return []string{"SOFTHSM2_CONF=" + softHSMConf} }

// connectsIn is ready when a socket in a folder takes connections. Its name
// goes through a descriptor, as it may have 107 bytes at most: unix(7).
func connectsIn(ctx context.Context, dir, name string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return connects(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), name))
}

// Through gives the certificate whose key is used over a p11-kit server.
func (c Certificate) Through(s *Server) (Certificate, error) {
	if c.Token == nil {
		return c, errors.New("the key of this certificate is in no token")
	}
	client, err := c.Token.host.find(p11Client)
	if err != nil {
		return c, err
	}
	remote := *c.Token
	remote.socket, remote.client = s.Address, client
	c.Token = &remote
	return c, nil
}

// uri names a key for OpenSSL's engine (RFC 7512). The PIN is read from a file
// in the folder that the server runs in.
func (t *Token) uri(key string) string {
	return fmt.Sprintf("pkcs11:token=%s;object=%s;type=private?pin-source=file:/proc/self/cwd/%s", t.Label, key, pinFile)
}

// files are what a server needs beside it to use the token.
func (t *Token) files() (map[string][]byte, error) {
	if t.socket != "" {
		return map[string][]byte{opensslFile: engineConfig(t.client), pinFile: []byte(t.pin)}, nil
	}
	return map[string][]byte{opensslFile: engineConfig(t.module), pinFile: []byte(t.pin), softHSMConf: t.config()}, nil
}

// environment leads to the token from a server's folder. Through a socket it
// does not tell where the token is.
func (t *Token) environment(dir string) ([]string, error) {
	if t.socket == "" {
		return t.serverEnv(), nil
	}
	socket, err := filepath.Rel(dir, t.socket)
	if err != nil {
		return nil, err
	}
	return []string{"P11_KIT_SERVER_ADDRESS=unix:path=/proc/self/cwd/" + socket}, nil
}

// engineConfig makes OpenSSL's engine load a PKCS #11 module.
func engineConfig(module string) []byte {
	return fmt.Appendf(nil, `openssl_conf = openssl_init
[openssl_init]
engines = engine_section
[engine_section]
pkcs11 = pkcs11_section
[pkcs11_section]
engine_id = pkcs11
MODULE_PATH = %s
init = 0
`, module)
}
