// Name constraints (RFC 5280 §4.2.1.10): which names a CA may certify.

package chain

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// nameForm is the tag of a GeneralName (RFC 5280 §4.2.1.6).
type nameForm uint8

const (
	formEmail     nameForm = 1
	formDNS       nameForm = 2
	formDirectory nameForm = 4
	formURI       nameForm = 6
	formIP        nameForm = 7
)

// generalName is a name, or the base of a subtree of names.
type generalName struct {
	form  nameForm
	value []byte
}

// nameConstraints are the subtrees that a CA's names must, and must not, lie in.
type nameConstraints struct {
	permitted, excluded []generalName
}

// maxCompared bounds in bytes the work that one chain may cause by many names
// under many constraints; beyond it a chain is in violation.
const maxCompared = 32 << 20

func readGeneralNames(der []byte) ([]generalName, bool) {
	in := cryptobyte.String(der)
	var list cryptobyte.String
	if !in.ReadASN1(&list, asn1.SEQUENCE) {
		return nil, false
	}
	var names []generalName
	for !list.Empty() {
		name, ok := readGeneralName(&list)
		if !ok {
			return nil, false
		}
		names = append(names, name)
	}
	return names, true
}

func readGeneralName(in *cryptobyte.String) (generalName, bool) {
	var value cryptobyte.String
	var tag asn1.Tag
	if !in.ReadAnyASN1(&value, &tag) {
		return generalName{}, false
	}
	const number = 0x1f
	return generalName{nameForm(tag & number), value}, tag&^number == asn1.Tag(0).ContextSpecific() || tag&^number == asn1.Tag(0).ContextSpecific().Constructed()
}

func readNameConstraints(der []byte) (*nameConstraints, bool) {
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, asn1.SEQUENCE) {
		return nil, false
	}
	permitted, ok1 := readSubtrees(&seq, 0)
	excluded, ok2 := readSubtrees(&seq, 1)
	return &nameConstraints{permitted, excluded}, ok1 && ok2
}

func readSubtrees(in *cryptobyte.String, tag asn1.Tag) ([]generalName, bool) {
	var list cryptobyte.String
	var present bool
	if !in.ReadOptionalASN1(&list, &present, tag.ContextSpecific().Constructed()) {
		return nil, false
	}
	var bases []generalName
	for !list.Empty() {
		var subtree cryptobyte.String
		if !list.ReadASN1(&subtree, asn1.SEQUENCE) {
			return nil, false
		}
		// Minimum and maximum are not used (RFC 5280 §4.2.1.10).
		base, ok := readGeneralName(&subtree)
		if !ok || !subtree.Empty() {
			return nil, false
		}
		bases = append(bases, base)
	}
	return bases, true
}

// allows reports whether c's names lie where the constraints let them; budget
// is how much may still be compared.
func (nc *nameConstraints) allows(c *cert, budget *int) bool {
	names := c.names
	if !emptyName(c.x.RawSubject) {
		names = append(slices.Clip(names), generalName{formDirectory, c.x.RawSubject})
		names = append(names, c.subjectEmails()...)
	}
	bases := slices.Concat(nc.permitted, nc.excluded)
	for _, name := range names {
		for _, base := range bases {
			*budget -= len(name.value) + len(base.value) + 1
		}
		if *budget < 0 || !nc.allowsName(name) {
			return false
		}
	}
	return true
}

// subjectEmails are the mailboxes in the subject of a certificate that has none
// among its alternative names: constraints hold for them too (§4.2.1.10).
func (c *cert) subjectEmails() (emails []generalName) {
	if slices.ContainsFunc(c.names, func(n generalName) bool { return n.form == formEmail }) {
		return nil
	}
	for _, rdn := range relativeNames(c.x.RawSubject) {
		for in := cryptobyte.String(rdn); !in.Empty(); {
			var attribute, value cryptobyte.String
			var tag asn1.Tag
			if !in.ReadASN1(&attribute, asn1.SEQUENCE) {
				return emails
			}
			if id, ok := readOID(&attribute); ok && id == "1.2.840.113549.1.9.1" && attribute.ReadAnyASN1(&value, &tag) {
				emails = append(emails, generalName{formEmail, value})
			}
		}
	}
	return emails
}

// allowsName takes a form of name that it cannot compare as a violation, as
// RFC 5280 §4.2.1.10 asks: process the constraint or reject the certificate.
func (nc *nameConstraints) allowsName(name generalName) bool {
	for _, base := range nc.excluded {
		if base.form == name.form && (!comparable(name) || within(name, base, true)) {
			return false
		}
	}
	constrained := false
	for _, base := range nc.permitted {
		if base.form != name.form {
			continue
		}
		constrained = true
		if comparable(name) && within(name, base, false) {
			return true
		}
	}
	return !constrained
}

func comparable(name generalName) bool {
	switch name.form {
	case formEmail, formDNS, formDirectory, formIP:
		return true
	case formURI:
		return uriHost(name.value) != ""
	}
	return false
}

// within reports whether name lies in the subtree of base; for an exclusion,
// whether any name that it stands for may.
func within(name, base generalName, any bool) bool {
	switch name.form {
	case formDNS:
		return dnsWithin(lower(name.value), lower(base.value), any)
	case formEmail:
		return emailWithin(string(name.value), string(base.value))
	case formURI:
		return hostWithin(uriHost(name.value), lower(base.value))
	case formIP:
		return ipWithin(name.value, base.value)
	}
	return directoryWithin(name.value, base.value)
}

func lower(b []byte) string { return strings.ToLower(string(b)) }

// dnsWithin: a subtree is its base and what lies below it; a leading dot, which
// the RFC does not know but certificates have, leaves the base out. A wildcard
// stands for every label, and so may lie in a subtree one label below its own.
func dnsWithin(name, base string, any bool) bool {
	if base == "" || name == base || strings.HasSuffix(name, "."+strings.TrimPrefix(base, ".")) {
		return true
	}
	rest, wild := strings.CutPrefix(name, "*.")
	if !any || !wild {
		return false
	}
	_, parent, _ := strings.Cut(base, ".")
	return parent == rest && !strings.HasPrefix(base, ".")
}

// emailWithin: a base is a mailbox, a host, or a domain with a leading dot.
func emailWithin(name, base string) bool {
	at := strings.LastIndexByte(name, '@')
	if at < 0 {
		return false
	}
	host := strings.ToLower(name[at+1:])
	if local, baseHost, found := strings.Cut(base, "@"); found {
		return name[:at] == local && host == strings.ToLower(baseHost)
	}
	return hostWithin(host, strings.ToLower(base))
}

// hostWithin: for e-mail and URIs a base is one host, or with a leading dot
// all below a domain.
func hostWithin(host, base string) bool {
	if strings.HasPrefix(base, ".") {
		return strings.HasSuffix(host, base)
	}
	return base == "" || host == base
}

// uriHost is "" for a URI that has no name of a host to compare.
func uriHost(uri []byte) string {
	u, err := url.Parse(string(uri))
	if err != nil || strings.Contains(u.Host, "[") {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// ipWithin: a base is an address and a mask of its length.
func ipWithin(ip, base []byte) bool {
	if len(base) != 2*len(ip) {
		return false
	}
	for i, mask := range base[len(ip):] {
		if ip[i]&mask != base[i]&mask {
			return false
		}
	}
	return true
}

// directoryWithin: a base is the beginning of the names below it.
func directoryWithin(name, base []byte) bool {
	have, want := relativeNames(name), relativeNames(base)
	if want == nil || len(have) < len(want) {
		return false
	}
	return slices.EqualFunc(have[:len(want)], want, func(a, b []byte) bool { return relativeKey(a) == relativeKey(b) })
}

// relativeNames cuts a Name into its relative names; nil if it is not one.
func relativeNames(der []byte) [][]byte {
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, asn1.SEQUENCE) {
		return nil
	}
	parts := [][]byte{}
	for !seq.Empty() {
		var rdn cryptobyte.String
		if !seq.ReadASN1(&rdn, asn1.SET) {
			return nil
		}
		parts = append(parts, rdn)
	}
	return parts
}
