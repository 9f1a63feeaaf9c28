// Private keys, read for their public half: does a key fit a certificate?

package chain

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/youmark/pkcs8"
)

// ReadKey gives the public half of the key in a file: PKCS#1, PKCS#8, SEC 1 or
// a public key, as PEM or DER; PKCS#8 and PEM encrypted, and PKCS#12. The
// password is asked for only where there is one.
func ReadKey(data []byte, password func() (string, error)) (crypto.PublicKey, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("it is larger than %d MB", maxFile>>20)
	}
	if bytes.HasPrefix(data, []byte{0x30}) {
		return keyOfDER(data, password)
	}
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil, errors.New("it holds no key: give PEM or DER of PKCS#8, PKCS#1 or SEC 1")
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") || strings.HasSuffix(block.Type, "PUBLIC KEY") {
			return keyOfBlock(block, password)
		}
	}
}

func keyOfBlock(block *pem.Block, password func() (string, error)) (crypto.PublicKey, error) {
	//lint:ignore SA1019 such keys are in use, whatever the encryption is worth
	if !x509.IsEncryptedPEMBlock(block) {
		return keyOfDER(block.Bytes, password)
	}
	secret, err := password()
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 as above
	der, err := x509.DecryptPEMBlock(block, []byte(secret))
	if err != nil {
		return nil, ErrPassword
	}
	return keyOfDER(der, password)
}

func keyOfDER(der []byte, password func() (string, error)) (crypto.PublicKey, error) {
	private, err := privateKey(der)
	if err == nil {
		return private.Public(), nil
	}
	if public, err := x509.ParsePKIXPublicKey(der); err == nil {
		return public, nil
	}
	if _, version := firstField(der); version == 3 {
		return keyOfPKCS12(der, password)
	}
	if !encrypted(der) {
		return nil, fmt.Errorf("reading a private key: %w", err)
	}
	if tooCostly(der, maxNesting) {
		return nil, errCostly
	}
	secret, err := password()
	if err != nil {
		return nil, err
	}
	if private, err = decrypt(der, secret); err != nil {
		return nil, err
	}
	return private.Public(), nil
}

// privateKey tries the forms in which a private key may come.
func privateKey(der []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if rsa, err := x509.ParsePKCS1PrivateKey(der); err == nil {
			return rsa, nil
		}
		if ec, err := x509.ParseECPrivateKey(der); err == nil {
			return ec, nil
		}
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("its kind of key signs nothing")
	}
	return signer, nil
}

func keyOfPKCS12(der []byte, password func() (string, error)) (crypto.PublicKey, error) {
	key, _, err := tryPKCS12(der, password)
	if err == nil && key == nil {
		err = errors.New("its PKCS#12 holds no private key")
	}
	return key, err
}

// encrypted knows EncryptedPrivateKeyInfo (RFC 5958 §3): an algorithm first.
func encrypted(der []byte) bool {
	tag, _ := firstField(der)
	return tag == 0x30
}

func decrypt(der []byte, password string) (crypto.Signer, error) {
	key, err := pkcs8.ParsePKCS8PrivateKey(der, []byte(password))
	if err != nil {
		if strings.Contains(err.Error(), "incorrect password") {
			return nil, ErrPassword
		}
		return nil, fmt.Errorf("reading an encrypted key: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("its kind of key signs nothing")
	}
	return signer, nil
}
