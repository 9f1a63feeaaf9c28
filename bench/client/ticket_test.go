package client_test

import (
	"bytes"
	"testing"

	"shakedown/bench/client"
	"shakedown/bench/internal/tlstest"
	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/secrets"
	"shakedown/scanner/wire"
)

// Whatever a server hands out as a ticket, the ClientHello that offers it is a
// ClientHello, and nothing of the server's doing is taken for ours.
func FuzzTicket(f *testing.F) {
	f.Add(bytes.Join([][]byte{make([]byte, 4), vector(2, make([]byte, 20))}, nil), true)
	f.Add(bytes.Join([][]byte{{0, 0, 1, 0}, make([]byte, 4), vector(1, []byte{1}), vector(2, make([]byte, 200)), vector(2)}, nil), false)
	f.Add(bytes.Join([][]byte{{0, 0, 1, 0}, make([]byte, 4), vector(1, []byte{1}), vector(2, make([]byte, 9000)), vector(2)}, nil), false)
	f.Add([]byte{0, 0}, true)
	f.Fuzz(func(t *testing.T, body []byte, old bool) {
		if len(body) > 1<<15 {
			return // a record's worth, or it is cut into several
		}
		ask := client.Ask{Version: wire.TLS13, Resume: 1}
		if old {
			ask.Version = wire.TLS12
		}
		wallet := client.NewWallet(ask)
		config := client.Config{ServerName: tlstest.Name, Ask: ask, Classify: dial.Classify, Wallet: wallet}
		forged := &forge{t: t, session: session(t, config, client.UnitShares), sample: &client.Sample{}, share: bytes.Repeat([]byte{5}, 32)}
		forged.begin()
		err := forged.handOut(message(wire.NewSessionTicketType, body), old)
		if err != nil {
			if forged.session.Fail(err); forged.sample.Failure.Kind == results.KindInternal {
				t.Fatalf("the peer's doing is taken for ours: %+v", *forged.sample.Failure)
			}
		}
		*forged.sample = client.Sample{Resume: true}
		forged.session.Start(forged.sample)
		hello := forged.sent()
		h, err := wire.ParseClientHello(hello[9:])
		if err != nil {
			t.Fatalf("with the ticket % x: %v", body, err)
		}
		if h.ServerName() != tlstest.Name || forged.sample.Offered != (wallet.Earned() > 0) {
			t.Errorf("%+v, offered %v of %d", h, forged.sample.Offered, wallet.Earned())
		}
	})
}

// handOut makes a full handshake in which the server sends a ticket.
func (f *forge) handOut(ticket []byte, old bool) error {
	if old {
		f.must(f.feed(f.flight12(nil), 1<<14))
		f.clientFlight12()
		b := plain(wire.Handshake, f.say(ticket))
		if len(ticket) >= 1<<14 {
			return nil
		}
		return f.feed(append(append(b, plain(wire.ChangeCipherSpec, []byte{1})...), f.seal(f.finished())...), 1<<14)
	}
	f.must(f.feed(append(f.serverHello13(), f.flight13()...), 1<<14))
	f.clientDone13()
	if !f.session.Collect() || len(ticket) >= 1<<14 {
		return nil
	}
	f.k.Master()
	f.must(f.k.Key(&f.write, secrets.Server))
	return f.feed(f.seal(ticket), 1<<14)
}
