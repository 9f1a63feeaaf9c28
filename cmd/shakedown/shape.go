// The flags of bench that say which handshakes are made, and from where.

package main

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"shakedown/bench"
	"shakedown/bench/client"
)

// shapeFlags are what one handshake is to be beside version, group, suite and
// signature scheme, and the ends of its connection.
type shapeFlags struct {
	resume     float64
	sessionIDs bool
	helloRetry bool
	alpn       string
	closing    string
	sources    []string
	ports      string
	certFile   string
	keyFile    string
}

func (f *shapeFlags) register(fs *pflag.FlagSet) {
	fs.Float64Var(&f.resume, "resume", 0, "how many handshakes are to be resumed: `RATIO` from 0 (all full) to 1 (all resumed), dealt out by the seed")
	fs.BoolVar(&f.sessionIDs, "session-ids", false, "TLS 1.2, lean: resume by session id, ask for no tickets")
	fs.BoolVar(&f.helloRetry, "hello-retry", false, "TLS 1.3, lean: force a HelloRetryRequest, by a hello without a key share")
	fs.StringVar(&f.alpn, "alpn", "", "ask for this `PROTOCOL`, as h2 (default http/1.1 with --request, else none is offered)")
	fs.StringVar(&f.closing, "close", "fin", "`HOW` connections end: fin, as clients do, or rst, which leaves no port in TIME_WAIT")
	fs.StringSliceVar(&f.sources, "source", nil, "connect from these `ADDRESSES`, in turn; each has 28,232 ports to give")
	fs.StringVar(&f.ports, "source-ports", "", "connect from these ports alone, `LOW-HIGH`, within the system's own range")
	fs.StringVar(&f.certFile, "client-cert", "", "certificate chain to show to a server that asks for one, a PEM `FILE`")
	fs.StringVar(&f.keyFile, "client-key", "", "its private key, a PEM `FILE`")
}

func (f *shapeFlags) check(version, request string) error {
	switch {
	case !(f.resume >= 0 && f.resume <= 1):
		return usagef("--resume %v: want a ratio from 0 to 1, as in --resume 0.8", f.resume)
	case f.sessionIDs && version != "1.2":
		return usagef("--session-ids: TLS 1.3 resumes by tickets alone; give --tls 1.2 too")
	case f.sessionIDs && f.resume == 0:
		return usagef("--session-ids says how to resume; give --resume too, as in --resume 1")
	case f.helloRetry && version != "1.3":
		return usagef("--hello-retry: TLS 1.2 has no HelloRetryRequest; give --tls 1.3")
	case f.alpn != "" && request != "" && f.alpn != "http/1.1":
		return usagef("--alpn %s: --request speaks HTTP/1.1; give one of them", f.alpn)
	case len(f.alpn) > 255:
		return usagef("--alpn: a protocol's name has 255 bytes at most")
	case f.closing != "fin" && f.closing != "rst":
		return usagef("--close %q: want fin or rst", f.closing)
	}
	return nil
}

// ask adds to what is asked of a handshake.
func (f *shapeFlags) ask(a *client.Ask) { a.Resume, a.Retry, a.ALPN = f.resume, f.helloRetry, f.alpn }

// plan adds what holds for all handshakes.
func (f *shapeFlags) plan(p *bench.Plan) (err error) {
	if f.closing == "rst" {
		p.Closing = client.ByRST
	}
	p.SessionIDs = f.sessionIDs
	if p.Certificate, err = clientCertificate(f.certFile, f.keyFile); err != nil {
		return err
	}
	if p.Sources, err = f.sourceAddresses(); err != nil {
		return err
	}
	p.Ports, err = f.sourcePorts()
	return err
}

// sourceAddresses reads --source; an address that is not ours would only fail
// later, and every handshake with it.
func (f *shapeFlags) sourceAddresses() (list []netip.Addr, err error) {
	for _, text := range f.sources {
		a, err := netip.ParseAddr(strings.Trim(text, "[] "))
		if err != nil || a.Zone() != "" {
			return nil, usagef("--source %q: want addresses of this host, as in --source 10.0.0.5,10.0.0.6", text)
		}
		if !canBind(a) {
			return nil, usagef("--source %s: connections cannot begin at this address; it must be one of this host's", a)
		}
		list = append(list, a)
	}
	return list, nil
}

func canBind(a netip.Addr) bool {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func (f *shapeFlags) sourcePorts() (p bench.Ports, err error) {
	if f.ports == "" {
		return p, nil
	}
	low, high, _ := strings.Cut(f.ports, "-")
	l, err1 := strconv.ParseUint(low, 10, 16)
	h, err2 := strconv.ParseUint(high, 10, 16)
	if err1 != nil || err2 != nil || l == 0 || l > h {
		return p, usagef("--source-ports %q: want the lowest and the highest, as in --source-ports 20000-60000", f.ports)
	}
	return bench.Ports{Low: uint16(l), High: uint16(h)}, nil
}

// asked is what is asked of a handshake in a few words.
func asked(a client.Ask) string {
	s := a.Record()
	words := []string{"full handshakes", string(s.Version)}
	switch {
	case a.Resume == 1:
		words[0] = "resumed handshakes"
	case a.Resume > 0:
		words[0] = strconv.FormatFloat(100*a.Resume, 'g', 3, 64) + " % resumed handshakes, the others full,"
	}
	if a.Retry {
		words = append(words, "with HelloRetryRequest")
	}
	for _, part := range []string{s.Suite, s.Group, s.SignatureScheme, s.ALPN} {
		if part != "" {
			words = append(words, part)
		}
	}
	return strings.Join(words, " ")
}
