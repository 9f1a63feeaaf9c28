// Packing: an endpoint record taken apart into what stays the same from run to
// run, which is kept once, its certificates, which many endpoints share, and
// the few numbers that always differ.

package store

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"shakedown/results"
)

// packed is a record as it is kept. Without passing, body is the whole record
// as a line of JSON.
type packed struct {
	body         []byte
	certificates [][]byte // DER
	passing      *passing
}

// passing is what differs though nothing changed.
type passing struct {
	startedAt   int64 // ns since 1970
	elapsedMS   float64
	connections int
}

func pack(r results.Record) (packed, error) {
	e, ok := r.(*results.Endpoint)
	if !ok || e.StartedAt.IsZero() {
		line, err := results.Marshal(r)
		return packed{body: line}, err
	}
	p := packed{passing: &passing{e.StartedAt.UnixNano(), e.ElapsedMS, e.Connections}}
	lasting := *e
	lasting.StartedAt, lasting.ElapsedMS, lasting.Connections = time.Time{}, 0, 0
	lasting.Chains = slices.Clone(e.Chains)
	for i := range lasting.Chains {
		lasting.Chains[i].Certificates = p.take(lasting.Chains[i].Certificates)
	}
	var err error
	p.body, err = results.Marshal(&lasting)
	return p, err
}

// take takes the bytes out of certificates that can be found again by their
// hash.
func (p *packed) take(certificates []results.Cert) []results.Cert {
	rest := slices.Clone(certificates)
	for i, c := range rest {
		if sum := sha256.Sum256(c.DER); len(c.DER) > 0 && hex.EncodeToString(sum[:]) == c.SHA256 {
			p.certificates = append(p.certificates, c.DER)
			rest[i].DER = nil
		}
	}
	return rest
}

// unpack puts a record together again.
func unpack(p packed) (results.Record, error) {
	if p.passing != nil {
		return lastingEndpoint(p)
	}
	r, err := results.Unmarshal(p.body)
	if err != nil {
		err = damaged(err)
	}
	return r, err
}

// lastingEndpoint puts an endpoint record together again; without its passing
// numbers where it was kept as a line.
func lastingEndpoint(p packed) (*results.Endpoint, error) {
	r, err := results.Unmarshal(p.body)
	e, ok := r.(*results.Endpoint)
	if err != nil || !ok {
		return nil, damaged(err)
	}
	if e.StartedAt.IsZero() {
		e.StartedAt = time.Unix(0, p.passing.startedAt).UTC()
		e.ElapsedMS, e.Connections = p.passing.elapsedMS, p.passing.connections
	}
	certificates := byHash(p.certificates)
	for _, chain := range e.Chains {
		for i := range chain.Certificates {
			if c := &chain.Certificates[i]; c.DER == nil {
				c.DER = certificates[c.SHA256]
			}
		}
	}
	return e, nil
}

func damaged(err error) error { return fmt.Errorf("a record in the store is damaged: %v", err) }

// line is the record as a line of JSON.
func (p packed) line() ([]byte, error) {
	if p.passing == nil {
		return p.body, nil
	}
	r, err := unpack(p)
	if err != nil {
		return nil, err
	}
	return results.Marshal(r)
}

// packLine packs a record that was read from a line, so that the same line
// comes out again: as it stands where our types do not say all of it.
func packLine(r results.Record, line []byte) (packed, error) {
	p, err := pack(r)
	if err != nil {
		return p, err
	}
	again, err := p.line()
	if err == nil && !bytes.Equal(again, line) {
		return packed{body: line}, nil
	}
	return p, err
}

// byHash finds certificates by their SHA-256 in lower-case hex.
func byHash(certificates [][]byte) map[string][]byte {
	m := make(map[string][]byte, len(certificates))
	for _, der := range certificates {
		sum := sha256.Sum256(der)
		m[hex.EncodeToString(sum[:])] = der
	}
	return m
}

// maxBody bounds what a body is inflated to.
const maxBody = 64 << 20

// press is room to compress in, a megabyte of it, which is used again.
type press struct{ pool sync.Pool }

func (p *press) deflate(body []byte) []byte {
	var b bytes.Buffer
	w, ok := p.pool.Get().(*flate.Writer)
	if ok {
		w.Reset(&b)
	} else {
		w, _ = flate.NewWriter(&b, flate.BestCompression) // the level is a good one
	}
	w.Write(body)
	w.Close()
	p.pool.Put(w)
	return b.Bytes()
}

func inflate(body []byte) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(body)), maxBody))
	if err != nil {
		return nil, damaged(err)
	}
	return out, nil
}
