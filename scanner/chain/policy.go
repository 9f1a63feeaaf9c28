// Certificate policies (RFC 5280 §6.1): does a chain keep what its CAs demand
// of policies below them? TLS clients demand none themselves, so any policy
// will do, and the tree of §6.1.2 needs only the level that is being built.

package chain

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const anyPolicy = "2.5.29.32.0"

// maxPolicies bounds the policies and mappings of one certificate; who has more
// counts as malformed.
const maxPolicies = 200

// policies are what a certificate says of them. The numbers are how many
// certificates further down a demand begins to hold; absent is none.
type policies struct {
	present                                     bool
	asserted                                    []string
	mappings                                    [][2]string // from the issuer's to the subject's
	requireExplicit, inhibitMapping, inhibitAny int
}

const absent = -1

func (c *cert) readPolicies() (ok bool) {
	p := &c.policies
	p.requireExplicit, p.inhibitMapping, p.inhibitAny = absent, absent, absent
	ok = true
	if der := extension(c.x, 32); der != nil {
		p.present = true
		ok = eachSequence(der, func(info *cryptobyte.String) bool {
			id, ok := readOID(info)
			p.asserted = append(p.asserted, id)
			return ok && len(p.asserted) <= maxPolicies
		})
	}
	if der := extension(c.x, 33); der != nil {
		ok = ok && eachSequence(der, func(pair *cryptobyte.String) bool {
			from, ok1 := readOID(pair)
			to, ok2 := readOID(pair)
			p.mappings = append(p.mappings, [2]string{from, to})
			return ok1 && ok2 && len(p.mappings) <= maxPolicies
		})
	}
	return ok && p.readLimits(extension(c.x, 36), extension(c.x, 54))
}

// readLimits reads policy constraints and inhibit anyPolicy (§4.2.1.11, §4.2.1.14).
func (p *policies) readLimits(constraints, inhibit []byte) bool {
	if constraints != nil {
		in := cryptobyte.String(constraints)
		var seq cryptobyte.String
		if !in.ReadASN1(&seq, cbasn1.SEQUENCE) ||
			!readSkip(&seq, 0, &p.requireExplicit) || !readSkip(&seq, 1, &p.inhibitMapping) {
			return false
		}
	}
	if inhibit != nil {
		in := cryptobyte.String(inhibit)
		return in.ReadASN1Integer(&p.inhibitAny) && p.inhibitAny >= 0
	}
	return true
}

// readSkip reads an optional SkipCerts with an implicit tag.
func readSkip(in *cryptobyte.String, tag uint8, out *int) bool {
	var value cryptobyte.String
	var present bool
	if !in.ReadOptionalASN1(&value, &present, cbasn1.Tag(tag).ContextSpecific()) {
		return false
	}
	if !present {
		return true
	}
	if len(value) == 0 || value[0]&0x80 != 0 {
		return false
	}
	*out = 0
	for _, b := range value {
		*out = min(*out<<8|int(b), 1<<20) // far beyond any path
	}
	return true
}

func eachSequence(der []byte, visit func(*cryptobyte.String) bool) bool {
	in := cryptobyte.String(der)
	var list cryptobyte.String
	if !in.ReadASN1(&list, cbasn1.SEQUENCE) {
		return false
	}
	for !list.Empty() {
		var one cryptobyte.String
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) || !visit(&one) {
			return false
		}
	}
	return true
}

func readOID(in *cryptobyte.String) (string, bool) {
	var id asn1.ObjectIdentifier
	ok := in.ReadASN1ObjectIdentifier(&id)
	return id.String(), ok
}

// policyState is what §6.1.2 d-f calls its counters, and the lowest level of
// its tree: each valid policy with those that are expected in its place below.
type policyState struct {
	explicit, mapping, any int
	level                  map[string]map[string]bool
}

// violatesPolicies walks an anchored path from below its anchor to the leaf.
func violatesPolicies(p path) bool {
	n := len(p.certs) - 1
	s := &policyState{n + 1, n + 1, n + 1, map[string]map[string]bool{anyPolicy: {anyPolicy: true}}}
	for i := n - 1; i >= 0; i-- {
		c, last := p.certs[i], i == 0
		s.descend(c, s.any > 0 || !last && c.selfIssued())
		if s.explicit == 0 && len(s.level) == 0 {
			return true
		}
		if !last && !s.prepare(c) {
			return true
		}
	}
	// Wrapping up (§6.1.5 a, b).
	s.explicit = max(0, s.explicit-1)
	if n > 0 && p.certs[0].policies.requireExplicit == 0 {
		s.explicit = 0
	}
	return s.explicit == 0 && len(s.level) == 0
}

// descend makes the next level of what a certificate asserts (§6.1.3 d, e).
func (s *policyState) descend(c *cert, takesAny bool) {
	next := map[string]map[string]bool{}
	expected := map[string]bool{}
	for _, set := range s.level {
		for id := range set {
			expected[id] = true
		}
	}
	any := false
	for _, id := range c.policies.asserted {
		switch {
		case id == anyPolicy:
			any = takesAny
		case expected[id], s.level[anyPolicy] != nil:
			next[id] = map[string]bool{id: true}
		}
	}
	for id := range expected {
		if any && next[id] == nil {
			next[id] = map[string]bool{id: true}
		}
	}
	s.level = next
}

// prepare is §6.1.4 a, b, h-j; false where a mapping is not allowed.
func (s *policyState) prepare(c *cert) bool {
	mapped := map[string]map[string]bool{}
	for _, m := range c.policies.mappings {
		if m[0] == anyPolicy || m[1] == anyPolicy {
			return false
		}
		if mapped[m[0]] == nil {
			mapped[m[0]] = map[string]bool{}
		}
		mapped[m[0]][m[1]] = true
	}
	for from, to := range mapped {
		switch {
		case s.mapping == 0:
			delete(s.level, from)
		case s.level[from] != nil, s.level[anyPolicy] != nil:
			s.level[from] = to
		}
	}
	if !c.selfIssued() {
		s.explicit, s.mapping, s.any = max(0, s.explicit-1), max(0, s.mapping-1), max(0, s.any-1)
	}
	tighten(&s.explicit, c.policies.requireExplicit)
	tighten(&s.mapping, c.policies.inhibitMapping)
	tighten(&s.any, c.policies.inhibitAny)
	return true
}

func tighten(counter *int, limit int) {
	if limit != absent {
		*counter = min(*counter, limit)
	}
}
