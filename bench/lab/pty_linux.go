// Secrets for programs that ask a person: a pseudo-terminal answers their
// prompts, so that a PIN is in no command line and no environment.

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// converse runs a command on a terminal of its own and types one answer at each
// prompt. It returns what the command printed.
func converse(ctx context.Context, cmd *exec.Cmd, answers []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	terminal, line, err := openPTY()
	if err != nil {
		return nil, fmt.Errorf("opening a pseudo-terminal: %w", err)
	}
	defer terminal.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = line, line, line
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	line.Close()
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	said, talkErr := answer(ctx, terminal, answers)
	if talkErr != nil {
		cmd.Process.Kill()
	}
	return said, errors.Join(ctx.Err(), talkErr, cmd.Wait())
}

// maxSaid bounds what a command may print.
const maxSaid = 1 << 20

// answer types an answer whenever a prompt stands at the end of the output and
// the echo is off: an answer before that would be shown, or thrown away.
func answer(ctx context.Context, terminal *os.File, answers []string) (said []byte, err error) {
	buf := make([]byte, 4096)
	for {
		n, err := terminal.Read(buf)
		said = append(said, buf[:n]...)
		if errors.Is(err, syscall.EIO) || err == io.EOF {
			return said, nil // the last holder of the other side is gone
		}
		if err != nil || len(said) > maxSaid {
			return said, errors.Join(err, fmt.Errorf("after %d bytes of output", len(said)))
		}
		if len(answers) == 0 || !bytes.HasSuffix(bytes.TrimRight(said, " "), []byte(":")) {
			continue
		}
		if err := awaitNoEcho(ctx, terminal); err != nil {
			return said, err
		}
		if _, err := terminal.WriteString(answers[0] + "\n"); err != nil {
			return said, err
		}
		answers = answers[1:]
	}
}

func awaitNoEcho(ctx context.Context, terminal *os.File) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		echo, err := echoes(terminal)
		if err != nil || !echo {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the echo to go off: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// echoes reads the settings of the other side: a terminal's two sides share them.
func echoes(terminal *os.File) (on bool, err error) {
	ctlErr := control(terminal, func(fd int) {
		var t *unix.Termios
		if t, err = unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			on = t.Lflag&unix.ECHO != 0
		}
	})
	return on, errors.Join(ctlErr, err)
}

// openPTY gives both sides of a new terminal: see pts(4).
func openPTY() (terminal, line *os.File, err error) {
	terminal, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	number, err := unlock(terminal)
	if err == nil {
		line, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		terminal.Close()
		return nil, nil, err
	}
	return terminal, line, nil
}

func unlock(terminal *os.File) (number int, err error) {
	ctlErr := control(terminal, func(fd int) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
	})
	return number, errors.Join(ctlErr, err)
}

func control(f *os.File, do func(fd int)) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { do(int(fd)) })
}
