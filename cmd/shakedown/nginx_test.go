package main

import (
	"context"

	"github.com/rogpeppe/go-internal/testscript"

	"shakedown/bench/lab"
)

// nginx starts a real nginx with one worker and puts its address into a variable:
// nginx VARIABLE.
func nginx(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: nginx VARIABLE")
	}
	pki, err := lab.NewPKI()
	ts.Check(err)
	leaf, err := pki.Issue(lab.Leaf{Names: []string{"portal.example"}, Key: lab.ECDSA})
	ts.Check(err)
	tls := lab.TLS{Protocols: []string{"TLSv1.2", "TLSv1.3"}, Certificates: []lab.Certificate{leaf}}
	server, err := lab.StartNginx(context.Background(), lab.Nginx{Place: lab.Place{Dir: ts.MkAbs(args[0])}, TLS: tls})
	ts.Check(err)
	ts.Defer(func() { ts.Check(server.Stop(context.Background())) })
	ts.Setenv(args[0], server.Address)
}
