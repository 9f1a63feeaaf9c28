// Package tlstest is servers for the tests of bench: crypto/tls with given
// certificates, and servers that misbehave in one way each. It is not for
// anything but tests.
package tlstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Name is the server name that certificates are made for.
const Name = "bench.example"

// certificates are made once for a test binary: RSA keys are slow to make.
var certificates = map[string]func() tls.Certificate{
	"rsa":  sync.OnceValue(func() tls.Certificate { return selfSigned(rsa.GenerateKey(rand.Reader, 2048)) }),
	"p256": sync.OnceValue(func() tls.Certificate { return selfSigned(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }),
	"p384": sync.OnceValue(func() tls.Certificate { return selfSigned(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) }),
	"ed25519": sync.OnceValue(func() tls.Certificate {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return selfSigned(key, err)
	}),
}

// Certificate is a self-signed certificate by kind of key: rsa, p256, p384,
// ed25519.
func Certificate(kind string) tls.Certificate { return certificates[kind]() }

// Fresh is a certificate of kind p256 with a key of its own.
func Fresh() tls.Certificate { return selfSigned(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func selfSigned[K crypto.Signer](key K, err error) tls.Certificate {
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: Name},
		DNSNames:     []string{Name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Server is a TLS server that answers every request alike and remembers what
// each connection negotiated.
type Server struct {
	Addr netip.AddrPort

	mu     sync.Mutex
	more   sync.Cond
	states []tls.ConnectionState
	errs   []error
}

func newServer() *Server {
	s := &Server{}
	s.more.L = &s.mu
	return s
}

// tester is what is needed of a testing.TB.
type tester interface {
	Fatal(...any)
	Cleanup(func())
}

// Serve starts a server that ends with the test.
func Serve(t tester, config *tls.Config) *Server {
	s := newServer()
	s.Addr = Listen(t, func(conn net.Conn) { s.serve(tls.Server(conn, config)) })
	return s
}

func (s *Server) serve(conn *tls.Conn) {
	err := conn.Handshake()
	s.mu.Lock()
	if err == nil {
		s.states = append(s.states, conn.ConnectionState())
	} else {
		s.errs = append(s.errs, err)
	}
	s.more.Broadcast()
	s.mu.Unlock()
	if err != nil {
		return
	}
	if n, _ := conn.Read(make([]byte, 4096)); n > 0 {
		conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"))
	}
	conn.Close()
}

// States are the connections whose handshakes the server completed, in order.
func (s *Server) States() []tls.ConnectionState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]tls.ConnectionState(nil), s.states...)
}

// Await is States once n handshakes have been completed or have failed: in
// TLS 1.3 the client is done before the server is.
func (s *Server) Await(n int) []tls.ConnectionState {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.states)+len(s.errs) < n {
		s.more.Wait()
	}
	return append([]tls.ConnectionState(nil), s.states...)
}

// Errors are what the server's failed handshakes reported.
func (s *Server) Errors() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]error(nil), s.errs...)
}

// Listen serves every connection with handle until the test ends; then it waits
// for all of them.
func Listen(t tester, handle func(net.Conn)) netip.AddrPort {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			served.Go(func() {
				handle(conn)
				conn.Close()
				mu.Lock()
				delete(open, conn)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for conn := range open {
			conn.Close()
		}
		mu.Unlock()
		served.Wait()
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}
