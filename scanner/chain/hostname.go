// Whether a certificate is valid for a name, after RFC 9525.

package chain

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"

	"shakedown/results"
)

// matchHost compares a server's name with the subject alternative names. The
// common name is never looked at (RFC 9525 §2). A malformed certificate that
// shows no fitting name may hold one in the part that could not be read.
func matchHost(leaf *cert, host string) results.Answer {
	switch {
	case host == "":
		return ""
	case validFor(leaf, host):
		return results.Yes
	case leaf.malformed:
		return results.Unknown
	}
	return results.No
}

func validFor(leaf *cert, host string) bool {
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return validForIP(leaf, ip.WithZone("").Unmap())
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, pattern := range leaf.x.DNSNames {
		if matchName(strings.ToLower(pattern), host) {
			return true
		}
	}
	return false
}

func validForIP(leaf *cert, ip netip.Addr) bool {
	for _, presented := range leaf.x.IPAddresses {
		if p, ok := netip.AddrFromSlice(presented); ok && p.Unmap() == ip {
			return true
		}
	}
	return false
}

// matchName compares in lower case. A wildcard is the whole left-most label
// and stands for exactly one (RFC 9525 §6.3). Directly below a suffix under which
// registries sell names it stands for strangers, and browsers match nothing.
func matchName(pattern, host string) bool {
	if !wellFormed(host) {
		return false
	}
	rest, wild := strings.CutPrefix(pattern, "*.")
	if !wild {
		return pattern == host
	}
	_, hostRest, found := strings.Cut(host, ".")
	return found && wellFormed(rest) && rest == hostRest && !registry(rest)
}

// registry knows the suffixes of registries; those of private owners, such as
// a cloud's, are their owner's to certify, and what is not listed at all is an
// intranet's.
func registry(name string) bool {
	suffix, icann := publicsuffix.PublicSuffix(name)
	return icann && suffix == name
}

// wellFormed reports whether a name is labels between dots, none empty.
func wellFormed(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || strings.Contains(label, "*") {
			return false
		}
	}
	return true
}
