// The system's trust anchors: found, and each read only when it is asked for. A
// scan needs one or two of some 150.

package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// anchor is a trust anchor. read gives nil if it is of no use.
type anchor struct {
	sum     [sha256.Size]byte
	subject string // as nameKey has it
	read    func() *cert
}

// publicAnchor is one of the system's; nil if it has no subject.
func publicAnchor(der []byte) *anchor {
	subject := subjectOf(der)
	if subject == nil {
		return nil
	}
	return &anchor{sum: sha256.Sum256(der), subject: nameKey(subject), read: sync.OnceValue(func() *cert {
		c := parse(der)
		if c.x == nil || c.malformed {
			return nil
		}
		c.public = true
		return c
	})}
}

// subjectOf is the subject of a certificate, as DER, without reading what else is
// in it (RFC 5280 §4.1).
func subjectOf(der []byte) []byte {
	var subject cryptobyte.String
	if rest, ok := FromSubject(der); !ok || !rest.ReadASN1Element(&subject, cbasn1.SEQUENCE) {
		return nil
	}
	return subject
}

// FromSubject is a certificate from its subject on, without what stands before it
// having been looked at (RFC 5280 §4.1); false if it is none.
func FromSubject(der []byte) (rest cryptobyte.String, ok bool) {
	in := cryptobyte.String(der)
	var whole, tbs cryptobyte.String
	ok = in.ReadASN1(&whole, cbasn1.SEQUENCE) && whole.ReadASN1(&tbs, cbasn1.SEQUENCE) &&
		tbs.SkipOptionalASN1(cbasn1.Tag(0).Constructed().ContextSpecific()) && // version
		tbs.SkipASN1(cbasn1.INTEGER) && // serial number
		tbs.SkipASN1(cbasn1.SEQUENCE) && // signature
		tbs.SkipASN1(cbasn1.SEQUENCE) && // issuer
		tbs.SkipASN1(cbasn1.SEQUENCE) // validity
	return tbs, ok
}

// systemAnchors gives what is in the places in which Go's crypto/x509 looks, with
// the variables that it heeds, so that both trust alike, as DER. (A CertPool of
// the library would not tell what it holds.)
func systemAnchors() (ders [][]byte) {
	seen := map[string]bool{} // as they are written: most stand in a bundle and in a folder
	var room []byte           // for one file after the other
	take := func(file string) bool {
		data, err := readFile(file, room)
		if err != nil {
			return false
		}
		for _, piece := range pieces(data) {
			if !seen[string(piece)] {
				seen[string(piece)] = true
				ders = append(ders, certificates(piece)...)
			}
		}
		room = data[:0]
		return true
	}
	for _, file := range systemFiles() {
		if take(file) {
			break
		}
	}
	for _, dir := range systemFolders() {
		entries, _ := os.ReadDir(dir) // a folder that is not there holds nothing
		for _, e := range entries {
			if name := filepath.Join(dir, e.Name()); !staysHere(name, e) {
				take(name)
			}
		}
	}
	return ders
}

// staysHere reports whether a file is only another name, that of the subject's
// hash, for one of the same folder.
func staysHere(name string, e os.DirEntry) bool {
	if e.Type()&os.ModeSymlink == 0 || filepath.Ext(name) == ".pem" || filepath.Ext(name) == ".crt" {
		return false
	}
	to, err := os.Readlink(name)
	return err == nil && !strings.Contains(to, "/")
}

// certificates gives those of a piece. Nearly all are written plainly, which takes
// encoding/pem several looks to find out.
func certificates(piece []byte) [][]byte {
	text, begins := bytes.CutPrefix(piece, []byte("-----BEGIN CERTIFICATE-----\n"))
	text, ends := bytes.CutSuffix(text, []byte("\n-----END CERTIFICATE-----"))
	der := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(der, text)
	if !begins || !ends || err != nil {
		return splitPEM(bytes.Clone(piece))
	}
	return [][]byte{der[:n]}
}

// pieces cuts PEM text behind the end of each block; what is no PEM stays whole.
func pieces(data []byte) (all [][]byte) {
	end := []byte("\n-----END ")
	for {
		i := bytes.Index(data, end)
		if i < 0 {
			return append(all, bytes.TrimSpace(data))
		}
		i += len(end)
		if line := bytes.IndexByte(data[i:], '\n'); line >= 0 {
			i += line + 1
		} else {
			i = len(data)
		}
		all = append(all, bytes.TrimSpace(data[:i]))
		data = data[i:]
	}
}

func systemFiles() []string {
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		return []string{file}
	}
	return []string{
		"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Arch
		"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, Amazon Linux
		"/etc/ssl/ca-bundle.pem",                            // openSUSE
		"/etc/pki/tls/cacert.pem",                           // OpenELEC
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL, CentOS
		"/etc/ssl/cert.pem",                                 // Alpine, macOS, BSD
	}
}

func systemFolders() []string {
	if dirs := os.Getenv("SSL_CERT_DIR"); dirs != "" {
		return strings.Split(dirs, ":")
	}
	return []string{"/etc/ssl/certs", "/etc/pki/tls/certs"}
}
