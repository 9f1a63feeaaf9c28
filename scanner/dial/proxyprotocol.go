// PROXY protocol: the header that tells a target behind a load balancer whose
// connection it is (haproxy.org, proxy-protocol.txt, versions 1 and 2).

package dial

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// header is the PROXY protocol header of a connection. It tells the truth: the
// source is this end of the connection, the destination the target.
func (r Route) header(local net.Addr) []byte {
	return ProxyHeader(r.ProxyProtocol, addrPort(local), r.Address)
}

// ProxyHeader is a PROXY protocol header of version v1 or v2. Where the two ends
// cannot stand in one header (a proxy found the address, or the connection to the
// proxy is of another family) it says UNKNOWN (v1) or LOCAL (v2), and the target
// takes the addresses of the connection itself (§2.1, §2.2).
func ProxyHeader(version string, from, to netip.AddrPort) []byte {
	if !from.IsValid() || !to.IsValid() || from.Addr().Is4() != to.Addr().Is4() {
		from, to = netip.AddrPort{}, netip.AddrPort{}
	}
	if version == "v1" {
		return headerV1(from, to)
	}
	return headerV2(from, to)
}

func headerV1(from, to netip.AddrPort) []byte {
	if !from.IsValid() {
		return []byte("PROXY UNKNOWN\r\n")
	}
	family := "TCP6"
	if from.Addr().Is4() {
		family = "TCP4"
	}
	return fmt.Appendf(nil, "PROXY %s %s %s %d %d\r\n", family,
		from.Addr().WithZone(""), to.Addr().WithZone(""), from.Port(), to.Port())
}

func headerV2(from, to netip.AddrPort) []byte {
	const local, proxy, tcp4, tcp6 = 0x20, 0x21, 0x11, 0x21
	signature := []byte("\r\n\r\n\x00\r\nQUIT\n")
	if !from.IsValid() {
		return append(signature, local, 0, 0, 0)
	}
	family := byte(tcp6)
	if from.Addr().Is4() {
		family = tcp4
	}
	body := slices.Concat(from.Addr().AsSlice(), to.Addr().AsSlice())
	body = binary.BigEndian.AppendUint16(body, from.Port())
	body = binary.BigEndian.AppendUint16(body, to.Port())
	h := append(signature, proxy, family)
	return append(binary.BigEndian.AppendUint16(h, uint16(len(body))), body...)
}
