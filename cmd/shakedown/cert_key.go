// The key that a certificate must have, and the passwords that open files.

package main

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/term"

	"shakedown/scanner/chain"
)

// publicKey reads the key that --key names.
func (a *app) publicKey(ctx context.Context, name string, password func() (string, error)) (crypto.PublicKey, error) {
	if strings.HasPrefix(name, "pkcs11:") {
		key, err := a.tokenKey(ctx, name)
		if err != nil {
			return nil, usagef("--key: %w", err)
		}
		return key, nil
	}
	if name == "-" {
		return nil, usagef("--key -: standard input is for chains; name a file")
	}
	data, err := a.readInput(name)
	if err != nil {
		return nil, usagef("--key: %w", err)
	}
	key, err := chain.ReadKey(data, password)
	if errors.Is(err, context.Canceled) {
		return nil, notAnswered()
	}
	if err != nil {
		return nil, usagef("--key: %s: %w%s", name, err, passwordHint(err))
	}
	return key, nil
}

// password gives the password of the file, or asks for it if there is none and
// standard input is a terminal.
func (a *app) password(ctx context.Context, file string) func() (string, error) {
	if file != "" {
		return func() (string, error) { return firstLine(file) }
	}
	return func() (string, error) {
		in, ok := a.stdin.(*os.File)
		if !ok || !term.IsTerminal(int(in.Fd())) {
			return "", errors.New("it has a password: give --password-file, or run this on a terminal to be asked")
		}
		return a.ask(ctx, int(in.Fd()))
	}
}

// ask reads a password from a terminal that does not show it. Whoever interrupts
// gets the terminal back as it was; the read itself cannot be stopped, and ends
// with the process.
func (a *app) ask(ctx context.Context, terminal int) (string, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	type answer struct {
		secret []byte
		err    error
	}
	given := make(chan answer, 1)
	fmt.Fprint(a.stderr, "Password: ")
	go func() {
		secret, err := term.ReadPassword(terminal)
		given <- answer{secret, err}
	}()
	select {
	case got := <-given:
		fmt.Fprintln(a.stderr)
		return string(got.secret), got.err
	case <-ctx.Done():
		fmt.Fprintln(a.stderr)
		return "", errors.Join(ctx.Err(), term.Restore(terminal, before))
	}
}

// notAnswered is for who interrupts instead of giving a password.
func notAnswered() error {
	return &exitError{exitInterrupted, errors.New("interrupted; nothing was judged")}
}

// maxPassword bounds a file of which the first line is read.
const maxPassword = 4096

func firstLine(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("--password-file: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxPassword))
	if err != nil {
		return "", fmt.Errorf("--password-file: %w", err)
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

// tokenKey has p11tool read the public half of a key in a token (RFC 7512).
// Speaking PKCS#11 needs C, which this program has none of; p11tool asks for the
// PIN itself, or reads it from the URI's pin-source, so that it is in no list of
// processes.
func (a *app) tokenKey(ctx context.Context, uri string) (crypto.PublicKey, error) {
	module, err := checkURI(uri)
	if err != nil {
		return nil, err
	}
	args := []string{"--export-pubkey"}
	if strings.Contains(uri, "pin-source=") {
		args = append(args, "--login", "--batch")
	}
	if module != "" {
		args = append(args, "--provider="+module)
	}
	var out, trouble bytes.Buffer
	cmd := exec.CommandContext(ctx, "p11tool", append(args, uri)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.stdin, &out, &trouble
	if in, ok := a.stdin.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		cmd.Stderr = io.MultiWriter(a.stderr, &trouble) // where it asks for the PIN
	}
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("a pkcs11: URI needs the program p11tool: install it (on Debian the package gnutls-bin)")
		}
		return nil, fmt.Errorf("p11tool could not read the key: %s: check token, object, module-path and pin-source", oneLine(trouble.String(), err))
	}
	return chain.ReadKey(out.Bytes(), func() (string, error) { return "", errors.New("p11tool gave an encrypted key") })
}

// checkURI refuses a PIN on the command line, and gives the module-path.
func checkURI(uri string) (module string, err error) {
	_, query, _ := strings.Cut(uri, "?")
	for _, attribute := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(attribute, "=")
		switch name {
		case "pin-value":
			return "", errors.New("pin-value shows the PIN to all who list processes: put it into a file and name that as pin-source=FILE")
		case "module-path":
			if module, err = url.PathUnescape(value); err != nil {
				return "", fmt.Errorf("module-path: %w", err)
			}
		}
	}
	return module, nil
}

// oneLine is the last line that a program said, else how it ended.
func oneLine(said string, err error) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return fmt.Sprintf("%q", last)
	}
	return err.Error()
}
