package scanner

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"shakedown/scanner/wire"
	"testing"
	"testing/synctest"
	"time"
)

type tr struct {
	net.Conn
	t0   time.Time
	open time.Time
	sent time.Time
	what string
}

func (c *tr) Write(b []byte) (int, error) {
	if c.sent.IsZero() {
		c.sent = time.Now()
		var p wire.Parser
		p.Feed(b)
		m, err := p.Next()
		if err == nil {
			h, err := wire.ParseClientHello(m.Body)
			if err == nil {
				v := h.Version
				if h.Versions() != nil {
					v = h.Versions()[0]
				}
				c.what = fmt.Sprintf("%s s=%d g=%d sch=%d sh=%d first=%04x(%s %s)", wire.VersionName(v), len(h.Suites), len(h.Groups()), len(h.Schemes()), len(h.Shares()), h.Suites[0], wire.LookupSuite(h.Suites[0]).Auth, wire.LookupSuite(h.Suites[0]).Kx)
			}
		} else {
			c.what = "v2"
		}
	}
	return c.Conn.Write(b)
}
func (c *tr) Close() error {
	r := func(t time.Time) float64 {
		if t.IsZero() {
			return -1
		}
		return float64(t.Sub(c.t0)) / float64(roundTrip)
	}
	fmt.Printf("%5.1f %5.1f %5.1f %s\n", r(c.open), r(c.sent), r(time.Now()), c.what)
	return c.Conn.Close()
}
func TestZZ(t *testing.T) {
	var srv func(net.Conn)
	switch os.Getenv("SRV") {
	case "nginx":
		srv = nginx(t).serve
	case "wide":
		srv = wideNginx(t).serve
	case "go":
		srv = goServer(t)
	}
	synctest.Test(t, func(t *testing.T) {
		l := to(srv)
		t0 := time.Now()
		d := &tl{l, t0}
		got := scanWith(t, d.connect, os.Getenv("ASP"), 8)
		fmt.Println(got.rounds, got.connections)
		time.Sleep(time.Minute)
	})
}

type tl struct {
	*link
	t0 time.Time
}

func (l *tl) connect(ctx context.Context, a netip.AddrPort, d time.Time) (net.Conn, error) {
	o := time.Now()
	c, err := l.link.connect(ctx, a, d)
	if err != nil {
		return nil, err
	}
	return &tr{Conn: c, t0: l.t0, open: o}, nil
}
