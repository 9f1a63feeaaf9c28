// The programs that the lab runs: where they are, and how to install those
// that are missing.

package lab

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Need is one thing that must be installed.
type Need struct {
	What    string // a program, or a file of a library
	Package string // of Debian and Ubuntu
	Why     string
	globs   []string // where a file can be; nil for a program
}

// Needs lists what the whole lab runs on. install.sh installs the same.
func Needs() []Need {
	return []Need{
		{What: "nginx", Package: "nginx", Why: "the instances"},
		{What: streamModule, Package: "libnginx-mod-stream", Why: "the pass-through load balancer",
			globs: []string{"/usr/lib*/nginx/modules/" + streamModule, "/usr/share/nginx/modules/" + streamModule}},
		{What: "haproxy", Package: "haproxy", Why: "the load balancers that end TLS"},
		{What: "softhsm2-util", Package: "softhsm2", Why: "the software HSM"},
		{What: softHSM, Package: "softhsm2", Why: "the software HSM",
			globs: []string{"/usr/lib*/softhsm/" + softHSM, "/usr/lib/*/softhsm/" + softHSM, "/usr/lib64/pkcs11/" + softHSM}},
		{What: "pkcs11-tool", Package: "opensc", Why: "makes keys inside the HSM"},
		{What: engine, Package: "libengine-pkcs11-openssl", Why: "lets nginx use keys of the HSM",
			globs: []string{"/usr/lib/*/engines-3/" + engine, "/usr/lib64/engines-3/" + engine}},
		{What: "p11-kit", Package: "p11-kit", Why: "the enclave's end of PKCS#11 remoting"},
		{What: p11Client, Package: "p11-kit-modules", Why: "nginx' end of PKCS#11 remoting",
			globs: []string{"/usr/lib/*/pkcs11/" + p11Client, "/usr/lib*/pkcs11/" + p11Client}},
	}
}

const (
	streamModule = "ngx_stream_module.so"
	softHSM      = "libsofthsm2.so"
	engine       = "pkcs11.so"
	p11Client    = "p11-kit-client.so"
)

// Missing is the error for what is not installed.
type Missing []Need

func (m Missing) Error() string {
	var b strings.Builder
	b.WriteString("not installed:")
	for _, n := range m {
		fmt.Fprintf(&b, "\n  %-22s package %s: %s", n.What, n.Package, n.Why)
	}
	fmt.Fprintf(&b, "\ninstall with: %s", m.Command())
	return b.String()
}

// Command installs what is missing on Debian and Ubuntu.
func (m Missing) Command() string {
	var packages []string
	for _, n := range m {
		if !slices.Contains(packages, n.Package) {
			packages = append(packages, n.Package)
		}
	}
	install := "apt-get install --no-install-recommends " + strings.Join(packages, " ")
	if os.Geteuid() != 0 {
		return "sudo " + install
	}
	return install
}

// host finds and runs programs. Every command of the lab goes through it.
type host struct {
	path string                                             // like $PATH
	ran  func(argv, env []string)                           // sees every command; nil for none
	pick func(ctx context.Context, n int) ([]string, error) // free addresses
}

// newHost looks through path, or $PATH and the folders of system programs,
// which Debian leaves out of an ordinary user's $PATH.
func newHost(path string) *host {
	return &host{path: cmp.Or(path, os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin"), pick: freeAddresses}
}

// find gives the absolute path of something that Needs lists; what has one is
// taken as it is.
func (h *host) find(what string) (string, error) {
	if filepath.IsAbs(what) {
		return what, nil
	}
	needs := Needs()
	i := slices.IndexFunc(needs, func(n Need) bool { return n.What == what })
	if i < 0 {
		return "", fmt.Errorf("%s is not among the programs of the lab", what)
	}
	if at, ok := h.locate(needs[i]); ok {
		return at, nil
	}
	return "", Missing{needs[i]}
}

// missing lists what is not installed.
func (h *host) missing() Missing {
	var m Missing
	for _, n := range Needs() {
		if _, ok := h.locate(n); !ok {
			m = append(m, n)
		}
	}
	return m
}

func (h *host) locate(n Need) (string, bool) {
	for _, g := range n.globs {
		if found, _ := filepath.Glob(g); len(found) > 0 {
			return found[0], true
		}
	}
	if n.globs != nil {
		return "", false
	}
	for _, dir := range filepath.SplitList(h.path) {
		at := filepath.Join(dir, n.What)
		if st, err := os.Stat(at); err == nil && filepath.IsAbs(at) && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return at, true
		}
	}
	return "", false
}

// command prepares a program of the lab: in a folder, with an environment of
// its own and nothing of ours, such as sockets that it would inherit.
func (h *host) command(ctx context.Context, dir string, env []string, what string, args ...string) (*exec.Cmd, error) {
	at, err := h.find(what)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, at, args...)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + h.path, "LC_ALL=C"}, env...)
	if h.ran != nil {
		h.ran(cmd.Args, cmd.Env)
	}
	return cmd, nil
}

// toolTimeout bounds a program that makes something and ends.
const toolTimeout = 30 * time.Second
