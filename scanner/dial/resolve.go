// Resolvers: from a host to the addresses that are to be tried.

package dial

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Resolver gives the addresses of a host, most preferred first, at least one.
type Resolver func(ctx context.Context, host string) ([]netip.Addr, error)

// Family says which addresses may be used.
type Family string

// The families, as the net package names them.
const (
	AnyFamily Family = "ip"
	IPv4      Family = "ip4"
	IPv6      Family = "ip6"
)

// SystemResolver asks the system's resolver, after the pins: host to address,
// as --resolve gives them.
func SystemResolver(family Family, pins map[string][]netip.Addr) Resolver {
	return func(ctx context.Context, host string) ([]netip.Addr, error) {
		if pinned := pins[host]; len(pinned) > 0 {
			return family.only(host, pinned)
		}
		if literal, err := netip.ParseAddr(host); err == nil {
			return family.only(host, []netip.Addr{literal})
		}
		addrs, err := net.DefaultResolver.LookupNetIP(ctx, string(family), host)
		if err != nil {
			return nil, err
		}
		// IPv4 first, then by number: what is scanned must not hang on the order
		// in which a name server happened to answer.
		slices.SortFunc(addrs, func(a, b netip.Addr) int {
			a, b = a.Unmap(), b.Unmap()
			return cmp.Or(cmp.Compare(a.BitLen(), b.BitLen()), a.Compare(b))
		})
		return family.only(host, addrs)
	}
}

// only keeps the addresses of a family, each once.
func (f Family) only(host string, addrs []netip.Addr) ([]netip.Addr, error) {
	var kept []netip.Addr
	for _, a := range addrs {
		a = a.Unmap()
		if f == AnyFamily || a.Is4() == (f == IPv4) {
			kept = append(kept, a)
		}
	}
	if kept = slices.Compact(kept); len(kept) == 0 {
		return nil, &net.DNSError{Err: fmt.Sprintf("no %s address", f), Name: host, IsNotFound: true}
	}
	return kept, nil
}
