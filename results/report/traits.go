// Traits that a suite's or group's registered name tells. They are hints for
// the eye; judging is the work of profiles.

package report

import (
	"strings"

	"shakedown/results"
)

// traits are what a suite's name says of its strength.
type traits struct {
	ForwardSecret, AEAD, Weak bool
}

// traitsOf reads an IANA name. Suites of TLS 1.3 name no key exchange: it is
// ephemeral always (RFC 8446 §1.2), except in a PSK-only handshake, which a
// scan does not make.
func traitsOf(name string) traits {
	tls13 := strings.HasPrefix(name, "TLS_") && !strings.Contains(name, "_WITH_")
	hashAlone := tls13 && strings.HasPrefix(name, "TLS_SHA") // nothing is encrypted (RFC 9150 §4)
	return traits{
		ForwardSecret: tls13 || contains(name, "_ECDHE_", "_DHE_") && !contains(name, "_anon_"),
		AEAD:          contains(name, "_GCM_", "_CCM", "_POLY1305_", "_OCB_") || strings.HasSuffix(name, "_GCM"),
		Weak:          hashAlone || contains(name, "_NULL_", "_EXPORT_", "_anon_", "_RC4_", "_RC2_", "_DES_", "_3DES_", "_IDEA_") || strings.HasSuffix(name, "_MD5"),
	}
}

func contains(s string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// postQuantum says whether a group holds an exchange that quantum computers
// are not known to break: ML-KEM, alone or in a hybrid, and its draft Kyber.
func postQuantum(g results.Named) bool {
	name := strings.ToUpper(g.Name)
	return contains(name, "MLKEM", "KYBER", "FRODO", "SNTRUP", "HQC")
}
