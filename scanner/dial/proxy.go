// Proxy: a SOCKS5 (RFC 1928, 1929) or HTTP CONNECT (RFC 9110 §9.3.6) proxy on
// the way. It is given names as they are and resolves them itself.

package dial

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Proxy is a proxy and what is told to it. Its credentials leave it only
// towards the proxy.
type Proxy struct {
	socks          bool // else HTTP CONNECT
	host           string
	port           uint16
	user, password string
	login          bool
}

// ParseProxy reads http://, socks5:// or socks5h://, with or without
// user:password@. As with curl and others, no scheme means http. The error
// never repeats the text, which may hold a password.
func ParseProxy(text string) (*Proxy, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("not a URL: write http://host:port or socks5://host:port")
	}
	p := &Proxy{host: u.Hostname()}
	port := u.Port()
	switch strings.ToLower(u.Scheme) {
	case "http":
		port = or(port, "80")
	case "socks5", "socks5h":
		p.socks, port = true, or(port, "1080")
	case "https":
		return nil, errors.New("TLS to the proxy itself is not spoken: write http://host:port or socks5://host:port")
	default:
		return nil, errors.New("unknown scheme: write http://host:port or socks5://host:port")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || p.host == "" {
		return nil, errors.New("no host, or no port from 1 to 65535: write http://host:port or socks5://host:port")
	}
	p.port = uint16(n)
	return p, p.credentials(u.User)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// credentials takes the user and password. RFC 1929 has a byte for the length
// of each, and RFC 7617 §2 no colon in a user.
func (p *Proxy) credentials(u *url.Userinfo) error {
	if u == nil {
		return nil
	}
	p.login, p.user = true, u.Username()
	p.password, _ = u.Password()
	switch {
	case p.user == "" || len(p.user) > 255 || p.socks && (p.password == "" || len(p.password) > 255):
		return errors.New("user and password must have 1 to 255 bytes each")
	case strings.Contains(p.user, ":"):
		return errors.New("the user holds a colon, which no proxy can read")
	}
	return nil
}

// String is the proxy without its credentials.
func (p Proxy) String() string {
	scheme := "http"
	if p.socks {
		scheme = "socks5"
	}
	return scheme + "://" + net.JoinHostPort(p.host, strconv.Itoa(int(p.port)))
}

// GoString keeps credentials out of %#v too.
func (p Proxy) GoString() string { return p.String() }

// tunnel has the proxy connect to where a route leads. Without an error the
// connection is the target's from here on.
func (p *Proxy) tunnel(t *talk, r Route) error {
	if p.socks {
		return p.socks5(t, r)
	}
	return p.httpConnect(t, r)
}

// httpConnect asks for a tunnel. Of the answer only the status is told: what a
// proxy repeats in its words may be our credentials.
func (p *Proxy) httpConnect(t *talk, r Route) error {
	request := "CONNECT " + r.String() + " HTTP/1.1\r\nHost: " + r.String() + "\r\n"
	if p.login {
		request += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password)) + "\r\n"
	}
	if err := t.send([]byte(request + "\r\n")); err != nil {
		return err
	}
	for {
		status, err := httpResponse(t)
		switch {
		case err != nil:
			return err
		case status/100 == 1: // RFC 9110 §15.2: the answer is still to come
		case status/100 == 2:
			return nil
		case status == 407:
			return declined("the proxy answers CONNECT with 407: it wants a user and password, or others than it was given")
		default:
			return declined("the proxy answers CONNECT with %d", status)
		}
	}
}

// httpResponse reads a response up to the end of its header and returns its
// status.
func httpResponse(t *talk) (status int, err error) {
	first, err := t.line()
	if err != nil {
		return 0, err
	}
	version, rest, _ := strings.Cut(first, " ")
	digits, _, _ := strings.Cut(rest, " ")
	status, err = strconv.Atoi(digits)
	if !strings.HasPrefix(version, "HTTP/1.") || err != nil || status < 100 || status > 599 {
		return 0, malformed("the proxy does not answer in HTTP/1")
	}
	for {
		line, err := t.line()
		if err != nil || line == "" {
			return status, err
		}
	}
}

const (
	socksVersion    = 5
	socksNoLogin    = 0
	socksLogin      = 2
	socksNone       = 0xff
	socksConnect    = 1
	socksIPv4       = 1
	socksName       = 3
	socksIPv6       = 4
	socksLoginVer   = 1
	socksSucceeded  = 0
	socksLoginGrant = 0
)

// socks5 asks for a connection.
func (p *Proxy) socks5(t *talk, r Route) error {
	if err := p.socksGreet(t); err != nil {
		return err
	}
	if err := t.send(socksRequest(r)); err != nil {
		return err
	}
	head, err := t.take(4)
	if err != nil {
		return err
	}
	if head[0] != socksVersion {
		return malformed("the proxy does not answer in SOCKS5")
	}
	if head[1] != socksSucceeded {
		return declined("the proxy answers: %s", socksWords(head[1]))
	}
	return socksBound(t, head[3])
}

// socksGreet agrees on a method, and logs in where the proxy wants it.
func (p *Proxy) socksGreet(t *talk) error {
	methods := []byte{socksNoLogin}
	if p.login {
		methods = append(methods, socksLogin)
	}
	if err := t.send(append([]byte{socksVersion, byte(len(methods))}, methods...)); err != nil {
		return err
	}
	chosen, err := t.take(2)
	switch {
	case err != nil:
		return err
	case chosen[0] != socksVersion:
		return malformed("the proxy does not answer in SOCKS5")
	case chosen[1] == socksNoLogin:
		return nil
	case chosen[1] == socksLogin && p.login:
		return p.socksLogin(t)
	case chosen[1] == socksNone && p.login:
		return declined("the proxy takes no user and password")
	case chosen[1] == socksNone:
		return declined("the proxy wants a user and password, or something that is not spoken here")
	}
	return malformed("the proxy chose a method that was not offered: %d", chosen[1])
}

func (p *Proxy) socksLogin(t *talk) error {
	login := append([]byte{socksLoginVer, byte(len(p.user))}, p.user...)
	login = append(append(login, byte(len(p.password))), p.password...)
	if err := t.send(login); err != nil {
		return err
	}
	status, err := t.take(2)
	if err != nil {
		return err
	}
	if status[1] != socksLoginGrant {
		return declined("the proxy does not take this user and password")
	}
	return nil
}

// socksRequest is CONNECT to where a route leads.
func socksRequest(r Route) []byte {
	b := []byte{socksVersion, socksConnect, 0}
	switch addr := r.Address.Addr(); {
	case !r.Address.IsValid():
		b = append(append(b, socksName, byte(len(r.Host))), r.Host...)
	case addr.Is4():
		b = append(append(b, socksIPv4), addr.AsSlice()...)
	default:
		b = append(append(b, socksIPv6), addr.AsSlice()...)
	}
	return binary.BigEndian.AppendUint16(b, r.port())
}

func (r Route) port() uint16 {
	if r.Address.IsValid() {
		return r.Address.Port()
	}
	return r.Port
}

// socksBound reads the address that a reply ends with. It has no use here.
func socksBound(t *talk, kind byte) error {
	n := 0
	switch kind {
	case socksIPv4:
		n = net.IPv4len
	case socksIPv6:
		n = net.IPv6len
	case socksName:
		length, err := t.take(1)
		if err != nil {
			return err
		}
		n = int(length[0])
	default:
		return malformed("the proxy answers with an address of type %d", kind)
	}
	_, err := t.take(n + 2)
	return err
}

// socksWords are the replies of RFC 1928 §6.
func socksWords(reply byte) string {
	words := []string{
		"succeeded", "general failure", "not allowed by its rules", "the target's network is unreachable",
		"the target is unreachable, or its name does not resolve", "the target refused the connection", "the target's answer took too long",
		"it does not connect", "it does not know this kind of address",
	}
	if int(reply) < len(words) {
		return words[reply]
	}
	return fmt.Sprintf("reply %d", reply)
}
