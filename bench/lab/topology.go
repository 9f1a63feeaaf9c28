// What the lab consists of: its paths, and the servers behind them.

package lab

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"shakedown/results"
)

// Path is one way to reach a service of the lab.
type Path struct {
	Service    string           `json:"service"`
	ServerName string           `json:"server_name"`
	Name       string           `json:"name"` // of the server that it leads to, too
	Kind       results.PathKind `json:"kind"`
	Address    string           `json:"address"`
	Targets    []string         `json:"targets,omitempty"`
	Note       string           `json:"note"` // what is special about it
}

// The names are under .test, which is nobody's: RFC 6761 §6.2.
const (
	Portal     = "portal"
	PortalName = "portal.shakedown.test"
	Strays     = "strays"
	StraysName = "strays.shakedown.test"
	FormerName = "former.shakedown.test" // what the stray's certificate is for
)

// enclaveToken is the one server that is no path: it holds the enclave's keys.
const enclaveToken = "enclave-token"

// topology lists the paths, without addresses.
func topology() []Path {
	portal := func(name string, kind results.PathKind, note string, targets ...string) Path {
		return Path{Service: Portal, ServerName: PortalName, Name: name, Kind: kind, Note: note, Targets: targets}
	}
	return []Path{
		portal("alb", results.LBTerminated, "HAProxy ends TLS, plaintext to the targets", "i-1", "i-2"),
		portal("alb-reencrypt", results.LBReencrypted, "HAProxy ends TLS, and new TLS to the targets, whose certificates it does not check", "i-2", "i-3"),
		portal("nlb", results.Passthrough, "nginx passes TCP through; TLS ends at the target", "i-1"),
		portal("i-1", results.Instance, "nginx as it should be"),
		portal("i-2", results.Instance, "drifted: TLS 1.0 and 1.1 still on, other suites, an expired certificate"),
		portal("i-3", results.Instance, "a self-signed certificate"),
		portal("hsm", results.HSMOffloaded, "nginx with its keys in SoftHSM2"),
		portal("enclave", results.EnclaveOffloaded, "nginx with its keys in SoftHSM2 behind p11-kit remoting"),
		{Service: Strays, ServerName: StraysName, Name: "wrong-name", Kind: results.Instance,
			Note: "a certificate for another name, " + FormerName},
	}
}

// plan lists the servers that should run.
func plan() []entry {
	programs := map[results.PathKind]string{results.LBTerminated: "haproxy", results.LBReencrypted: "haproxy"}
	var servers []entry
	for _, p := range topology() {
		program := "nginx"
		if other, ok := programs[p.Kind]; ok {
			program = other
		}
		servers = append(servers, entry{Name: p.Name, Program: program, Kind: p.Kind})
	}
	return append(servers, entry{Name: enclaveToken, Program: "p11-kit"})
}

// Policies of AWS load balancers, in OpenSSL's words, so that the lab looks
// like what it stands for: ELBSecurityPolicy-TLS13-1-2-2021-06 and its
// restricted sister. See "Security policies for your Application Load Balancer".
const (
	albSuites = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:" +
		"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384"
	albRestrictedSuites = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" +
		"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
	albSuites13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
	// usualSuites are those of Mozilla's intermediate recommendation, without
	// DHE: what a well-kept instance has.
	usualSuites = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" +
		"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
	usualCurves = "X25519:P-256:P-384"
	// driftedSuites are an old server's. Level 0 lets OpenSSL 3 speak TLS 1.0.
	driftedSuites = "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:" +
		"AES128-SHA:AES256-SHA:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"
)

// builder starts a lab's servers. What they have in common stands here once.
type builder struct {
	dir    string
	host   *host
	detach bool
	pki    *PKI

	mu      sync.Mutex
	servers map[string]*Server
}

// build starts every server, instances before what stands before them, and
// writes what clients need.
func build(ctx context.Context, dir string, h *host, detach bool) (*Lab, error) {
	pki, err := NewPKI()
	if err != nil {
		return nil, err
	}
	b := &builder{dir: dir, host: h, detach: detach, pki: pki, servers: map[string]*Server{}}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.fleet(gctx) })
	g.Go(func() error { return b.hsm(gctx) })
	g.Go(func() error { return b.enclave(gctx) })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	paths := b.paths()
	if err := allAnswer(ctx, paths); err != nil {
		return nil, err
	}
	err = writeFolder(dir, map[string][]byte{RootsFile: pki.RootPEM(), InventoryFile: inventoryYAML(paths)})
	l := opened(dir, paths)
	l.servers = b.servers
	return l, err
}

func allAnswer(ctx context.Context, paths []Path) error {
	var g errgroup.Group
	for _, p := range paths {
		g.Go(func() error { return answers(ctx, p) })
	}
	return g.Wait()
}

// fleet is the instances, then the load balancers before them.
func (b *builder) fleet(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.instance(gctx, "i-1", usual(), b.issued(Leaf{Names: []string{PortalName}})) })
	g.Go(func() error { return b.drifted(gctx) })
	g.Go(func() error { return b.instance(gctx, "i-3", usual(), selfSigned(Leaf{Names: []string{PortalName}})) })
	g.Go(func() error {
		return b.instance(gctx, "wrong-name", usual(), b.issued(Leaf{Names: []string{FormerName}}))
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return b.loadBalancers(ctx)
}

// usual is how a well-kept instance is set up.
func usual() TLS { return TLS{Ciphers: usualSuites, Curves: usualCurves} }

func (b *builder) drifted(ctx context.Context) error {
	old := TLS{Protocols: []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}, Ciphers: driftedSuites, Preference: ServerPreference}
	return b.instance(ctx, "i-2", old, func(k KeyType) (Certificate, error) {
		return b.pki.Expired(Leaf{Names: []string{PortalName}, Key: k}, time.Now())
	})
}

// loadBalancers share one certificate, as those of one AWS account can.
func (b *builder) loadBalancers(ctx context.Context) error {
	certs, err := bothKeys(b.issued(Leaf{Names: []string{PortalName}}))
	if err != nil {
		return err
	}
	settings := TLS{Certificates: certs, Ciphers: albSuites, Ciphersuites: albSuites13, Curves: usualCurves,
		Preference: ServerPreference, ALPN: []string{"h2", "http/1.1"}}
	restricted := settings
	restricted.Ciphers = albRestrictedSuites
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.alb(ctx, "alb", settings, false) })
	g.Go(func() error { return b.alb(ctx, "alb-reencrypt", restricted, true) })
	g.Go(func() error { return b.nlb(ctx, "nlb") })
	return g.Wait()
}

func (b *builder) alb(ctx context.Context, name string, settings TLS, reencrypt bool) error {
	var backends []Backend
	for _, t := range b.targets(name) {
		backend := Backend{Name: t.Name, Address: t.Plain}
		if reencrypt {
			backend = Backend{Name: t.Name, Address: t.Address, TLS: true}
		}
		backends = append(backends, backend)
	}
	return b.keep(StartHAProxy(ctx, HAProxy{Place: b.place(name), TLS: settings, Backends: backends}))
}

func (b *builder) nlb(ctx context.Context, name string) error {
	var backends []string
	for _, t := range b.targets(name) {
		backends = append(backends, t.Address)
	}
	return b.keep(StartStream(ctx, Stream{Place: b.place(name), Backends: backends}))
}

func (b *builder) instance(ctx context.Context, name string, settings TLS, cert func(KeyType) (Certificate, error)) error {
	certs, err := bothKeys(cert)
	if err != nil {
		return err
	}
	settings.Certificates = certs
	return b.nginx(ctx, name, settings)
}

// nginx answers with its name and what it saw, so that a client can tell which
// target a load balancer chose, and whether it encrypted.
func (b *builder) nginx(ctx context.Context, name string, settings TLS) error {
	return b.keep(StartNginx(ctx, Nginx{Place: b.place(name), TLS: settings, Plain: true,
		Body: name + " over $scheme $ssl_protocol"}))
}

func (b *builder) hsm(ctx context.Context) error {
	certs, _, err := b.tokenCertificates(ctx, "hsm")
	if err != nil {
		return err
	}
	settings := usual()
	settings.Certificates = certs
	return b.nginx(ctx, "hsm", settings)
}

func (b *builder) enclave(ctx context.Context) error {
	certs, token, err := b.tokenCertificates(ctx, "enclave")
	if err != nil {
		return err
	}
	s, err := StartP11Kit(ctx, b.place(enclaveToken), token)
	if err := b.keep(s, err); err != nil {
		return err
	}
	for i := range certs {
		if certs[i], err = certs[i].Through(s); err != nil {
			return err
		}
	}
	settings := usual()
	settings.Certificates = certs
	return b.nginx(ctx, "enclave", settings)
}

// tokenCertificates makes a token, two keys in it, and their certificates.
func (b *builder) tokenCertificates(ctx context.Context, name string) ([]Certificate, *Token, error) {
	token, err := NewToken(ctx, Place{Dir: filepath.Join(b.dir, tokensDir, name), host: b.host})
	if err != nil {
		return nil, nil, err
	}
	certs, err := bothKeys(func(k KeyType) (Certificate, error) {
		key, err := token.Generate(ctx, "portal-"+k.short(), k)
		if err != nil {
			return Certificate{}, err
		}
		return b.pki.Issue(Leaf{Names: []string{PortalName}, Signer: key})
	})
	return certs, token, err
}

// bothKeys makes an ECDSA and an RSA certificate: every path serves both, so
// that either can be measured on each.
func bothKeys(cert func(KeyType) (Certificate, error)) ([]Certificate, error) {
	var certs []Certificate
	for _, k := range []KeyType{ECDSA, RSA} {
		c, err := cert(k)
		if err != nil {
			return nil, err
		}
		certs = append(certs, c)
	}
	return certs, nil
}

func (b *builder) issued(l Leaf) func(KeyType) (Certificate, error) {
	return func(k KeyType) (Certificate, error) {
		l.Key = k
		return b.pki.Issue(l)
	}
}

func selfSigned(l Leaf) func(KeyType) (Certificate, error) {
	return func(k KeyType) (Certificate, error) {
		l.Key = k
		return SelfSigned(l)
	}
}

func (b *builder) place(name string) Place {
	return Place{Dir: filepath.Join(b.dir, serversDir, name), Detach: b.detach, host: b.host}
}

func (b *builder) keep(s *Server, err error) error {
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servers[s.Name] = s
	return nil
}

// targets gives the servers behind a path. They run already.
func (b *builder) targets(name string) []*Server {
	b.mu.Lock()
	defer b.mu.Unlock()
	paths := topology()
	i := slices.IndexFunc(paths, func(p Path) bool { return p.Name == name })
	var servers []*Server
	for _, t := range paths[i].Targets {
		servers = append(servers, b.servers[t])
	}
	return servers
}

func (b *builder) paths() []Path {
	paths := topology()
	for i := range paths {
		paths[i].Address = b.servers[paths[i].Name].Address
	}
	return paths
}

// inventoryYAML is the lab's inventory. Every value is the lab's own,
// so none needs quoting but the addresses.
func inventoryYAML(paths []Path) []byte {
	var b strings.Builder
	b.WriteString("# Written by `shakedown lab up`; gone after `shakedown lab down`.\nversion: 1\nservices:\n")
	service := ""
	for _, p := range paths {
		if p.Service != service {
			service = p.Service
			fmt.Fprintf(&b, "  - name: %s\n    server_name: %s\n    roots: [%s]\n    paths:\n", p.Service, p.ServerName, RootsFile)
		}
		fmt.Fprintf(&b, "      # %s\n      - {name: %s, kind: %s, address: %q", p.Note, p.Name, p.Kind, p.Address)
		if len(p.Targets) > 0 {
			fmt.Fprintf(&b, ", targets: [%s]", strings.Join(p.Targets, ", "))
		}
		b.WriteString("}\n")
	}
	return []byte(b.String())
}
