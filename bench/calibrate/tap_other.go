//go:build !linux

// Elsewhere than on Linux there is no tap.

package calibrate

import (
	"errors"
	"net/netip"
)

type tap struct{ flows *flows }

func openTap(netip.AddrPort) (*tap, error) {
	return nil, errors.New("capturing packets is for Linux alone")
}

func (*tap) drain() error { return nil }
func (*tap) dropped() int { return 0 }
func (*tap) close()       {}
