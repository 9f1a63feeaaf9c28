//go:build !linux

package dial

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// systemTCP connects over TCP.
func systemTCP() func(context.Context, netip.AddrPort, time.Time) (net.Conn, error) { return netTCP }
