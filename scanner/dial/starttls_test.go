package dial

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"shakedown/results"
)

// listen serves each connection on an address of this host and returns it.
func listen(t *testing.T, address string, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("this machine must have %s for this test: %v", address, err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); serve(c) }()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// dialog is a server's side of a conversation: what begins with < it says,
// what begins with > it wants to hear, byte for byte. After the last it answers
// "hello" by "world", as TLS would go on.
type dialog []string

func (d dialog) serve(say func(net.Conn, string)) func(net.Conn) {
	return func(c net.Conn) {
		for _, step := range d {
			if words, ok := strings.CutPrefix(step, "<"); ok {
				say(c, words)
			} else if !hears(c, step[1:]) {
				return
			}
		}
		if hears(c, "hello") {
			io.WriteString(c, "world")
		}
	}
}

func hears(c net.Conn, want string) bool {
	got := make([]byte, len(want))
	_, err := io.ReadFull(c, got)
	if err == nil && string(got) != want {
		io.WriteString(c, "\x00heard "+string(got))
	}
	return err == nil && string(got) == want
}

func atOnce(c net.Conn, words string) { io.WriteString(c, words) }

func byteByByte(c net.Conn, words string) {
	for _, b := range []byte(words) {
		c.Write([]byte{b})
	}
}

const (
	ehlo       = ">EHLO [127.0.0.1]\r\n"
	sslRequest = ">\x00\x00\x00\x08\x04\xd2\x16\x2f"
	ldapAsks   = ">\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
	// MySQL: version, thread, challenge, capabilities (with TLS: 0x0800), charset,
	// status, more capabilities, challenge length, 10 zeros, challenge, plugin.
	mysqlGreets   = "\x0a8.0.36\x00\x01\x00\x00\x00abcdefgh\x00\xff\xff\xff\x02\x00\xff\xdf\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00abcdefghijkl\x00caching_sha2_password\x00"
	mysqlNoTLS    = "\x0a5.5.5-10.11\x00\x01\x00\x00\x00abcdefgh\x00\xff\xf7"
	mysqlAsks     = ">\x20\x00\x00\x01\x00\x8a\x00\x00\x00\x00\x00\x01\x21" + zeros23
	zeros23       = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	mysqlTooMany  = "\xff\x10\x04#08004Too many connections"
	ldapRefuses   = "0\x84\x00\x00\x00\x16\x02\x01\x01x\x84\x00\x00\x00\x0d\n\x01\x02\x04\x00\x04\x06no TLS"
	ldapGoesAhead = "<0\x0c\x02\x01\x01x\x07\n\x01\x00\x04\x00\x04\x00"
)

// packet is a MySQL packet.
func packet(payload string) string {
	return "<" + string([]byte{byte(len(payload)), byte(len(payload) >> 8), 0, 0}) + payload
}

// goodDialogs are servers that speak STARTTLS.
func goodDialogs() map[string]map[string]dialog {
	return map[string]map[string]dialog{
		"smtp": {
			"plain":      {"<220 mx.example ESMTP\r\n", ehlo, "<250-mx.example\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 HELP\r\n", ">STARTTLS\r\n", "<220 go ahead\r\n"},
			"long-words": {"<220-first\r\n220-second\r\n220 third\r\n", ehlo, "<250-mx\r\n250 starttls\r\n", ">STARTTLS\r\n", "<220-go\r\n220 ahead\r\n"},
			"bare":       {"<220\n", ehlo, "<250-\n250 STARTTLS \n", ">STARTTLS\r\n", "<220\n"},
		},
		"imap": {
			"plain":    {"<* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", ">s1 STARTTLS\r\n", "<s1 OK begin\r\n"},
			"untagged": {"<* ok ready\r\n", ">s1 STARTTLS\r\n", "<* OK [ALERT] news\r\n* CAPABILITY IMAP4rev1\r\ns1 ok\r\n"},
		},
		"pop3": {"plain": {"<+OK POP3 ready <1@mx>\r\n", ">STLS\r\n", "<+OK begin\r\n"}},
		"ldap": {
			"openldap":         {ldapAsks, ldapGoesAhead},
			"active-directory": {ldapAsks, "<0\x84\x00\x00\x00\x28\x02\x01\x01x\x84\x00\x00\x00\x1f\n\x01\x00\x04\x00\x04\x00\x8a\x161.3.6.1.4.1.1466.20037"},
		},
		"postgres": {"plain": {sslRequest, "<S"}},
		"mysql":    {"plain": {packet(mysqlGreets), mysqlAsks}},
	}
}

func TestStartTLS(t *testing.T) {
	paces := map[string]func(net.Conn, string){"at once": atOnce, "byte by byte": byteByByte}
	for protocol, dialogs := range goodDialogs() {
		for name, d := range dialogs {
			for pace, say := range paces {
				t.Run(protocol+"/"+name+"/"+pace, func(t *testing.T) {
					addr := listen(t, "127.0.0.1:0", d.serve(say))
					lane := New(Options{Timeout: 20 * time.Second}).Lane(Route{Target{StartTLS: protocol}, addr, nil})
					conn, f := lane.Open(t.Context())
					if f != nil {
						t.Fatalf("%+v", f)
					}
					wantEcho(t, conn)
					alone, f := lane.OpenAlone(t.Context(), 20*time.Second)
					if f != nil {
						t.Fatalf("alone: %+v", f)
					}
					wantEcho(t, alone)
				})
			}
		}
	}
}

// wantEcho checks that nothing before TLS is left in the connection, and that
// the next bytes are ours, and closes it.
func wantEcho(t *testing.T, conn *Conn) {
	t.Helper()
	defer conn.Close()
	io.WriteString(conn, "hello")
	got, err := io.ReadAll(conn)
	if string(got) != "world" {
		t.Errorf("after the go-ahead: %q, %v", got, err)
	}
}

func TestStartTLSFails(t *testing.T) {
	var silence dialog
	for _, c := range []struct {
		name, protocol string
		d              dialog
		want           results.FailureKind
	}{
		{"busy", "smtp", dialog{"<421 too many connections\r\n"}, results.KindDeclined},
		{"banned", "smtp", dialog{"<554-no\r\n554 go away\r\n"}, results.KindDeclined},
		{"not offered", "smtp", dialog{"<220 mx\r\n", ehlo, "<250-mx\r\n250 HELP\r\n"}, results.KindDeclined},
		{"no EHLO", "smtp", dialog{"<220 mx\r\n", ehlo, "<502 what\r\n"}, results.KindDeclined},
		{"no TLS now", "smtp", dialog{"<220 mx\r\n", ehlo, "<250 STARTTLS\r\n", ">STARTTLS\r\n", "<454 TLS not available\r\n"}, results.KindDeclined},
		{"injection", "smtp", dialog{"<220 mx\r\n", ehlo, "<250 STARTTLS\r\n", ">STARTTLS\r\n", "<220 go\r\n250 injected\r\n"}, results.KindMalformed},
		{"garbage", "smtp", dialog{"<SSH-2.0-OpenSSH_9.2\r\n"}, results.KindMalformed},
		{"short", "smtp", dialog{"<22\r\n"}, results.KindMalformed},
		{"endless line", "smtp", dialog{"<" + strings.Repeat("2", maxLine+1)}, results.KindLimit},
		{"endless lines", "smtp", dialog{"<" + strings.Repeat("220-more\r\n", maxTalk/10+1)}, results.KindLimit},
		{"preauth", "imap", dialog{"<* PREAUTH hi\r\n"}, results.KindDeclined},
		{"bye", "imap", dialog{"<* BYE full\r\n"}, results.KindDeclined},
		{"bad", "imap", dialog{"<* OK hi\r\n", ">s1 STARTTLS\r\n", "<s1 BAD what\r\n"}, results.KindDeclined},
		{"no", "imap", dialog{"<* OK hi\r\n", ">s1 STARTTLS\r\n", "<s1 NO\r\n"}, results.KindDeclined},
		{"other tag", "imap", dialog{"<* OK hi\r\n", ">s1 STARTTLS\r\n", "<s2 OK\r\n"}, results.KindMalformed},
		{"maybe", "imap", dialog{"<* OK hi\r\n", ">s1 STARTTLS\r\n", "<s1 MAYBE\r\n"}, results.KindMalformed},
		{"garbage", "imap", dialog{"<220 mx\r\n"}, results.KindMalformed},
		{"garbage with a star", "imap", dialog{"<* HELLO\r\n"}, results.KindMalformed},
		{"endless news", "imap", dialog{"<* OK hi\r\n", ">s1 STARTTLS\r\n", "<" + strings.Repeat("* 1 EXISTS\r\n", maxTalk/12+1)}, results.KindLimit},
		{"injection", "imap", dialog{"<* OK hi\r\n", ">s1 STARTTLS\r\n", "<s1 OK\r\n* injected\r\n"}, results.KindMalformed},
		{"err", "pop3", dialog{"<-ERR locked\r\n"}, results.KindDeclined},
		{"no STLS", "pop3", dialog{"<+OK\r\n", ">STLS\r\n", "<-ERR unknown\r\n"}, results.KindDeclined},
		{"garbage", "pop3", dialog{"<+OKAY\r\n"}, results.KindMalformed},
		{"injection", "pop3", dialog{"<+OK\r\n", ">STLS\r\n", "<+OK\r\n+OK injected\r\n"}, results.KindMalformed},
		{"refuses", "ldap", dialog{ldapAsks, "<0\x0c\x02\x01\x01x\x07\n\x01\x02\x04\x00\x04\x00"}, results.KindDeclined},
		{"refuses in the long form", "ldap", dialog{ldapAsks, "<" + ldapRefuses}, results.KindDeclined},
		{"garbage", "ldap", dialog{ldapAsks, "<HTTP/1.1 400\r\n"}, results.KindMalformed},
		{"other response", "ldap", dialog{ldapAsks, "<0\x0c\x02\x01\x01a\x07\n\x01\x00\x04\x00\x04\x00"}, results.KindMalformed},
		{"empty", "ldap", dialog{ldapAsks, "<0\x00"}, results.KindMalformed},
		{"huge", "ldap", dialog{ldapAsks, "<0\x84\xff\xff\xff\xff"}, results.KindLimit},
		{"length of lengths", "ldap", dialog{ldapAsks, "<0\xff"}, results.KindMalformed},
		{"injection", "ldap", dialog{ldapAsks, ldapGoesAhead + "0"}, results.KindMalformed},
		{"no", "postgres", dialog{sslRequest, "<N"}, results.KindDeclined},
		{"error", "postgres", dialog{sslRequest, "<E\x00\x00\x00\x20SFATAL\x00"}, results.KindDeclined},
		{"garbage", "postgres", dialog{sslRequest, "<H"}, results.KindMalformed},
		{"injection", "postgres", dialog{sslRequest, "<SR\x00\x00\x00\x08"}, results.KindMalformed},
		{"too many", "mysql", dialog{packet(mysqlTooMany)}, results.KindDeclined},
		{"not offered", "mysql", dialog{packet(mysqlNoTLS)}, results.KindDeclined},
		{"old", "mysql", dialog{packet("\x093.20\x00")}, results.KindMalformed},
		{"half", "mysql", dialog{packet(mysqlGreets[:12])}, results.KindMalformed},
		{"empty", "mysql", dialog{packet("")}, results.KindMalformed},
		{"huge", "mysql", dialog{"<\xff\xff\xff\x00\x0a"}, results.KindLimit},
		{"injection", "mysql", dialog{packet(mysqlGreets) + "\x00"}, results.KindMalformed},
		{"silence", "smtp", silence, results.KindTimeout},
		{"silence", "imap", silence, results.KindTimeout},
		{"silence", "pop3", silence, results.KindTimeout},
		{"silence", "ldap", silence, results.KindTimeout},
		{"silence", "postgres", silence, results.KindTimeout},
		{"silence", "mysql", silence, results.KindTimeout},
		{"silence after half", "mysql", dialog{"<\x40\x00\x00\x00\x0a", ">more"}, results.KindTimeout},
	} {
		t.Run(c.protocol+"/"+c.name, func(t *testing.T) {
			addr := listen(t, "127.0.0.1:0", func(conn net.Conn) {
				if c.d != nil {
					c.d.serve(atOnce)(conn)
				}
				io.Copy(io.Discard, conn) // so that the end is not a reset
			})
			timeout := 20 * time.Second
			if c.want == results.KindTimeout {
				timeout = 50 * time.Millisecond
			}
			wantFailure(t, Route{Target{StartTLS: c.protocol}, addr, nil}, timeout, results.StageStartTLS, c.want)
		})
	}
}

// wantFailure opens a route and wants it to fail, with the place given back.
func wantFailure(t *testing.T, r Route, timeout time.Duration, stage results.Stage, kind results.FailureKind) results.Failure {
	t.Helper()
	lane := New(Options{Timeout: timeout, Concurrency: 1, PerEndpoint: 1}).Lane(r)
	var last results.Failure
	for range 2 { // the second needs the first's place
		conn, f := lane.Open(t.Context())
		if f == nil {
			conn.Close()
			t.Fatal("it opened")
		}
		if f.Stage != stage || f.Kind != kind {
			t.Errorf("got %+v, want %s, %s", f, stage, kind)
		}
		if len(f.Detail) > 5*maxTold || strings.ContainsFunc(f.Detail, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("a detail that is long or could write to a terminal: %q", f.Detail)
		}
		last = *f
	}
	return last
}

func TestStartTLSEnds(t *testing.T) {
	for protocol := range goodDialogs() {
		closes := listen(t, "127.0.0.1:0", func(c net.Conn) { c.(*net.TCPConn).CloseWrite(); io.Copy(io.Discard, c) })
		wantFailure(t, Route{Target{StartTLS: protocol}, closes, nil}, 20*time.Second, results.StageStartTLS, results.KindEOF)
		resets := listen(t, "127.0.0.1:0", func(c net.Conn) {
			io.WriteString(c, "\x00")
			c.(*net.TCPConn).SetLinger(0)
		})
		f := New(Options{}).failure(t, Route{Target{StartTLS: protocol}, resets, nil})
		if f == nil || f.Kind != results.KindReset && f.Kind != results.KindMalformed {
			t.Errorf("%s: a reset: got %+v", protocol, f)
		}
	}
}

// The end of the run ends a conversation, and is not the server's fault.
func TestRunEndsStartTLS(t *testing.T) {
	heard := make(chan struct{})
	addr := listen(t, "127.0.0.1:0", func(c net.Conn) {
		hears(c, ldapAsks[1:])
		close(heard)
		io.Copy(io.Discard, c)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-heard; cancel() }()
	_, f := New(Options{Timeout: time.Hour}).Lane(Route{Target{StartTLS: "ldap"}, addr, nil}).Open(ctx)
	if f == nil || f.Stage != results.StageStartTLS || f.Kind != results.KindDeadline {
		t.Errorf("got %+v, want starttls, deadline", f)
	}
}

func (d *Dialer) failure(t *testing.T, r Route) *results.Failure {
	conn, f := d.Lane(r).Open(t.Context())
	if f == nil {
		conn.Close()
	}
	return f
}

// bytesConn is a peer that said all it will ever say.
type bytesConn struct {
	net.Conn
	in io.Reader
}

func (c bytesConn) Read(b []byte) (int, error)  { return c.in.Read(b) }
func (c bytesConn) Write(b []byte) (int, error) { return len(b), nil }
func (c bytesConn) LocalAddr() net.Addr         { return &net.TCPAddr{IP: net.IPv6loopback, Zone: "lo"} }

// FuzzStartTLS: whatever a server says ends in the go-ahead with nothing left
// over, or in a failure that is the server's and can be printed.
func FuzzStartTLS(f *testing.F) {
	for protocol, dialogs := range goodDialogs() {
		for _, d := range dialogs {
			f.Add(protocol, []byte(saidIn(d)))
		}
	}
	f.Add("ldap", []byte(ldapRefuses))
	f.Add("mysql", []byte(packet(mysqlTooMany)[1:]))
	f.Fuzz(func(t *testing.T, protocol string, said []byte) {
		if !slices.Contains([]string{"smtp", "imap", "pop3", "ldap", "postgres", "mysql"}, protocol) {
			return
		}
		talk := newTalk(bytesConn{in: bytes.NewReader(said)})
		err := startTLS(talk, protocol)
		if err == nil {
			if talk.in.Buffered() > 0 {
				t.Fatalf("%d bytes are left over", talk.in.Buffered())
			}
			return
		}
		wantPeersFault(t, err)
	})
}

// saidIn is all that a dialog says.
func saidIn(d dialog) string {
	var all string
	for _, step := range d {
		if words, ok := strings.CutPrefix(step, "<"); ok {
			all += words
		}
	}
	return all
}

func wantPeersFault(t *testing.T, err error) {
	t.Helper()
	f := Classify(results.StageStartTLS, err)
	known := []results.FailureKind{results.KindDeclined, results.KindMalformed, results.KindLimit, results.KindEOF}
	if !slices.Contains(known, f.Kind) {
		t.Fatalf("%v is taken for %s", err, f.Kind)
	}
	if len(f.Detail) > 5*maxTold || strings.ContainsFunc(f.Detail, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Fatalf("a detail that is long or could write to a terminal: %q", f.Detail)
	}
}

func TestUnknownProtocolIsOurs(t *testing.T) {
	err := startTLS(newTalk(bytesConn{in: strings.NewReader("")}), "gopher")
	if f := Classify(results.StageStartTLS, err); f.Kind != results.KindInternal || errors.Is(err, io.EOF) {
		t.Errorf("got %+v", f)
	}
}
