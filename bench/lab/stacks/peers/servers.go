// Servers: those that are scanned, each on every address of a network, so that
// one is a farm of as many endpoints as are wanted.

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"shakedown/bench/lab"
	"shakedown/bench/lab/stacks"
)

// network is of the block that is set aside for benchmarks (RFC 2544); it is
// ours alone in a namespace of our own.
func network() netip.Prefix { return netip.MustParsePrefix("198.18.0.0/16") }

// hosts are the first n addresses.
func hosts(n int) []string {
	var all []string
	for a := network().Addr().Next(); len(all) < n && network().Contains(a); a = a.Next() {
		all = append(all, a.String())
	}
	return all
}

// endpoints are what tools are run on.
type endpoints struct {
	name   string
	server *lab.Server
	port   string
	hosts  []string
	farm   bool
}

// fleet is every server.
type fleet struct {
	rsa, ec, open, golang *lab.Server
	ports                 map[*lab.Server]string
}

// start starts the servers; what was started is stopped by stop, after an error
// too.
func start(ctx context.Context, m *stacks.Material) (f *fleet, err error) {
	f = &fleet{ports: map[*lab.Server]string{}}
	nginx := func(port int, name string, t lab.TLS, extra string) *lab.Server {
		s, startErr := lab.StartNginx(ctx, lab.Nginx{
			Place: place(m, name), TLS: t, Extra: fmt.Sprintf("    listen 0.0.0.0:%d ssl backlog=4096;\n", port) + extra,
		})
		err = errors.Join(err, startErr)
		if s != nil {
			f.ports[s] = strconv.Itoa(port)
		}
		return s
	}
	f.rsa = nginx(8441, "nginx-rsa", lab.TLS{Certificates: []lab.Certificate{m.RSA}}, "")
	f.ec = nginx(8442, "nginx-ec", lab.TLS{Certificates: []lab.Certificate{m.EC}}, "")
	f.open = nginx(8443, "nginx-open", stacks.OpenTLS(m), "    ssl_dhparam "+m.File("dh.pem")+";\n")
	golang, startErr := startGo(ctx, m)
	if f.golang = golang; golang != nil {
		_, f.ports[golang], _ = net.SplitHostPort(golang.Address)
	}
	return f, errors.Join(err, startErr)
}

func place(m *stacks.Material, name string) lab.Place {
	return lab.Place{Dir: filepath.Join(m.Dir, "servers", name), Name: name}
}

func (f *fleet) stop(ctx context.Context) error {
	var errs []error
	for s := range f.ports {
		errs = append(errs, s.Stop(ctx))
	}
	return errors.Join(errs...)
}

// endpoints lists single ones and farms.
func (f *fleet) endpoints(farm int) []endpoints {
	all := []endpoints{
		{name: "nginx, its defaults", server: f.rsa, hosts: hosts(1)},
		{name: "nginx, wide open", server: f.open, hosts: hosts(1)},
		{name: "Go crypto/tls", server: f.golang, hosts: hosts(1)},
		{name: fmt.Sprintf("%d × nginx, RSA", farm), server: f.rsa, hosts: hosts(farm), farm: true},
		{name: fmt.Sprintf("%d × nginx, EC", farm), server: f.ec, hosts: hosts(farm), farm: true},
	}
	for i := range all {
		all[i].port = f.ports[all[i].server]
	}
	return all
}

// goServing, as the first argument, makes this program the Go server: an own
// process, whose CPU time is its own.
const goServing = "-serve-go"

func startGo(ctx context.Context, m *stacks.Material) (*lab.Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return lab.StartProgram(ctx, lab.Program{
		Place: place(m, "go"), Command: self,
		Args: func(addr string) []string { return []string{goServing, addr, m.Dir} },
	})
}

// serveGo serves on every address, at the port of the one it is given.
func serveGo(addr, dir string) error {
	var certificates []lab.Certificate
	for _, name := range []string{"rsa", "ec"} {
		chain, err := os.ReadFile(filepath.Join(dir, name+".pem"))
		if err != nil {
			return err
		}
		key, err := os.ReadFile(filepath.Join(dir, name+".key"))
		if err != nil {
			return err
		}
		certificates = append(certificates, lab.Certificate{Chain: chain, Key: key})
	}
	config, err := stacks.GoTLS(certificates...)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp4", "0.0.0.0:"+port)
	if err != nil {
		return err
	}
	stacks.ServeGo(l, config)
	return nil
}
