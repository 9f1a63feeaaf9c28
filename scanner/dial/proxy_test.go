package dial

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"shakedown/results"
)

// greets is a target that speaks first, so that its greeting comes in one
// piece with the proxy's answer.
func greets(local string) dialog {
	return dialog{"<220 mx\r\n", ">EHLO " + local + "\r\n", "<250 STARTTLS\r\n", ">STARTTLS\r\n", "<220 go\r\n"}
}

// connectProxy answers CONNECT requests for a target as the target itself, and
// tells what it was asked.
func connectProxy(t *testing.T, answer string, d dialog, asked chan<- []string) string {
	addr := listen(t, "127.0.0.1:0", func(c net.Conn) {
		in := bufio.NewReader(c)
		var lines []string
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if line == "\r\n" {
				break
			}
			lines = append(lines, strings.TrimSpace(line))
		}
		asked <- lines
		first, rest := d.opening()
		io.WriteString(c, answer+first)
		if d != nil {
			rest.serve(atOnce)(c)
			return
		}
		io.Copy(io.Discard, c)
	})
	return "http://" + addr.String()
}

// opening is what a dialog begins with, and the rest of it.
func (d dialog) opening() (string, dialog) {
	if len(d) > 0 && strings.HasPrefix(d[0], "<") {
		return d[0][1:], d[1:]
	}
	return "", d
}

// through is a dialer that reaches everything through a proxy.
func through(t *testing.T, proxy string, opt Options) *Dialer {
	t.Helper()
	p, err := ParseProxy(proxy)
	if err != nil {
		t.Fatal(err)
	}
	opt.Proxy = func(string, uint16) *Proxy { return p }
	if opt.Timeout == 0 {
		opt.Timeout = 20 * time.Second
	}
	return New(opt)
}

// route is the one route of a dialer to a target.
func (d *Dialer) route(t *testing.T, target Target) Route {
	t.Helper()
	routes, f := d.Routes(t.Context(), target)
	if f != nil || len(routes) != 1 {
		t.Fatalf("got %v, %+v, want one route", routes, f)
	}
	return routes[0]
}

func TestConnectProxy(t *testing.T) {
	const secret = "se:cret pass"
	for _, c := range []struct {
		host, asks string
		answer     string
	}{
		{"portal.example", "portal.example:8443", "HTTP/1.1 200 Connection established\r\n\r\n"},
		{"192.0.2.7", "192.0.2.7:8443", "HTTP/1.0 200 OK\r\nVia: a proxy\r\n\r\n"},
		{"2001:db8::1", "[2001:db8::1]:8443", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\n\r\n"},
		{"fe80::1%eth0", "[fe80::1]:8443", "HTTP/1.1 204 \n\n"},
	} {
		t.Run(c.host, func(t *testing.T) {
			for _, target := range []Target{{c.host, 8443, "", ""}, {c.host, 8443, "smtp", ""}, {c.host, 8443, "", "v1"}} {
				d := dialog{}
				switch {
				case target.StartTLS != "":
					d = greets("[127.0.0.1]")
				case target.ProxyProtocol != "" && c.host == "192.0.2.7":
					continue // it names our port; see TestHeader
				case target.ProxyProtocol != "":
					d = dialog{">PROXY UNKNOWN\r\n"}
				}
				asked := make(chan []string, 2)
				proxy := connectProxy(t, c.answer, d, asked)
				dialer := through(t, strings.Replace(proxy, "://", "://us%20er:"+"se%3Acret%20pass@", 1), Options{})
				r := dialer.route(t, target)
				if r.String() != c.asks {
					t.Errorf("the record's address is %s, want %s", r, c.asks)
				}
				conn, f := dialer.Lane(r).Open(t.Context())
				if f != nil {
					t.Fatalf("%+v: %+v", target, f)
				}
				wantEcho(t, conn)
				lines := <-asked
				login := base64.StdEncoding.EncodeToString([]byte("us er:" + secret))
				want := []string{"CONNECT " + c.asks + " HTTP/1.1", "Host: " + c.asks, "Proxy-Authorization: Basic " + login}
				if fmt.Sprint(lines) != fmt.Sprint(want) {
					t.Errorf("asked %q, want %q", lines, want)
				}
			}
		})
	}
}

// A target that speaks before TLS, where TLS was to begin at once: its words
// are kept, so that they can be seen for what they are.
func TestProxyKeepsEarlyWords(t *testing.T) {
	proxy := connectProxy(t, "HTTP/1.1 200 OK\r\n\r\n", dialog{"<SSH-2.0-OpenSSH\r\n"}, make(chan []string, 1))
	dialer := through(t, proxy, Options{})
	conn, f := dialer.Lane(dialer.route(t, Target{Host: "portal.example", Port: 22})).Open(t.Context())
	if f != nil {
		t.Fatal(f)
	}
	defer conn.Close()
	got := make([]byte, 7)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "SSH-2.0" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestConnectProxyFails(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		want         results.FailureKind
	}{
		{"login", "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\nplease", results.KindDeclined},
		{"gateway", "HTTP/1.1 502 pass:sesame\r\n\r\n", results.KindDeclined},
		{"redirect", "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", results.KindDeclined},
		{"not HTTP", "SSH-2.0-OpenSSH\r\n", results.KindMalformed},
		{"HTTP/2", "HTTP/2 200\r\n\r\n", results.KindMalformed},
		{"no status", "HTTP/1.1 two hundred\r\n\r\n", results.KindMalformed},
		{"endless header", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", maxTalk/6), results.KindLimit},
		{"endless line", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", maxLine), results.KindLimit},
		{"half", "HTTP/1.1 200 OK\r\nX", results.KindTimeout},
		{"silence", "", results.KindTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			timeout := 20 * time.Second
			if c.want == results.KindTimeout {
				timeout = 50 * time.Millisecond
			}
			proxy, err := ParseProxy(strings.Replace(connectProxy(t, c.answer, nil, make(chan []string, 2)), "://", "://aladdin:pass:sesame@", 1))
			if err != nil {
				t.Fatal(err)
			}
			f := wantFailure(t, proxied(Target{Host: "portal.example", Port: 443}, proxy), timeout, results.StageProxy, c.want)
			wantNoSecret(t, f.Detail)
		})
	}
}

// wantNoSecret checks that a text holds no credentials.
func wantNoSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{"aladdin", "sesame", base64.StdEncoding.EncodeToString([]byte("aladdin:pass:sesame"))} {
		if strings.Contains(text, secret) {
			t.Errorf("credentials in %q", text)
		}
	}
}

// A proxy that is not there, or has no name, is the proxy's failure and not the
// target's.
func TestProxyUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for proxy, kind := range map[string]results.FailureKind{
		"socks5://aladdin:sesame@" + l.Addr().String(): results.KindRefused,
		"aladdin:sesame@proxy.invalid:3128":            results.KindDNS,
	} {
		dialer := through(t, proxy, Options{})
		f := dialer.failure(t, dialer.route(t, Target{Host: "portal.example", Port: 443}))
		if f == nil || f.Stage != results.StageProxy || f.Kind != kind {
			t.Errorf("%s: got %+v, want %s", proxy, f, kind)
			continue
		}
		wantNoSecret(t, f.Detail)
	}
}

func TestSOCKS5(t *testing.T) {
	const (
		greet     = ">\x05\x01\x00"
		greetUser = ">\x05\x02\x00\x02"
		login     = ">\x01\x07aladdin\x06sesame"
		name      = ">\x05\x01\x00\x03\x0eportal.example\x20\xfb"
		v4        = ">\x05\x01\x00\x01\xc0\x00\x02\x07\x20\xfb"
		v6        = ">\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x20\xfb"
		bound     = "<\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
	)
	for _, c := range []struct {
		name, login, host string
		d                 dialog
		want              results.FailureKind // "" opens
	}{
		{"name", "", "portal.example", dialog{greet, "<\x05\x00", name, bound}, ""},
		{"IPv4", "", "192.0.2.7", dialog{greet, "<\x05\x00", v4, bound}, ""},
		{"IPv6", "", "2001:db8::1", dialog{greet, "<\x05\x00", v6, "<\x05\x00\x00\x04" + strings.Repeat("\x00", 18)}, ""},
		{"bound to a name", "", "portal.example", dialog{greet, "<\x05\x00", name, "<\x05\x00\x00\x03\x02me\x00\x00"}, ""},
		{"login", "aladdin:sesame@", "portal.example", dialog{greetUser, "<\x05\x02", login, "<\x01\x00", name, bound}, ""},
		{"login not wanted", "aladdin:sesame@", "portal.example", dialog{greetUser, "<\x05\x00", name, bound}, ""},
		{"login refused", "aladdin:sesame@", "portal.example", dialog{greetUser, "<\x05\x02", login, "<\x01\x01"}, results.KindDeclined},
		{"login wanted", "", "portal.example", dialog{greet, "<\x05\xff"}, results.KindDeclined},
		{"no method", "aladdin:sesame@", "portal.example", dialog{greetUser, "<\x05\xff"}, results.KindDeclined},
		{"method not offered", "", "portal.example", dialog{greet, "<\x05\x02"}, results.KindMalformed},
		{"not allowed", "", "portal.example", dialog{greet, "<\x05\x00", name, "<\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"}, results.KindDeclined},
		{"target refuses", "", "portal.example", dialog{greet, "<\x05\x00", name, "<\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"}, results.KindDeclined},
		{"unknown reply", "", "portal.example", dialog{greet, "<\x05\x00", name, "<\x05\x63\x00\x01"}, results.KindDeclined},
		{"address type", "", "portal.example", dialog{greet, "<\x05\x00", name, "<\x05\x00\x00\x09"}, results.KindMalformed},
		{"HTTP", "", "portal.example", dialog{greet, "<HTTP/1.1 400\r\n\r\n"}, results.KindMalformed},
		{"version 4 after the greeting", "", "portal.example", dialog{greet, "<\x05\x00", name, "<\x00\x5a\x00\x00"}, results.KindMalformed},
		{"silence", "", "portal.example", nil, results.KindTimeout},
	} {
		for pace, say := range map[string]func(net.Conn, string){"at once": atOnce, "byte by byte": byteByByte} {
			t.Run(c.name+"/"+pace, func(t *testing.T) {
				addr := listen(t, "127.0.0.1:0", func(conn net.Conn) {
					if c.d != nil {
						c.d.serve(say)(conn)
					}
					if c.want != "" {
						io.Copy(io.Discard, conn)
					}
				})
				proxy, err := ParseProxy("socks5h://" + c.login + addr.String())
				if err != nil {
					t.Fatal(err)
				}
				r := proxied(Target{Host: c.host, Port: 8443}, proxy)
				if c.want != "" {
					timeout := 20 * time.Second
					if c.want == results.KindTimeout {
						timeout = 50 * time.Millisecond
					}
					wantNoSecret(t, wantFailure(t, r, timeout, results.StageProxy, c.want).Detail)
					return
				}
				conn, f := New(Options{Timeout: 20 * time.Second}).Lane(r).Open(t.Context())
				if f != nil {
					t.Fatalf("%+v", f)
				}
				wantEcho(t, conn)
			})
		}
	}
}

func TestParseProxy(t *testing.T) {
	for text, want := range map[string]string{
		"proxy.example:3128":                "http://proxy.example:3128",
		"proxy.example":                     "http://proxy.example:80",
		"http://aladdin:sesame@[::1]:8080/": "http://[::1]:8080",
		"SOCKS5://aladdin:sesame@127.0.0.1": "socks5://127.0.0.1:1080",
		"socks5h://proxy.example:1":         "socks5://proxy.example:1",
		"http://user:@proxy.example:3128":   "http://proxy.example:3128",
	} {
		p, err := ParseProxy(text)
		if err != nil || p.String() != want {
			t.Errorf("%s: got %v, %v, want %s", text, p, err, want)
			continue
		}
		wantNoSecret(t, fmt.Sprintf("%v %+v %#v %v %+v %#v", p, p, p, *p, *p, *p))
		wantNoSecret(t, fmt.Sprintf("%v %+v %#v", proxied(Target{}, p), proxied(Target{}, p), proxied(Target{}, p)))
	}
	for _, bad := range []string{
		"", "http://", "http://aladdin:sesame@", "socks4://aladdin:sesame@p:1", "https://aladdin:sesame@p:1", "http://aladdin:sesame@p:0", "http://aladdin:sesame@p:99999",
		"http://aladdin:sesame@p:port", "://aladdin:sesame", "http://aladdin:sesame@p:1\x7f", "socks5://user@p:1", "socks5://:sesame@p:1",
		"socks5://user:" + strings.Repeat("sesame", 50) + "@p:1", "http://us%3Aer:sesame@p:1", "http://user:%zz@p",
	} {
		if p, err := ParseProxy(bad); err == nil {
			t.Errorf("%q taken for %v", bad, p)
		} else if strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: credentials in the error %q", bad, err)
		}
	}
}

func FuzzProxy(f *testing.F) {
	f.Add(false, []byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nrest"))
	f.Add(true, []byte("\x05\x02\x01\x00\x05\x00\x00\x03\x02me\x00\x00rest"))
	f.Add(true, []byte("\x05\x00\x05\x05\x00\x01"))
	f.Fuzz(func(t *testing.T, socks bool, said []byte) {
		p := &Proxy{socks: socks, host: "p", port: 1, login: true, user: "aladdin", password: "sesame"}
		talk := newTalk(bytesConn{in: bytes.NewReader(said)})
		err := p.tunnel(talk, proxied(Target{Host: "portal.example", Port: 443}, p))
		if err != nil {
			wantPeersFault(t, err)
			return
		}
		// What comes after is the target's, every byte of it.
		if rest, err := io.ReadAll(talk.rest()); err == nil && !bytes.HasSuffix(said, rest) {
			t.Fatalf("%q is not the end of %q", rest, said)
		}
	})
}

func FuzzParseProxy(f *testing.F) {
	for _, s := range []string{"http://aladdin:sesame@p:1", "socks5h://p", "[::1]:80", "socks5://a:b@[fe80::1%25lo]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseProxy(text)
		if err != nil {
			return
		}
		if p.host == "" || p.port == 0 || p.socks && (len(p.user) > 255 || len(p.password) > 255) {
			t.Fatalf("%q taken for %v", text, p)
		}
	})
}
