// DER by hand: what certificates are made of, right and wrong.

package corpus

import (
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// tlv is one element of DER.
func tlv(tag cbasn1.Tag, parts ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, part := range parts {
			b.AddBytes(part)
		}
	})
	return b.BytesOrPanic()
}

func seq(parts ...[]byte) []byte { return tlv(cbasn1.SEQUENCE, parts...) }

func context(n uint8, constructed bool, parts ...[]byte) []byte {
	tag := cbasn1.Tag(n).ContextSpecific()
	if constructed {
		tag = tag.Constructed()
	}
	return tlv(tag, parts...)
}

func octets(parts ...[]byte) []byte { return tlv(cbasn1.OCTET_STRING, parts...) }

func integer(content ...byte) []byte { return tlv(cbasn1.INTEGER, content) }

func boolean(yes bool) []byte {
	if yes {
		return []byte{1, 1, 0xff}
	}
	return []byte{1, 1, 0}
}

func oid(dotted string) []byte {
	var id asn1.ObjectIdentifier
	for part := range strings.SplitSeq(dotted, ".") {
		n := 0
		fmt.Sscan(part, &n)
		id = append(id, n)
	}
	var b cryptobyte.Builder
	b.AddASN1ObjectIdentifier(id)
	return b.BytesOrPanic()
}

func unhex(s string) []byte {
	raw, err := hex.DecodeString(s)
	if err != nil {
		panic("corpus: " + err.Error())
	}
	return raw
}

// name has a common name, in the string type of a tag.
func name(cn string) []byte { return nameAs(cbasn1.UTF8String, cn) }

func nameAs(tag cbasn1.Tag, cn string) []byte {
	return seq(tlv(cbasn1.SET, seq(oid("2.5.4.3"), tlv(tag, []byte(cn)))))
}

// organization is a name of an organization and a unit of it, if there is one.
func organization(o string, units ...string) []byte {
	parts := [][]byte{tlv(cbasn1.SET, seq(oid("2.5.4.10"), tlv(cbasn1.UTF8String, []byte(o))))}
	for _, u := range units {
		parts = append(parts, tlv(cbasn1.SET, seq(oid("2.5.4.11"), tlv(cbasn1.UTF8String, []byte(u)))))
	}
	return seq(parts...)
}

// moment is a time as RFC 5280 §4.1.2.5 wants it.
func moment(t time.Time) []byte {
	if t.Year() < 2050 {
		return utc(t.UTC().Format("060102150405Z"))
	}
	return generalized(t.UTC().Format("20060102150405Z"))
}

func utc(s string) []byte { return tlv(cbasn1.UTCTime, []byte(s)) }

func generalized(s string) []byte { return tlv(cbasn1.GeneralizedTime, []byte(s)) }

// General names (RFC 5280 §4.2.1.6).
func dns(s string) []byte { return context(2, false, []byte(s)) }

func email(s string) []byte { return context(1, false, []byte(s)) }

func uri(s string) []byte { return context(6, false, []byte(s)) }

func ip(s string) []byte { return context(7, false, netip.MustParseAddr(s).AsSlice()) }

func directory(n []byte) []byte { return context(4, true, n) }

func otherName() []byte {
	return context(0, true, oid("1.3.6.1.4.1.311.20.2.3"), context(0, true, tlv(cbasn1.UTF8String, []byte("a@b"))))
}

// subnet is an iPAddress as constraints have it: with its mask.
func subnet(s string) []byte {
	p := netip.MustParsePrefix(s)
	mask := make([]byte, len(p.Addr().AsSlice()))
	for i := range p.Bits() {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	return context(7, false, p.Addr().AsSlice(), mask)
}

// ext is one extension.
func ext(id string, critical bool, value []byte) extension { return extension{id, critical, value} }

type extension struct {
	id       string
	critical bool
	value    []byte
}

func (e extension) encode() []byte {
	if e.critical {
		return seq(oid(e.id), boolean(true), octets(e.value))
	}
	return seq(oid(e.id), octets(e.value))
}

const (
	idSubjectKey    = "2.5.29.14"
	idKeyUsage      = "2.5.29.15"
	idAlternative   = "2.5.29.17"
	idBasic         = "2.5.29.19"
	idConstraints   = "2.5.29.30"
	idPolicies      = "2.5.29.32"
	idMappings      = "2.5.29.33"
	idAuthorityKey  = "2.5.29.35"
	idPolicyLimits  = "2.5.29.36"
	idExtendedUsage = "2.5.29.37"
	idInhibitAny    = "2.5.29.54"
	idAccess        = "1.3.6.1.5.5.7.1.1"
	idUnheardOf     = "1.3.6.1.4.1.99999.1"

	serverAuth = "1.3.6.1.5.5.7.3.1"
	clientAuth = "1.3.6.1.5.5.7.3.2"
	signsCode  = "1.3.6.1.5.5.7.3.3"
	anyUsage   = "2.5.29.37.0"
	gatedCrypt = "2.16.840.1.113730.4.1" // Netscape's step-up
)

func alternative(names ...[]byte) extension { return ext(idAlternative, false, seq(names...)) }

func extendedUsage(ids ...string) extension {
	var list [][]byte
	for _, id := range ids {
		list = append(list, oid(id))
	}
	return ext(idExtendedUsage, false, seq(list...))
}

// Key usages, by their bit from the highest (RFC 5280 §4.2.1.3).
const (
	digitalSignature = 0x80
	keyEncipherment  = 0x20
	keyAgreement     = 0x08
	keyCertSign      = 0x04
	crlSign          = 0x02
)

func keyUsage(bits byte) extension {
	unused := byte(0)
	for b := bits; b != 0 && b&1 == 0; b >>= 1 {
		unused++
	}
	return ext(idKeyUsage, true, tlv(cbasn1.BIT_STRING, []byte{unused, bits}))
}

// basic are basic constraints; a path length below zero is none.
func basic(ca bool, pathLength int) extension {
	var parts [][]byte
	if ca {
		parts = append(parts, boolean(true))
	}
	if pathLength >= 0 {
		parts = append(parts, integer(byte(pathLength)))
	}
	return ext(idBasic, true, seq(parts...))
}

func permit(bases ...[]byte) extension { return subtrees(0, bases) }

func exclude(bases ...[]byte) extension { return subtrees(1, bases) }

func subtrees(tag uint8, bases [][]byte) extension {
	return ext(idConstraints, true, seq(subtreeList(tag, bases)))
}

func subtreeList(tag uint8, bases [][]byte) []byte {
	var list [][]byte
	for _, base := range bases {
		list = append(list, seq(base))
	}
	return context(tag, true, list...)
}
