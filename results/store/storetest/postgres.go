// Package storetest starts a PostgreSQL server for tests.
package storetest

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Server is a PostgreSQL server on loopback.
type Server struct {
	process *exec.Cmd
	folder  string
	url     string // %s stands for the database
	made    int    // databases
}

// Start starts a server of its own. PostgreSQL refuses to run as root: then it
// runs as the user that its package made.
func Start() (*Server, error) {
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	s := new(Server)
	if s.folder, err = folder(as); err != nil {
		return nil, err
	}
	if err := s.start(as); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.folder))
	}
	return s, nil
}

func (s *Server) start(as *syscall.SysProcAttr) error {
	data := filepath.Join(s.folder, "data")
	initdb := exec.Command(program("initdb"), "--pgdata", data, "--username", "shakedown", "--auth", "trust", "--no-sync", "--locale", "C", "--encoding", "UTF8")
	initdb.SysProcAttr = as
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	s.url = "postgres://shakedown@127.0.0.1:" + port + "/%s?sslmode=disable"
	// What is tested is what happens to clients, not to this server.
	s.process = exec.Command(program("postgres"), "-D", data, "-k", s.folder, "-p", port, "-h", "127.0.0.1", "-c", "fsync=off")
	s.process.SysProcAttr = as
	return s.untilReady()
}

// untilReady waits until the server says that it is.
func (s *Server) untilReady() error {
	stderr, err := s.process.StderrPipe()
	if err == nil {
		err = s.process.Start()
	}
	if err != nil {
		return err
	}
	said := new(strings.Builder)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		fmt.Fprintln(said, lines.Text())
		if strings.Contains(lines.Text(), "ready to accept connections") {
			go io.Copy(io.Discard, stderr)
			return nil
		}
	}
	return fmt.Errorf("postgres did not start: %w\n%s", s.process.Wait(), said)
}

// Database makes an empty database and gives its URL.
func (s *Server) Database(ctx context.Context) (string, error) {
	conn, err := pgx.Connect(ctx, fmt.Sprintf(s.url, "postgres"))
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	s.made++
	name := fmt.Sprint("test", s.made)
	_, err = conn.Exec(ctx, "CREATE DATABASE "+name)
	return fmt.Sprintf(s.url, name), err
}

// Stop ends the server and removes what it left.
func (s *Server) Stop() {
	s.process.Process.Signal(os.Interrupt) // its "fast" shutdown
	s.process.Wait()
	os.RemoveAll(s.folder)
}

// folder is short, as the path of a socket must be.
func folder(as *syscall.SysProcAttr) (string, error) {
	dir, err := os.MkdirTemp("", "pg")
	if err == nil && as != nil {
		err = os.Chown(dir, int(as.Credential.Uid), int(as.Credential.Gid))
	}
	return dir, err
}

func unprivileged() (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("install postgresql: %w", err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32) // the system's own numbers
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// program finds a program of the newest PostgreSQL: Debian keeps them off PATH.
func program(name string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return name
	}
	return slices.MaxFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
