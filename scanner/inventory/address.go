// Addresses as people write them: a TARGET of the command line and the address
// of a path are the same grammar.

package inventory

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"shakedown/results/strictyaml"
)

// maxTarget bounds a target's text: 253 bytes of name, a scheme, a port, a zone.
const maxTarget = 512

// ParseTarget reads host, host:port, [v6]:port, a bare IPv6 literal, or
// scheme://host:port for STARTTLS. https:// is taken too, for those who paste
// from a browser. The error says what is wrong and how to mend it.
func ParseTarget(s string) (Path, error) {
	if err := plainText(s); err != nil {
		return Path{}, fmt.Errorf("bad target %s: %w", strictyaml.Quote(s), err)
	}
	scheme, host, port, err := splitTarget(s)
	if err != nil {
		return Path{}, fmt.Errorf("bad target %s: %w", strictyaml.Quote(s), err)
	}
	p := Path{Service: host, Name: s, Target: s, Scheme: scheme, Host: host, Port: port}
	p.ServerName = defaultServerName(host)
	return p, nil
}

// ParseProxyProtocol reads which PROXY protocol header a target wants: v1, v2,
// or none, which is "".
func ParseProxyProtocol(s string) (string, error) {
	switch s {
	case "v1", "v2":
		return s, nil
	case "none":
		return "", nil
	}
	return "", fmt.Errorf("write v1, v2 or none")
}

// startTLSPorts holds the STARTTLS schemes with their usual ports.
func startTLSPorts() map[string]uint16 {
	return map[string]uint16{"smtp": 25, "imap": 143, "pop3": 110, "ldap": 389, "postgres": 5432, "mysql": 3306}
}

// defaultServerName is the SNI for a host that was given without one. RFC 6066
// §3 allows neither an IP address nor a trailing dot in it.
func defaultServerName(host string) string {
	if isIP(host) {
		return ""
	}
	return strings.TrimSuffix(host, ".")
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func splitTarget(s string) (scheme, host string, port uint16, err error) {
	port, rest := 443, s
	if before, after, found := strings.Cut(s, "://"); found {
		if scheme, port, err = readScheme(before); err != nil {
			return "", "", 0, err
		}
		rest = strings.TrimSuffix(after, "/")
	}
	if strings.ContainsAny(rest, "/?#") {
		return "", "", 0, fmt.Errorf("it holds more than an address: give only host:port")
	}
	if strings.Contains(rest, "@") {
		return "", "", 0, fmt.Errorf("it holds a user name: no login is needed, give only host:port")
	}
	host, digits, err := splitPort(rest)
	if err != nil {
		return "", "", 0, err
	}
	if digits != nil {
		if port, err = readPort(*digits); err != nil {
			return "", "", 0, err
		}
	}
	return scheme, host, port, checkHost(host)
}

// readScheme gives the STARTTLS protocol and usual port of a scheme.
func readScheme(s string) (scheme string, port uint16, err error) {
	s = strings.ToLower(s)
	if s == "https" {
		return "", 443, nil
	}
	ports := startTLSPorts()
	if port, ok := ports[s]; ok {
		return s, port, nil
	}
	switch s {
	case "http":
		return "", 0, fmt.Errorf("http:// has no TLS: give the https address as host:port")
	case "smtps", "imaps", "pop3s", "ldaps", "tls", "ssl", "wss", "tcp":
		return "", 0, fmt.Errorf("scheme %q: schemes are only for STARTTLS, for TLS from the first byte give host:port", s)
	case "postgresql":
		return "", 0, fmt.Errorf("scheme %q: write postgres://", s)
	case "mariadb":
		return "", 0, fmt.Errorf("scheme %q: write mysql://", s)
	}
	return "", 0, fmt.Errorf("unknown scheme %q: give host:port for TLS from the first byte, or one of %s for STARTTLS",
		s, strings.Join(slices.Sorted(maps.Keys(ports)), ", "))
}

// splitPort cuts the port off, if there is one: nil where there is not.
func splitPort(s string) (host string, port *string, err error) {
	if strings.HasPrefix(s, "[") {
		host, after, found := strings.Cut(s[1:], "]")
		if !found {
			return "", nil, fmt.Errorf("the bracket is not closed: write [%s]:443", host)
		}
		if addr, err := netip.ParseAddr(host); err != nil || addr.Is4() {
			return "", nil, fmt.Errorf("brackets are for IPv6 addresses, and %s is none: write host:port", strictyaml.Quote(host))
		}
		if after == "" {
			return host, nil, nil
		}
		digits, found := strings.CutPrefix(after, ":")
		if !found {
			return "", nil, fmt.Errorf("%s after the bracket: write [%s]:443", strictyaml.Quote(after), host)
		}
		return host, &digits, nil
	}
	if strings.Count(s, ":") > 1 {
		if !isIP(s) {
			return "", nil, fmt.Errorf("more than one colon, and no IPv6 address: write host:port, or [v6]:port")
		}
		return s, nil, nil
	}
	if host, digits, found := strings.Cut(s, ":"); found {
		return host, &digits, nil
	}
	return s, nil, nil
}

func readPort(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 || s[0] == '+' {
		return 0, fmt.Errorf("bad port %s: give a number from 1 to 65535", strictyaml.Quote(s))
	}
	return uint16(n), nil
}

// ParseServerName reads a name to send as SNI.
func ParseServerName(name string) (string, error) {
	if err := checkHost(name); err != nil {
		return "", err
	}
	if isIP(name) {
		return "", errors.New("SNI carries no IP address (RFC 6066 §3): leave it out")
	}
	return strings.TrimSuffix(name, "."), nil
}

// checkHost takes an IP literal or a name of LDH labels (RFC 1123 §2.1, with
// the underscore that real zones hold). A last label of digits alone would be
// an IP address to some resolvers and a name to others, so it is neither here.
func checkHost(host string) error {
	if host == "" {
		return fmt.Errorf("the host is missing: write host:port")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return checkZone(addr.Zone())
	}
	name := strings.TrimSuffix(host, ".")
	if len(name) > 253 {
		return fmt.Errorf("the name is longer than 253 bytes: DNS carries no such name")
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if err := checkLabel(label); err != nil {
			return err
		}
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return fmt.Errorf("%s is neither a name nor an IP address: write host:port", strictyaml.Quote(host))
	}
	return nil
}

// checkZone takes the interface names and numbers that stand in link-local addresses.
func checkZone(zone string) error {
	for _, r := range zone {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.", r) {
			return fmt.Errorf("%q cannot stand in a zone: write the interface's name after the %%", r)
		}
	}
	return nil
}

func checkLabel(label string) error {
	for _, r := range label {
		switch {
		case r >= utf8.RuneSelf:
			return fmt.Errorf("the name is not in ASCII: give its xn-- form, as it stands in DNS and in certificates")
		case r != '-' && r != '_' && !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'):
			return fmt.Errorf("%q cannot stand in a host name: check it", r)
		}
	}
	switch {
	case label == "":
		return fmt.Errorf("the name has an empty label: remove the extra dot")
	case len(label) > 63:
		return fmt.Errorf("a label of the name is longer than 63 bytes: DNS carries no such name")
	case label[0] == '-' || label[len(label)-1] == '-':
		return fmt.Errorf("label %q begins or ends with a hyphen: check the name", label)
	}
	return nil
}

// plainText refuses what would be misread, or would write to a terminal, when
// it is printed.
func plainText(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("it is empty: give host:port")
	case len(s) > maxTarget:
		return fmt.Errorf("it is longer than %d bytes: give only host:port", maxTarget)
	case strings.ContainsFunc(s, unicode.IsSpace):
		return fmt.Errorf("it holds a space: give one host:port")
	case !printable(s):
		return fmt.Errorf("it holds a control character: give host:port")
	}
	return nil
}

func printable(s string) bool { return strictyaml.Printable(s) }
