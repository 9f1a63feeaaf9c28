package dial

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
)

func tcpAddr(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }

func TestHeader(t *testing.T) {
	const signature = "\r\n\r\n\x00\r\nQUIT\n"
	for _, c := range []struct {
		version  string
		from, to string
		want     string
	}{
		{"v1", "192.0.2.1:1000", "192.0.2.2:443", "PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n"},
		{"v1", "[::ffff:192.0.2.1]:1000", "192.0.2.2:443", "PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\n"},
		{"v1", "[fe80::1%eth0]:1000", "[fe80::2%eth0]:443", "PROXY TCP6 fe80::1 fe80::2 1000 443\r\n"},
		{"v1", "192.0.2.1:1000", "[2001:db8::1]:443", "PROXY UNKNOWN\r\n"},
		{"v1", "192.0.2.1:1000", "", "PROXY UNKNOWN\r\n"},
		{"v2", "192.0.2.1:1000", "192.0.2.2:443", signature + "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x03\xe8\x01\xbb"},
		{"v2", "[2001:db8::1]:1000", "[2001:db8::2]:443", signature + "\x21\x21\x00\x24" +
			"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
			"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x03\xe8\x01\xbb"},
		{"v2", "192.0.2.1:1000", "[2001:db8::1]:443", signature + "\x20\x00\x00\x00"},
		{"v2", "192.0.2.1:1000", "", signature + "\x20\x00\x00\x00"},
	} {
		r := Route{Target: Target{ProxyProtocol: c.version}}
		if c.to != "" {
			r.Address = netip.MustParseAddrPort(c.to)
		}
		if got := string(r.header(tcpAddr(c.from))); got != c.want {
			t.Errorf("%s from %s to %s: got %q, want %q", c.version, c.from, c.to, got, c.want)
		}
	}
	pipe, _ := net.Pipe()
	if got := string(Route{Target: Target{ProxyProtocol: "v1"}}.header(pipe.LocalAddr())); got != "PROXY UNKNOWN\r\n" {
		t.Errorf("not TCP: got %q", got)
	}
}

// headerOf is what a connection's own addresses would say, computed by the
// server.
func headerOf(version string, c net.Conn) string {
	from, to := c.RemoteAddr().(*net.TCPAddr), c.LocalAddr().(*net.TCPAddr)
	if version == "v1" {
		family := "TCP4"
		if from.IP.To4() == nil {
			family = "TCP6"
		}
		return fmt.Sprintf("PROXY %s %v %v %d %d\r\n", family, from.IP, to.IP, from.Port, to.Port)
	}
	family, body := "\x11", string(from.IP.To4())+string(to.IP.To4())
	if body == "" {
		family, body = "\x21", string(from.IP.To16())+string(to.IP.To16())
	}
	ports := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, uint16(from.Port)), uint16(to.Port))
	body += string(ports)
	return "\r\n\r\n\x00\r\nQUIT\n\x21" + family + string(binary.BigEndian.AppendUint16(nil, uint16(len(body)))) + body
}

// The header comes first, before STARTTLS, and names this connection's ends.
// IPv6 is as good as IPv4.
func TestProxyProtocol(t *testing.T) {
	for _, listenAt := range []string{"127.0.0.1:0", "[::1]:0"} {
		for _, version := range []string{"v1", "v2"} {
			for _, protocol := range []string{"", "smtp"} {
				t.Run(strings.Join([]string{listenAt, version, protocol}, " "), func(t *testing.T) {
					addr := listen(t, listenAt, func(c net.Conn) {
						if !hears(c, headerOf(version, c)) {
							return
						}
						var d dialog
						if protocol != "" {
							d = greets(addressLiteral(c.RemoteAddr()))
						}
						d.serve(atOnce)(c)
						io.Copy(io.Discard, c)
					})
					d := New(Options{})
					r := d.route(t, Target{addr.Addr().String(), addr.Port(), protocol, version})
					conn, f := d.Lane(r).Open(t.Context())
					if f != nil {
						t.Fatalf("%+v", f)
					}
					conn.Write([]byte("hello"))
					got := make([]byte, 5)
					if _, err := io.ReadFull(conn, got); err != nil || string(got) != "world" {
						t.Errorf("got %q, %v", got, err)
					}
					conn.Close()
				})
			}
		}
	}
}

// A zone is kept on the way to an address of this link.
func TestZone(t *testing.T) {
	addr := listen(t, "[::1]:0", dialog{}.serve(atOnce))
	d := New(Options{})
	r := d.route(t, Target{Host: "::1%" + loopback(t), Port: addr.Port()})
	if want := fmt.Sprintf("[::1%%%s]:%d", loopback(t), addr.Port()); r.String() != want {
		t.Errorf("the record's address is %s, want %s", r, want)
	}
	conn, f := d.Lane(r).Open(t.Context())
	if f != nil {
		t.Fatalf("%+v", f)
	}
	wantEcho(t, conn)
}

// loopback is the name of this host's loopback interface.
func loopback(t *testing.T) string {
	ifaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range ifaces {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Name
		}
	}
	t.Fatal("this machine must have a loopback interface for this test")
	return ""
}
