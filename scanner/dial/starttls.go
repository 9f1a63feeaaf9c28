// StartTLS: how a protocol that begins in the clear is asked to go on in TLS.
// One function a protocol; each ends right before the first byte of TLS.

package dial

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// startTLS has the conversation of a protocol. No error means that the peer
// waits for a ClientHello.
func startTLS(t *talk, protocol string) error {
	var ask func(*talk) error
	switch protocol {
	case "smtp":
		ask = smtp
	case "imap":
		ask = imap
	case "pop3":
		ask = pop3
	case "ldap":
		ask = ldap
	case "postgres":
		ask = postgres
	case "mysql":
		ask = mysql
	default:
		return fmt.Errorf("a bug in shakedown, please report it: no STARTTLS for %q", protocol)
	}
	if err := ask(t); err != nil {
		return err
	}
	return t.silent()
}

// smtp is RFC 3207. A server may refuse STARTTLS before it was greeted, so EHLO
// comes first, and it says whether STARTTLS is there.
func smtp(t *talk) error {
	if _, err := smtpReply(t, "220"); err != nil {
		return err
	}
	if err := t.say("EHLO " + addressLiteral(t.conn.LocalAddr())); err != nil {
		return err
	}
	offers, err := smtpReply(t, "250")
	if err != nil {
		return err
	}
	if !offers {
		return declined("the server does not offer STARTTLS")
	}
	if err := t.say("STARTTLS"); err != nil {
		return err
	}
	_, err = smtpReply(t, "220")
	return err
}

// smtpReply reads a reply of any number of lines (RFC 5321 §4.2.1) and wants a
// code. It says whether one of the lines is STARTTLS.
func smtpReply(t *talk, code string) (offers bool, err error) {
	for {
		line, err := t.line()
		if err != nil {
			return false, err
		}
		if !isReply(line) {
			return false, malformed("no SMTP reply: %s", told(line))
		}
		if !strings.HasPrefix(line, code) {
			return false, declined("the server says %s", told(line))
		}
		words := line[min(4, len(line)):]
		offers = offers || strings.EqualFold(strings.TrimSpace(words), "STARTTLS")
		if len(line) == 3 || line[3] == ' ' {
			return offers, nil
		}
	}
}

// isReply tells an SMTP reply from anything else.
func isReply(line string) bool {
	digit := func(i int) bool { return '0' <= line[i] && line[i] <= '9' }
	return len(line) >= 3 && '2' <= line[0] && line[0] <= '5' && digit(1) && digit(2) &&
		(len(line) == 3 || line[3] == ' ' || line[3] == '-')
}

// addressLiteral names this end where it has no name (RFC 5321 §4.1.3).
func addressLiteral(a net.Addr) string {
	addr := addrPort(a).Addr()
	switch {
	case addr.Is4():
		return "[" + addr.String() + "]"
	case addr.Is6():
		return "[IPv6:" + addr.WithZone("").String() + "]"
	}
	return "[127.0.0.1]"
}

// addrPort is a TCP address as a value; not valid for any other.
func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	at := tcp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

// imap is RFC 9051 §6.2.1. A server that does not know STARTTLS says BAD, so
// its capabilities need not be asked for.
func imap(t *talk) error {
	greeting, err := t.line()
	if err != nil {
		return err
	}
	if err := imapGreeting(greeting); err != nil {
		return err
	}
	const tag = "s1"
	if err := t.say(tag + " STARTTLS"); err != nil {
		return err
	}
	for {
		line, err := t.line()
		if err != nil {
			return err
		}
		if !strings.HasPrefix(line, "* ") { // untagged is news, not the answer
			return imapResponse(line, tag)
		}
	}
}

// imapGreeting reads OK, PREAUTH (STARTTLS is too late then) or BYE.
func imapGreeting(line string) error {
	words, untagged := strings.CutPrefix(line, "* ")
	switch status := firstWord(words); {
	case untagged && status == "OK":
		return nil
	case untagged && (status == "PREAUTH" || status == "BYE"):
		return declined("the server says %s", told(line))
	}
	return malformed("no IMAP greeting: %s", told(line))
}

func imapResponse(line, tag string) error {
	words, tagged := strings.CutPrefix(line, tag+" ")
	switch status := firstWord(words); {
	case tagged && status == "OK":
		return nil
	case tagged && (status == "NO" || status == "BAD"):
		return declined("the server says %s", told(line))
	}
	return malformed("no IMAP response: %s", told(line))
}

// firstWord is a status, which IMAP takes in any case.
func firstWord(words string) string {
	word, _, _ := strings.Cut(words, " ")
	return strings.ToUpper(word)
}

// pop3 is RFC 2595 §4.
func pop3(t *talk) error {
	if err := pop3Reply(t); err != nil {
		return err
	}
	if err := t.say("STLS"); err != nil {
		return err
	}
	return pop3Reply(t)
}

func pop3Reply(t *talk) error {
	line, err := t.line()
	switch status, _, _ := strings.Cut(line, " "); {
	case err != nil:
		return err
	case status == "+OK":
		return nil
	case status == "-ERR":
		return declined("the server says %s", told(line))
	}
	return malformed("no POP3 reply: %s", told(line))
}

// Tags of LDAP messages (RFC 4511 §4.2, §4.12), in BER.
const (
	berInteger    = 0x02
	berEnumerated = 0x0a
	berSequence   = 0x30
	berExtended   = 0x78 // ExtendedResponse, [APPLICATION 24]
)

// ldap is RFC 4511 §4.14.
func ldap(t *talk) error {
	const startTLSName = "1.3.6.1.4.1.1466.20037"
	name := append([]byte{0x80, byte(len(startTLSName))}, startTLSName...)
	request := append([]byte{0x77, byte(len(name))}, name...)
	message := append([]byte{berInteger, 1, 1}, request...)
	if err := t.send(append([]byte{berSequence, byte(len(message))}, message...)); err != nil {
		return err
	}
	answer, err := ldapMessage(t)
	if err != nil {
		return err
	}
	code, words, err := extendedResponse(answer)
	if err != nil {
		return err
	}
	if code != 0 {
		return declined("the server answers with result code %d: %s", code, told(words))
	}
	return nil
}

// ldapMessage reads one LDAPMessage and returns what is in it.
func ldapMessage(t *talk) ([]byte, error) {
	head, err := t.take(2)
	if err != nil {
		return nil, err
	}
	if head[0] != berSequence {
		return nil, malformed("no LDAP message: it begins with 0x%02x", head[0])
	}
	n := int(head[1])
	if n&0x80 != 0 { // the long form, which Active Directory uses always
		if n &= 0x7f; n == 0 || n > 4 {
			return nil, malformed("no LDAP message: a length of %d bytes", n)
		}
		long, err := t.take(n)
		if err != nil {
			return nil, err
		}
		n = int(bigEndian(long))
	}
	return t.take(n)
}

// extendedResponse reads a result code and its words.
func extendedResponse(message []byte) (code int, words string, err error) {
	id, rest, ok := ber(message, berInteger)
	response, _, ok2 := ber(rest, berExtended)
	result, rest, ok3 := ber(response, berEnumerated)
	if !ok || !ok2 || !ok3 || len(id) > 4 || len(result) != 1 {
		return 0, "", malformed("no extended response of LDAP: %s", told(string(message)))
	}
	if _, rest, ok = ber(rest, 0x04); ok { // the matched DN
		diagnostic, _, _ := ber(rest, 0x04)
		words = string(diagnostic)
	}
	return int(result[0]), words, nil
}

// ber cuts an element with a tag off.
func ber(b []byte, tag byte) (value, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil, false
	}
	n, b := uint64(b[1]), b[2:]
	if n&0x80 != 0 {
		long := int(n & 0x7f)
		if long == 0 || long > 4 || long > len(b) {
			return nil, nil, false
		}
		n, b = bigEndian(b[:long]), b[long:]
	}
	if n > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

func bigEndian(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// postgres asks by an SSLRequest; the answer is one byte (PostgreSQL's manual,
// "Message Flow", "SSL Session Encryption").
func postgres(t *talk) error {
	if err := t.send([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil {
		return err
	}
	answer, err := t.take(1)
	if err != nil {
		return err
	}
	switch answer[0] {
	case 'S':
		return nil
	case 'N':
		return declined("the server has no TLS: it answers N")
	case 'E': // an ErrorResponse: it could not even serve this
		b, _ := t.in.Peek(t.in.Buffered())
		return declined("the server answers with an error: %s", told(string(b)))
	}
	return malformed("neither S nor N from PostgreSQL: %s", told(string(answer)))
}

// Capabilities of MySQL, and where they stand in its greeting.
const (
	mysqlProtocol41 = 1 << 9
	mysqlSSL        = 1 << 11
	mysqlSecure     = 1 << 15
	mysqlMaxPacket  = 1 << 24
	mysqlUTF8       = 33
)

// mysql reads the greeting (HandshakeV10) and answers it with an SSLRequest,
// after which TLS begins without another word.
func mysql(t *talk) error {
	head, err := t.take(4)
	if err != nil {
		return err
	}
	greeting, err := t.take(uint24(head))
	if err != nil {
		return err
	}
	capabilities, err := mysqlCapabilities(greeting)
	if err != nil {
		return err
	}
	if capabilities&mysqlSSL == 0 {
		return declined("the server does not offer TLS")
	}
	if err := t.silent(); err != nil {
		return err
	}
	request := make([]byte, 4+32)
	request[0], request[3] = 32, head[3]+1
	binary.LittleEndian.PutUint32(request[4:], mysqlProtocol41|mysqlSSL|mysqlSecure)
	binary.LittleEndian.PutUint32(request[8:], mysqlMaxPacket)
	request[12] = mysqlUTF8
	return t.send(request)
}

// mysqlCapabilities reads the lower half of them.
func mysqlCapabilities(greeting []byte) (uint16, error) {
	if len(greeting) == 0 {
		return 0, malformed("an empty packet in place of MySQL's greeting")
	}
	switch greeting[0] {
	case 10:
	case 0xff: // an error packet: too many connections, a host that is not allowed
		return 0, declined("the server says %s", told(mysqlError(greeting)))
	default:
		return 0, malformed("no greeting of MySQL: %s", told(string(greeting)))
	}
	// The version's text, then thread id (4), challenge (8), a zero (1).
	end := bytes.IndexByte(greeting, 0)
	if at := end + 1 + 4 + 8 + 1; end >= 0 && at+2 <= len(greeting) {
		return binary.LittleEndian.Uint16(greeting[at:]), nil
	}
	return 0, malformed("half a greeting of MySQL: %s", told(string(greeting)))
}

// mysqlError is the text of an error packet, behind its number.
func mysqlError(packet []byte) string {
	if len(packet) < 3 {
		return string(packet)
	}
	return fmt.Sprintf("%d %s", binary.LittleEndian.Uint16(packet[1:]), packet[3:])
}

// uint24 is a length of three bytes, the least first.
func uint24(b []byte) int {
	return int(binary.LittleEndian.Uint16(b)) | int(b[2])<<16
}
