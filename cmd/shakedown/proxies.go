// Proxies: which proxy a target is reached through, by --proxy or by the
// environment.

package main

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"golang.org/x/net/http/httpproxy"

	"shakedown/scanner/dial"
	"shakedown/scanner/inventory"
)

// proxyFor says which proxy leads to a host and port; nil is none.
type proxyFor func(host string, port uint16) *dial.Proxy

// direct leads nowhere through a proxy.
func direct(string, uint16) *dial.Proxy { return nil }

// proxies reads --proxy, else the environment. What is asked for by the flag
// goes for every target; from the environment NO_PROXY takes some out, and
// loopback is never proxied, as usual. A proxy's text may hold a password, so
// it stands in no message.
func (f *netFlags) proxies(a *app, paths []inventory.Path) (proxyFor, error) {
	switch f.proxy {
	case "":
		return a.environmentProxies(paths)
	case "none":
		return direct, nil
	}
	proxy, err := dial.ParseProxy(f.proxy)
	if err != nil {
		return nil, usagef("--proxy: %w; or --proxy none", err)
	}
	return func(string, uint16) *dial.Proxy { return proxy }, nil
}

// environmentProxies reads the usual variables. What cannot be read there
// matters only where it is to be used.
func (a *app) environmentProxies(paths []inventory.Path) (proxyFor, error) {
	name, text := a.firstSet("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
	if text == "" {
		return direct, nil
	}
	_, except := a.firstSet("no_proxy", "NO_PROXY")
	// httpproxy decides only whether; it is not shown the proxy itself.
	decide := (&httpproxy.Config{HTTPSProxy: "http://proxy.invalid", NoProxy: except}).ProxyFunc()
	proxied := func(host string, port uint16) bool {
		through, err := decide(&url.URL{Scheme: "https", Host: net.JoinHostPort(host, strconv.Itoa(int(port)))})
		return err == nil && through != nil
	}
	proxy, err := dial.ParseProxy(text)
	if err != nil {
		if slices.ContainsFunc(paths, func(p inventory.Path) bool { return proxied(p.Host, p.Port) }) {
			return nil, usagef("%s: %w; or --proxy none", name, err)
		}
		return direct, nil
	}
	return func(host string, port uint16) *dial.Proxy {
		if proxied(host, port) {
			return proxy
		}
		return nil
	}, nil
}

// firstSet finds the first variable of the environment that is not empty.
func (a *app) firstSet(names ...string) (name, value string) {
	for _, name := range names {
		if v := a.getenv(name); v != "" {
			return name, v
		}
	}
	return "", ""
}

// checkProxied refuses what a proxy would not do: it resolves names itself, so
// our families and pins do not reach it.
func (f *netFlags) checkProxied(proxy proxyFor, paths []inventory.Path) error {
	pins, err := f.pins()
	if err != nil {
		return err
	}
	for _, p := range paths {
		if _, err := netip.ParseAddr(p.Host); err == nil || proxy(p.Host, p.Port) == nil {
			continue
		}
		if f.v4 || f.v6 {
			return usagef("%s: a proxy resolves this name, by a family of its own choice; leave -4 and -6 out, or give --proxy none", p.Target)
		}
		if len(pins[p.Host]) > 0 {
			return usagef("%s: a proxy resolves this name, and does not know of --resolve; give the address as the target and the name by --sni, or --proxy none", p.Target)
		}
	}
	return nil
}

// refuseRoutes refuses, for a verb that connects by itself, what only scan's
// dialer does on the way.
func (f *netFlags) refuseRoutes(verb string, paths []inventory.Path) error {
	if f.proxy != "" && f.proxy != "none" {
		return usagef("--proxy: %s measures without a proxy, whose time it would measure too; leave it out", verb)
	}
	i := slices.IndexFunc(paths, func(p inventory.Path) bool { return p.Scheme != "" })
	if i < 0 {
		return nil
	}
	return usagef("%s: %s does not speak STARTTLS; give the port where TLS begins at once, or choose other paths by --path", paths[i].Target, verb)
}
