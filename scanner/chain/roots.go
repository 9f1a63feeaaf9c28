// Trust anchors: the system's, and files beside or instead of them.

package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"sync"
)

// maxFile bounds a file of certificates; the largest bundles have 1 MB.
const maxFile = 16 << 20

// Roots are trust anchors. They may be used by many goroutines at once.
type Roots struct {
	files  []*cert
	system bool

	// The system's are read once, when a chain first needs them or is expected: it
	// takes longer than judging a hundred chains.
	once    sync.Once
	expects sync.Once
	byName  map[string][]*anchor
	bySum   map[[sha256.Size]byte]*anchor
	missing error

	memory memory // of what chains brought
}

// LoadRoots gives the system's trust anchors and those of PEM or DER files.
// The system's are not read before a chain needs them.
func LoadRoots(files []string) (*Roots, error) {
	r, err := OnlyRoots(files)
	if err != nil {
		return nil, err
	}
	r.system = true
	return r, nil
}

// OnlyRoots gives the trust anchors of PEM or DER files and no others.
func OnlyRoots(files []string) (*Roots, error) {
	r := &Roots{}
	for _, file := range files {
		anchors, err := readAnchors(file)
		if err != nil {
			return nil, err
		}
		r.files = append(r.files, anchors...)
	}
	return r, nil
}

// Expect says that a chain will come: what it needs is read meanwhile.
func (r *Roots) Expect() { r.expects.Do(func() { go r.load() }) }

// SystemError says why the system's trust anchors are missing, if they were
// asked for and not one was found: then `trusted` is unknown for what the
// others do not vouch for.
func (r *Roots) SystemError() error {
	r.load()
	return r.missing
}

// ReadFile reads the certificates of a PEM or DER file, as DER and unparsed,
// in the file's order.
func ReadFile(file string) ([][]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading certificates: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading certificates: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("reading certificates: %s is larger than %d MB", file, maxFile>>20)
	}
	ders := splitPEM(data)
	if len(ders) == 0 {
		return nil, fmt.Errorf("reading certificates: %s holds none: give a PEM file with CERTIFICATE blocks, or one certificate as DER", file)
	}
	return ders, nil
}

// splitPEM gives the certificates of PEM text, or data itself if it begins as
// DER does.
func splitPEM(data []byte) [][]byte {
	var ders [][]byte
	if bytes.HasPrefix(data, []byte{0x30, 0x82}) {
		return append(ders, data)
	}
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return ders
		}
		if block.Type == "CERTIFICATE" || block.Type == "X509 CERTIFICATE" {
			ders = append(ders, block.Bytes)
		}
	}
}

// readAnchors is strict: who names a file wants all that it holds.
func readAnchors(file string) ([]*cert, error) {
	ders, err := ReadFile(file)
	if err != nil {
		return nil, err
	}
	var anchors []*cert
	for i, der := range ders {
		c := parse(der)
		if c.x == nil {
			return nil, fmt.Errorf("reading trust anchors: certificate %d of %s does not parse: remove it or write the file anew", i+1, file)
		}
		anchors = append(anchors, c)
	}
	return anchors, nil
}

// load indexes the anchors, finding the system's if they are wanted.
func (r *Roots) load() {
	r.once.Do(func() {
		r.byName, r.bySum = map[string][]*anchor{}, map[[sha256.Size]byte]*anchor{}
		if r.system {
			for _, der := range systemAnchors() {
				r.add(publicAnchor(der))
			}
			if len(r.bySum) == 0 {
				r.missing = fmt.Errorf("no trust anchors of the system found: install ca-certificates, or set SSL_CERT_FILE")
			}
		}
		for _, c := range r.files {
			r.add(&anchor{sum: c.sum, subject: c.subject, read: func() *cert { return c }})
		}
	})
}

func (r *Roots) add(a *anchor) {
	if a == nil || r.bySum[a.sum] != nil {
		return
	}
	r.bySum[a.sum] = a
	r.byName[a.subject] = append(r.byName[a.subject], a)
}

// find gives the anchor that is c, nil if there is none.
func (r *Roots) find(c *cert) *cert { return r.summed(c.sum) }

func (r *Roots) summed(sum [sha256.Size]byte) *cert {
	r.load()
	if a := r.bySum[sum]; a != nil {
		return a.read()
	}
	return nil
}

// named gives the anchors of a subject, as nameKey has it.
func (r *Roots) named(subject string) (certs []*cert) {
	r.load()
	for _, a := range r.byName[subject] {
		if c := a.read(); c != nil {
			certs = append(certs, c)
		}
	}
	return certs
}

// Named gives the trust anchors of a subject, both as DER.
func (r *Roots) Named(subject []byte) (ders [][]byte) {
	for _, c := range r.named(nameKey(subject)) {
		ders = append(ders, c.der)
	}
	return ders
}

// Has reports whether a certificate, as DER, is a trust anchor.
func (r *Roots) Has(der []byte) bool {
	return r.summed(sha256.Sum256(der)) != nil
}
