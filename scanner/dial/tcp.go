// TCP by package net: where there is nothing leaner, and for addresses with a zone.

package dial

import (
	"context"
	"net"
	"net/netip"
	"time"
)

func netTCP(ctx context.Context, address netip.AddrPort, deadline time.Time) (net.Conn, error) {
	d := net.Dialer{Deadline: deadline, KeepAlive: -1}
	return d.DialContext(ctx, "tcp", address.String())
}
