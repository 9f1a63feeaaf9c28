// Who is in the corpus: certificate authorities, and leaves.

package corpus

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	_ "crypto/md5" // what weak signatures are made with
	"crypto/rsa"
	"crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maker makes cases. The root, an intermediate under it, and nobody else's root
// are there for every case to use.
type maker struct {
	source             *rand.ChaCha8
	serial             uint32
	cases              []Case
	root, inter, other *party
	rsa2048            *key
}

func newMaker(seed uint64) *maker {
	var s [32]byte
	binary.LittleEndian.PutUint64(s[:], seed)
	g := &maker{source: rand.NewChaCha8(s)}
	g.root, g.other = g.ca("Root", nil), g.ca("Other Root", nil)
	g.inter = g.ca("Intermediate", g.root)
	g.rsa2048 = rsaKey(g.source, 2048)
	return g
}

// party is a certificate and its key.
type party struct {
	spec
	der []byte
}

// spec is what a certificate is made from; edits change it before it is signed.
type spec struct {
	version         []byte // with its tag; empty is version 1
	serial          []byte // an INTEGER
	issuer, subject []byte
	from, until     []byte
	key             *key
	extensions      []extension
	signer          *key
	algorithm       signing
	inner           []byte // the algorithm inside, where it is another
	after           []byte // more fields of the TBSCertificate
	flip            bool   // a bit of the signature
	unidentified    bool   // without key identifiers
}

type edit func(*spec)

// signing is an AlgorithmIdentifier and how to sign so.
type signing struct {
	id   []byte
	opts crypto.SignerOpts
}

// The algorithms. Those of RSA have a NULL for a parameter (RFC 4055 §5).
func ecdsaWith(id string, h crypto.Hash) signing { return signing{seq(oid(id)), h} }

func rsaWith(id string, h crypto.Hash) signing { return signing{seq(oid(id), []byte{5, 0}), h} }

func ecdsaSHA256() signing { return ecdsaWith("1.2.840.10045.4.3.2", crypto.SHA256) }

func rsaSHA256() signing { return rsaWith("1.2.840.113549.1.1.11", crypto.SHA256) }

func ed25519Signing() signing { return signing{seq(oid("1.3.101.112")), crypto.Hash(0)} }

// algorithmOf is what a key signs with if nothing else is said.
func algorithmOf(k *key) signing {
	switch k.signer.Public().(type) {
	case *rsa.PublicKey:
		return rsaSHA256()
	case interface{ Equal(crypto.PublicKey) bool }:
		if len(k.spki) == 44 { // Ed25519's size
			return ed25519Signing()
		}
	}
	return ecdsaSHA256()
}

func (g *maker) ecKey() *key { return ecKey(g.source, elliptic.P256()) }

// ca makes an authority that is certified by issuer, or by itself.
func (g *maker) ca(cn string, issuer *party, edits ...edit) *party {
	k := g.ecKey()
	return g.make(spec{
		subject: name(cn), key: k,
		from: moment(now().AddDate(-5, 0, 0)), until: moment(now().AddDate(5, 0, 0)),
		extensions: []extension{basic(true, -1), keyUsage(keyCertSign | crlSign)},
	}, issuer, true, edits)
}

// leaf makes a server's certificate.
func (g *maker) leaf(issuer *party, edits ...edit) *party {
	return g.make(spec{
		subject: name("server"), key: g.ecKey(),
		from: moment(now().AddDate(0, 0, -30)), until: moment(now().AddDate(0, 0, 60)),
		extensions: []extension{keyUsage(digitalSignature), extendedUsage(serverAuth), alternative(dns(host))},
	}, issuer, false, edits)
}

func (g *maker) make(s spec, issuer *party, ca bool, edits []edit) *party {
	g.serial++
	s.version = context(0, true, integer(2))
	s.serial = integer(append([]byte{0x40}, binary.BigEndian.AppendUint32(nil, g.serial)...)...)
	s.issuer = s.subject
	if issuer != nil {
		s.issuer, s.signer = issuer.subject, issuer.key
	}
	names := s.issuer
	for _, e := range edits {
		e(&s)
	}
	if issuer == nil {
		s.signer = s.key
		if string(names) == string(s.issuer) {
			s.issuer = s.subject
		}
	}
	s.identify(ca)
	if s.algorithm.id == nil {
		s.algorithm = algorithmOf(s.signer)
	}
	return &party{s, s.sign()}
}

// identify adds the key identifiers, unless an edit gave others: of a CA its
// own, of what it issues its issuer's.
func (s *spec) identify(ca bool) {
	has := func(id string) bool {
		return slices.ContainsFunc(s.extensions, func(e extension) bool { return e.id == id })
	}
	if s.extensions == nil || s.unidentified {
		return
	}
	if ca && !has(idSubjectKey) {
		s.extensions = append(s.extensions, ext(idSubjectKey, false, octets(s.key.id())))
	}
	if s.signer != s.key && !has(idAuthorityKey) {
		s.extensions = append(s.extensions, ext(idAuthorityKey, false, seq(context(0, false, s.signer.id()))))
	}
}

func (k *key) id() []byte {
	sum := sha1.Sum(k.spki)
	return sum[:]
}

// sign writes the certificate.
func (s *spec) sign() []byte {
	inner := s.algorithm.id
	if s.inner != nil {
		inner = s.inner
	}
	fields := [][]byte{s.version, s.serial, inner, s.issuer, seq(s.from, s.until), s.subject, s.key.spki}
	if s.extensions != nil {
		var list [][]byte
		for _, e := range s.extensions {
			list = append(list, e.encode())
		}
		fields = append(fields, context(3, true, seq(list...)))
	}
	tbs := seq(append(fields, s.after)...)
	signature := s.signature(tbs)
	if s.flip {
		signature[len(signature)-1] ^= 1
	}
	return seq(tbs, s.algorithm.id, tlv(cbasn1.BIT_STRING, []byte{0}, signature))
}

// signature signs without chance: a nil source makes ECDSA deterministic (RFC
// 6979), and of the other schemes only PSS wants any, for its salt.
func (s *spec) signature(tbs []byte) []byte {
	digest := tbs
	if h := s.algorithm.opts.HashFunc(); h != 0 {
		w := h.New()
		w.Write(tbs)
		digest = w.Sum(nil)
	}
	var salt io.Reader
	if _, pss := s.algorithm.opts.(*rsa.PSSOptions); pss {
		salt = bytes.NewReader(make([]byte, 1024))
	}
	signature, err := s.signer.signer.Sign(salt, digest, s.algorithm.opts)
	if err != nil {
		panic("corpus: signing: " + err.Error())
	}
	return signature
}

// The edits. set replaces an extension or adds it, drop takes it away.
func set(extensions ...extension) edit {
	return func(s *spec) {
		for _, e := range extensions {
			drop(e.id)(s)
			s.extensions = append(s.extensions, e)
		}
	}
}

func drop(id string) edit {
	return func(s *spec) {
		s.extensions = slices.DeleteFunc(slices.Clone(s.extensions), func(e extension) bool { return e.id == id })
	}
}

func named(names ...[]byte) edit { return set(alternative(names...)) }

func valid(from, until time.Time) edit {
	return func(s *spec) { s.from, s.until = moment(from), moment(until) }
}

func withKey(k *key) edit { return func(s *spec) { s.key = k } }

func withSubject(n []byte) edit { return func(s *spec) { s.subject = n } }

func withSerial(der []byte) edit { return func(s *spec) { s.serial = der } }
