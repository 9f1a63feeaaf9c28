// Route: the way from here to where TLS begins. A target has a route for each
// of its addresses; behind a proxy it has one, and the proxy finds the address.

package dial

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"

	"shakedown/results"
)

// Target is what is to be reached, and what is to be said on the way.
type Target struct {
	Host          string // name or IP literal, without brackets
	Port          uint16
	StartTLS      string // smtp, imap, pop3, ldap, postgres or mysql; "" where TLS begins at once
	ProxyProtocol string // v1 or v2: the header that is sent first; "" for none
}

// Route is one way to a target. Routes to one address share its budget.
type Route struct {
	Target
	Address netip.AddrPort // not valid for a name that the proxy resolves
	proxy   *Proxy
}

// Direct is the route to an address where TLS begins at once.
func Direct(address netip.AddrPort) Route { return Route{Address: address} }

// String is the address, or the name and port that the proxy is given.
func (r Route) String() string {
	if r.Address.IsValid() {
		return r.Address.String()
	}
	return net.JoinHostPort(r.Host, strconv.Itoa(int(r.Port)))
}

// Routes finds the ways to a target, most preferred first, at least one.
func (d *Dialer) Routes(ctx context.Context, t Target) ([]Route, *results.Failure) {
	if proxy := d.opt.Proxy(t.Host, t.Port); proxy != nil {
		return []Route{proxied(t, proxy)}, nil
	}
	addrs, f := d.Resolve(ctx, t.Host)
	if f != nil {
		return nil, f
	}
	var routes []Route
	for _, a := range addrs {
		routes = append(routes, Route{Target: t, Address: netip.AddrPortFrom(a, t.Port)})
	}
	return routes, nil
}

// proxied is the route through a proxy. A zone means nothing outside this
// machine (RFC 4007 §6), so the proxy is not told it.
func proxied(t Target, proxy *Proxy) Route {
	r := Route{Target: t, proxy: proxy}
	if a, err := netip.ParseAddr(t.Host); err == nil {
		r.Address = netip.AddrPortFrom(a.Unmap().WithZone(""), t.Port)
	}
	return r
}

// connect opens the connection on which the route begins: to the address, or
// to the proxy.
func (d *Dialer) connect(ctx context.Context, r Route, deadline time.Time) (net.Conn, error) {
	if r.proxy == nil {
		return d.opt.Connect(ctx, r.Address, deadline)
	}
	addrs, err := d.proxyAddresses(ctx, r.proxy, deadline)
	for _, a := range addrs {
		var conn net.Conn
		if conn, err = d.opt.Connect(ctx, netip.AddrPortFrom(a, r.proxy.port), deadline); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// proxyAddresses finds a proxy's addresses once for the whole run.
func (d *Dialer) proxyAddresses(ctx context.Context, p *Proxy, deadline time.Time) ([]netip.Addr, error) {
	d.mu.Lock()
	known := d.proxies[p.host]
	d.mu.Unlock()
	if known != nil {
		return known, nil
	}
	limited, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	addrs, err := d.opt.Resolver(limited, p.host)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.proxies[p.host] = addrs
	return addrs, nil
}

// first is the stage in which a route begins.
func (r Route) first() results.Stage {
	if r.proxy != nil {
		return results.StageProxy
	}
	return results.StageConnect
}

// begin says all that comes before TLS. It returns the stage that failed.
func (r Route) begin(conn *Conn) (results.Stage, error) {
	if r.proxy == nil && r.ProxyProtocol == "" && r.StartTLS == "" {
		return "", nil
	}
	t := newTalk(conn.Conn)
	if r.proxy != nil {
		if err := r.proxy.tunnel(t, r); err != nil {
			return results.StageProxy, err
		}
	}
	if r.ProxyProtocol != "" {
		if err := t.send(r.header(conn.LocalAddr())); err != nil {
			return results.StageConnect, err
		}
	}
	if r.StartTLS != "" {
		if err := startTLS(t, r.StartTLS); err != nil {
			return results.StageStartTLS, err
		}
	}
	conn.Conn = t.rest()
	return "", nil
}
