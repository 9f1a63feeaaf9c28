// Memory: certificates that were read and signatures that were verified. Most
// servers of a run show the same few, and one server shows its own again and again.

package chain

import (
	"bytes"
	"crypto/sha256"
	"sync"
)

// maxRemembered bounds how much is kept of either; what is full begins anew.
// maxRememberedBytes is the largest certificate that is kept.
const (
	maxRemembered      = 256
	maxRememberedBytes = 8 << 10
)

// memory is what is known of certificates by their bytes alone. Its zero value is
// ready; it may be used by many goroutines at once.
type memory struct {
	mu       sync.Mutex
	certs    map[[sha256.Size]byte]*cert
	verdicts map[signed]verdict
}

// signed is a certificate and one whose key may have signed it.
type signed struct{ cert, issuer [sha256.Size]byte }

// parse reads a certificate once. Nobody changes what it gives.
func (m *memory) parse(der []byte) *cert {
	if len(der) > maxRememberedBytes {
		return parse(der)
	}
	sum := sha256.Sum256(der)
	m.mu.Lock()
	c := m.certs[sum]
	m.mu.Unlock()
	if c != nil {
		return c
	}
	c = parse(bytes.Clone(der)) // not with the message that it stands in
	m.mu.Lock()
	defer m.mu.Unlock()
	m.certs = remember(m.certs, sum, c)
	return c
}

// verify checks a signature once.
func (m *memory) verify(c, issuer *cert) verdict {
	pair := signed{c.sum, issuer.sum}
	m.mu.Lock()
	v, known := m.verdicts[pair]
	m.mu.Unlock()
	if known {
		return v
	}
	v = verify(c, issuer)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.verdicts = remember(m.verdicts, pair, v)
	return v
}

func remember[K [sha256.Size]byte | signed, V any](m map[K]V, k K, v V) map[K]V {
	if m == nil || len(m) >= maxRemembered {
		m = map[K]V{}
	}
	m[k] = v
	return m
}
