// Legacy: whole handshakes by zcrypto, for the versions and suites that nothing
// newer speaks: CBC, RC4, 3DES, DHE, RSA key exchange.
//
// zcrypto writes into its Config, may panic on what a peer sends, and keeps the
// connection's keys in its log: each handshake gets a Config of its own, a
// panic is this handshake's failure alone, and of the log only the chosen suite
// is read.

package handshake

import (
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"

	zrsa "github.com/zmap/zcrypto/rsa"
	ztls "github.com/zmap/zcrypto/tls"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// legacySuites are those that zcrypto implements to the end.
func legacySuites(version uint16) []uint16 {
	ids := []uint16{
		0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9, 0xCCAA, 0xC023, 0xC027, 0xC009, 0xC00A, 0xC013, 0xC014, 0xC007, 0xC011, 0xC012,
		0x009E, 0x009F, 0x0067, 0x006B, 0x0033, 0x0039, 0x0016, 0x009C, 0x009D, 0x003C, 0x003D, 0x002F, 0x0035, 0x0005, 0x000A,
	}
	if version == wire.TLS12 {
		return ids
	}
	return slices.DeleteFunc(ids, func(id uint16) bool { return wire.LookupSuite(id).First == wire.TLS12 })
}

func finishLegacy(conn *dial.Conn, o Offer) (got Outcome) {
	l := line{conn: conn}
	defer func() {
		if r := recover(); r != nil {
			got = Outcome{Failure: results.Failure{
				Stage: results.StageHandshake, Kind: results.KindInternal, Count: 1, Detail: fmt.Sprintf("zcrypto gave up: %.200v", r),
			}}
		}
	}()
	kept := new(keptSession)
	if o.Resume != nil {
		kept.state = o.Resume.legacy
	}
	config := &ztls.Config{
		InsecureSkipVerify: true, // what a certificate is worth is another question
		MinVersion:         o.Version, MaxVersion: o.Version,
		CipherSuites: o.Suites, ForceSuites: true, ServerName: o.ServerName,
		CurvePreferences:       []ztls.CurveID{ztls.X25519, ztls.CurveP256, ztls.CurveP384, ztls.CurveP521},
		SessionTicketsDisabled: !o.Ticket,
		ClientSessionCache:     kept,
		GetClientCertificate: func(*ztls.CertificateRequestInfo) (*ztls.Certificate, error) {
			got.Asked = true
			return zcryptoCertificate(o.Certificate), nil
		},
	}
	client := ztls.Client(conn, config)
	err := client.Handshake()
	if log := client.GetHandshakeLog(); log != nil && log.ServerHello != nil {
		got.Suite = uint16(log.ServerHello.CipherSuite)
	}
	if err != nil {
		got.Failure = l.legacyFailure(got.Suite, err)
		return got
	}
	got.Finished, got.Resumed = true, client.ConnectionState().DidResume
	if id := client.GetHandshakeLog().ServerHello.SessionID; len(id) > 0 {
		got.Sessions.ByID = &Session{version: o.Version, suite: got.Suite, id: id}
	}
	if kept.state != nil {
		got.Sessions.ByTicket = &Session{version: o.Version, suite: got.Suite, legacy: kept.state}
	}
	client.CloseWrite()
	return got
}

// keptSession is zcrypto's store of the one session of a handshake. zcrypto knows
// those of tickets alone.
type keptSession struct{ state *ztls.ClientSessionState }

func (k *keptSession) Get(string) (*ztls.ClientSessionState, bool) { return k.state, k.state != nil }

func (k *keptSession) Put(_ string, state *ztls.ClientSessionState) { k.state = state }

func zcryptoCertificate(c *tls.Certificate) *ztls.Certificate {
	if c == nil {
		return &ztls.Certificate{}
	}
	key := c.PrivateKey
	if k, ok := key.(*rsa.PrivateKey); ok {
		key = rsaSigner{k, &zrsa.PublicKey{N: k.N, E: big.NewInt(int64(k.E))}}
	}
	return &ztls.Certificate{Certificate: c.Certificate, PrivateKey: key}
}

// rsaSigner shows a key to zcrypto, whose RSA types are its own.
type rsaSigner struct {
	*rsa.PrivateKey
	public *zrsa.PublicKey
}

func (s rsaSigner) Public() crypto.PublicKey { return s.public }

func (s rsaSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if pss, ok := opts.(*zrsa.PSSOptions); ok {
		opts = &rsa.PSSOptions{SaltLength: pss.SaltLength, Hash: pss.Hash}
	}
	return s.PrivateKey.Sign(random, digest, opts)
}

// legacyFailure names zcrypto's error: the peer's alert, the network's doing, or
// else zcrypto's own objection to what the peer sent.
func (l *line) legacyFailure(suite uint16, err error) results.Failure {
	stage := results.StageHandshake
	if suite == 0 {
		stage = results.StageHello
	}
	var remote *net.OpError
	var alert ztls.Alert
	switch {
	case errors.As(err, &remote) && remote.Op == "remote error" && errors.As(remote.Err, &alert):
		return l.failure(stage, fatal(alert))
	}
	if f := l.conn.Failure(stage, err); f.Kind != results.KindInternal {
		return f
	}
	return results.Failure{Stage: stage, Kind: results.KindMalformed, Count: 1, Detail: err.Error()}
}
