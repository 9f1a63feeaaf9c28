// Distinguished names as text, after RFC 4514.

package chain

import (
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Name writes a DER Name as text, as a server lists the authorities whose
// client certificates it wants; "" if it cannot be read.
func Name(der []byte) string { return distinguishedName(der) }

// distinguishedName writes a DER Name, the most specific part first; "" if it
// cannot be read.
func distinguishedName(der []byte) string {
	in := cryptobyte.String(der)
	var rdns cryptobyte.String
	if !in.ReadASN1(&rdns, cbasn1.SEQUENCE) {
		return ""
	}
	var parts []string
	for !rdns.Empty() {
		var rdn cryptobyte.String
		if !rdns.ReadASN1(&rdn, cbasn1.SET) {
			return ""
		}
		part, ok := relativeName(rdn)
		if !ok {
			return ""
		}
		parts = append(parts, part)
	}
	slices.Reverse(parts)
	return strings.Join(parts, ",")
}

func relativeName(rdn cryptobyte.String) (string, bool) {
	var parts []string
	for !rdn.Empty() {
		var attribute, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		var tag cbasn1.Tag
		if !rdn.ReadASN1(&attribute, cbasn1.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&oid) {
			return "", false
		}
		raw := attribute
		if !attribute.ReadAnyASN1(&value, &tag) {
			return "", false
		}
		parts = append(parts, attributeText(oid.String(), tag, value, raw))
	}
	return strings.Join(parts, "+"), true
}

// nameKey is a DER Name in a form in which equal names are equal: text without
// its case, its string type and its needless spaces (RFC 5280 §7.1). What is no
// Name stands for itself.
func nameKey(der []byte) string {
	parts := relativeNames(der)
	if parts == nil {
		return string(der)
	}
	var key strings.Builder
	for _, rdn := range parts {
		key.WriteString(relativeKey(rdn))
		key.WriteByte(0x1e)
	}
	return key.String()
}

func relativeKey(rdn cryptobyte.String) string {
	whole := string(rdn)
	var parts []string
	for !rdn.Empty() {
		var attribute, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		var tag cbasn1.Tag
		if !rdn.ReadASN1(&attribute, cbasn1.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&oid) || !attribute.ReadAnyASN1(&value, &tag) {
			return whole
		}
		text, ok := stringValue(tag, value)
		if !ok || !utf8.ValidString(text) {
			text = string([]byte{byte(tag)}) + string(value)
		} else {
			text = strings.ToLower(strings.Join(strings.Fields(text), " "))
		}
		parts = append(parts, oid.String()+"="+text)
	}
	return strings.Join(parts, "\x1f")
}

// attributeText writes TYPE=value, or OID=#hex for a type without a registered
// name and a value that is no text (RFC 4514 §2.3, §2.4).
func attributeText(oid string, tag cbasn1.Tag, value, raw []byte) string {
	name := attributeName(oid)
	text, ok := stringValue(tag, value)
	if name == "" {
		name, ok = oid, false
	}
	if !ok {
		return name + "=#" + hex.EncodeToString(raw)
	}
	return name + "=" + escapeValue(text)
}

// attributeName is the descriptor of RFC 4514 §3, or the one that IANA's LDAP
// registry holds.
func attributeName(oid string) string {
	switch oid {
	case "2.5.4.3":
		return "CN"
	case "2.5.4.4":
		return "SN"
	case "2.5.4.5":
		return "serialNumber"
	case "2.5.4.6":
		return "C"
	case "2.5.4.7":
		return "L"
	case "2.5.4.8":
		return "ST"
	case "2.5.4.9":
		return "STREET"
	case "2.5.4.10":
		return "O"
	case "2.5.4.11":
		return "OU"
	case "2.5.4.12":
		return "title"
	case "2.5.4.15":
		return "businessCategory"
	case "2.5.4.17":
		return "postalCode"
	case "2.5.4.42":
		return "givenName"
	case "2.5.4.46":
		return "dnQualifier"
	case "2.5.4.97":
		return "organizationIdentifier"
	case "0.9.2342.19200300.100.1.1":
		return "UID"
	case "0.9.2342.19200300.100.1.25":
		return "DC"
	case "1.2.840.113549.1.9.1":
		return "emailAddress"
	}
	return ""
}

// stringValue decodes the string types of X.520; what is not of their
// alphabet is replaced, for it is text to a reader all the same.
func stringValue(tag cbasn1.Tag, value []byte) (string, bool) {
	switch tag {
	case cbasn1.UTF8String, cbasn1.PrintableString, cbasn1.IA5String, 18: // NumericString
		return strings.ToValidUTF8(string(value), "\ufffd"), true
	case cbasn1.T61String: // in practice Latin-1
		runes := make([]rune, len(value))
		for i, b := range value {
			runes[i] = rune(b)
		}
		return string(runes), true
	case 30: // BMPString
		if len(value)%2 != 0 {
			return "", false
		}
		units := make([]uint16, len(value)/2)
		for i := range units {
			units[i] = uint16(value[2*i])<<8 | uint16(value[2*i+1])
		}
		return string(utf16.Decode(units)), true
	}
	return "", false
}

// escapeValue escapes what RFC 4514 §2.4 must have escaped.
func escapeValue(s string) string {
	var b strings.Builder
	for i, r := range s {
		last := i+utf8.RuneLen(r) == len(s)
		switch {
		case r == 0:
			b.WriteString(`\00`)
			continue
		case strings.ContainsRune(`"+,;<>\`, r), i == 0 && (r == ' ' || r == '#'), last && r == ' ':
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
