// Certificates out of the files that they come in: PEM, DER, PKCS#7, PKCS#12.
// The certificates are left as they are, for a fault in one is the verdict's to
// tell; only a file that is none of these is refused.

package chain

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"
)

// ErrPassword says that a password does not open what it was given for.
var ErrPassword = errors.New("the password does not open it")

// Split gives the certificates of a file, each as DER, in the file's order. A
// PKCS#12 file that holds a private key has no order of its own: the
// certificate of that key comes first. The password is asked for only where the
// file has one.
func Split(data []byte, password func() (string, error)) ([][]byte, error) {
	ders, err := split(data, password)
	if err == nil && len(ders) == 0 {
		return nil, errors.New("it holds no certificate: give PEM with CERTIFICATE blocks, DER, PKCS#7 or PKCS#12")
	}
	return ders, err
}

func split(data []byte, password func() (string, error)) ([][]byte, error) {
	switch {
	case len(data) > maxFile:
		return nil, fmt.Errorf("it is larger than %d MB", maxFile>>20)
	case len(data) == 0:
		return nil, errors.New("it is empty")
	case bytes.Contains(data, []byte(pemBegin)):
		return splitText(data)
	}
	switch first, version := firstField(data); {
	case first == cbasn1.OBJECT_IDENTIFIER: // the type of a ContentInfo (RFC 2315 §7)
		return splitPKCS7(data)
	case first == cbasn1.INTEGER && version == 3: // of a PFX (RFC 7292 §4)
		return splitPKCS12(data, password)
	case first == cbasn1.INTEGER: // PKCS#1, PKCS#8, SEC 1
		return nil, errors.New("it holds a private key and no certificate: give it to --key")
	}
	return elements(data), nil
}

// elements cuts DER certificates that were put one behind the other; what is
// not such a row is one certificate, whatever is wrong with it.
func elements(data []byte) [][]byte {
	var list [][]byte
	for rest := cryptobyte.String(data); !rest.Empty(); {
		var one cryptobyte.String
		if !rest.ReadASN1Element(&one, cbasn1.SEQUENCE) {
			return [][]byte{data}
		}
		list = append(list, one)
	}
	return list
}

const pemBegin = "-----BEGIN "

// splitText reads PEM. A block that does not decode is a certificate that does
// not parse: to leave it out would judge another chain than the file's.
func splitText(data []byte) (ders [][]byte, err error) {
	begin := []byte(pemBegin)
	for {
		at := bytes.Index(data, begin)
		if at < 0 {
			return ders, nil
		}
		data = data[at:]
		end := len(data)
		if next := bytes.Index(data[len(begin):], begin); next >= 0 {
			end = len(begin) + next
		}
		found, err := splitBlock(data[:end])
		if err != nil {
			return nil, err
		}
		ders, data = append(ders, found...), data[end:]
	}
}

func splitBlock(text []byte) ([][]byte, error) {
	label, _, _ := bytes.Cut(text[len(pemBegin):], []byte("-----"))
	block, _ := pem.Decode(text)
	if block == nil {
		block = &pem.Block{Bytes: text}
	}
	switch string(label) {
	case "CERTIFICATE", "X509 CERTIFICATE":
		return [][]byte{block.Bytes}, nil
	case "TRUSTED CERTIFICATE": // OpenSSL's: what it trusts it for stands behind it
		return elements(block.Bytes)[:1], nil
	case "PKCS7", "CMS":
		return splitPKCS7(block.Bytes)
	}
	return nil, nil
}

// firstField tells what a file of DER is: its first field's tag, and its value
// if that is a number.
func firstField(data []byte) (tag cbasn1.Tag, number int) {
	in := cryptobyte.String(data)
	var whole, field cryptobyte.String
	if !in.ReadASN1(&whole, cbasn1.SEQUENCE) || !whole.ReadAnyASN1Element(&field, &tag) {
		return 0, 0
	}
	if tag == cbasn1.INTEGER && !field.ReadASN1Integer(&number) {
		return 0, 0
	}
	return tag, number
}

// splitPKCS7 reads SignedData (RFC 2315 §9.1), as servers' tools write it to
// carry certificates. The packages that read it parse what it holds too, and
// would refuse a file for one certificate of it.
func splitPKCS7(data []byte) ([][]byte, error) {
	broken := errors.New("it is not whole as PKCS#7 (SignedData in DER): write it anew")
	signedData := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	in := cryptobyte.String(data)
	var info, explicit, signed, certificates cryptobyte.String
	var kind asn1.ObjectIdentifier
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&kind) {
		return nil, broken
	}
	if !kind.Equal(signedData) {
		return nil, fmt.Errorf("it is PKCS#7 of the type %v, which carries no certificates", kind)
	}
	context0 := cbasn1.Tag(0).ContextSpecific().Constructed()
	if !info.ReadASN1(&explicit, context0) || !explicit.ReadASN1(&signed, cbasn1.SEQUENCE) ||
		!signed.SkipASN1(cbasn1.INTEGER) || !signed.SkipASN1(cbasn1.SET) || !signed.SkipASN1(cbasn1.SEQUENCE) ||
		!signed.ReadASN1(&certificates, context0) {
		return nil, broken
	}
	var ders [][]byte
	for !certificates.Empty() {
		var one cryptobyte.String
		var tag cbasn1.Tag
		if !certificates.ReadAnyASN1Element(&one, &tag) {
			return nil, broken
		}
		ders = append(ders, one)
	}
	return ders, nil
}

func splitPKCS12(data []byte, password func() (string, error)) ([][]byte, error) {
	key, ders, err := tryPKCS12(data, password)
	if err != nil {
		return nil, err
	}
	return leafFirst(ders, key), nil
}

// tryPKCS12 opens a file with the empty password before it asks for one, for
// many have none.
func tryPKCS12(data []byte, password func() (string, error)) (crypto.PublicKey, [][]byte, error) {
	if tooCostly(data, maxNesting) {
		return nil, nil, errCostly
	}
	key, ders, err := openPKCS12(data, "")
	if !errors.Is(err, ErrPassword) {
		return key, ders, err
	}
	secret, err := password()
	if err != nil {
		return nil, nil, err
	}
	return openPKCS12(data, secret)
}

func openPKCS12(data []byte, password string) (crypto.PublicKey, [][]byte, error) {
	key, ders, err := decodePKCS12(data, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return nil, nil, ErrPassword
	case err != nil:
		return nil, nil, fmt.Errorf("reading PKCS#12: %w (openssl pkcs12 -nokeys writes it as PEM)", err)
	}
	return key, ders, nil
}

// decodePKCS12 tries what the file may be: a key with its certificates, or
// certificates alone, as Java's trust stores are.
func decodePKCS12(data []byte, password string) (key crypto.PublicKey, ders [][]byte, err error) {
	private, leaf, others, err := pkcs12.DecodeChain(data, password)
	if err == nil {
		ders = append(ders, leaf.Raw)
		for _, c := range others {
			ders = append(ders, c.Raw)
		}
		if signer, ok := private.(crypto.Signer); ok {
			key = signer.Public()
		}
		return key, ders, nil
	}
	//lint:ignore SA1019 nothing else gives certificates that do not parse; its keys are not used
	if blocks, raw := pkcs12.ToPEM(data, password); raw == nil {
		for _, b := range blocks {
			if b.Type == "CERTIFICATE" {
				ders = append(ders, b.Bytes)
			}
		}
		return nil, ders, nil
	}
	if store, only := pkcs12.DecodeTrustStore(data, password); only == nil {
		for _, c := range store {
			ders = append(ders, c.Raw)
		}
		return nil, ders, nil
	}
	return nil, nil, err
}

// leafFirst moves the certificate of a key to the front.
func leafFirst(ders [][]byte, key crypto.PublicKey) [][]byte {
	if key == nil {
		return ders
	}
	for i, der := range ders {
		if c := parse(der); c.x != nil && c.key.equal(key) {
			first := append([][]byte{der}, ders[:i]...)
			return append(first, ders[i+1:]...)
		}
	}
	return ders
}
