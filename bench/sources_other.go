//go:build !linux

// Sources where the system has no better way: a port is found before the
// destination is known.

package bench

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
)

type sources struct {
	list []netip.Addr
	next atomic.Uint64
}

func newSources(p Plan, to netip.Addr) *sources { return &sources{list: sourcesFor(p, to)} }

func (s *sources) dial(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1}
	if n := len(s.list); n > 0 {
		d.LocalAddr = &net.TCPAddr{IP: s.list[s.next.Add(1)%uint64(n)].AsSlice()}
	}
	return d.DialContext(ctx, "tcp", address.String())
}

func checkPorts(p Ports) error {
	if p == (Ports{}) {
		return nil
	}
	return errors.New("a range of source ports needs Linux")
}
