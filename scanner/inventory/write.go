// The inventory file, written as a person would lay it out: what a service's
// paths share stands once, each path on a line.

package inventory

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Write writes inv so that Read gives it back. Roots are written as they
// stand; to be portable they should be relative to the file.
func Write(w io.Writer, inv *Inventory) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "version: 1\nservices:\n")
	for _, s := range inv.Services {
		writeService(b, s)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing the inventory: %w", err)
	}
	return nil
}

func writeService(w io.Writer, s Service) {
	base := shared(s.Paths)
	fmt.Fprintf(w, "  - name: %s\n", scalar(s.Name))
	if base.serverName != nil {
		fmt.Fprintf(w, "    server_name: %s\n", scalar(*base.serverName))
	}
	if len(base.roots) > 0 {
		fmt.Fprintf(w, "    roots: %s\n", list(base.roots))
	}
	if len(base.profiles) > 0 {
		fmt.Fprintf(w, "    profiles: %s\n", list(base.profiles))
	}
	if base.load {
		fmt.Fprintln(w, "    load: allowed")
	}
	if base.proxyProtocol != "" {
		fmt.Fprintf(w, "    proxy_protocol: %s\n", base.proxyProtocol)
	}
	fmt.Fprintln(w, "    paths:")
	for _, p := range s.Paths {
		fmt.Fprintf(w, "      - {%s}\n", strings.Join(pathFields(p, base), ", "))
	}
}

// shared is what the service says for its paths: what its first path has. The
// others say where they differ, which a name or list can; load cannot be taken
// back, so all must have it. The PROXY protocol is a matter of single paths, so
// it stands once only where all have it.
func shared(paths []Path) common {
	if len(paths) == 0 {
		return common{}
	}
	c := common{roots: paths[0].Roots, profiles: paths[0].Profiles, load: true, proxyProtocol: paths[0].ProxyProtocol}
	for _, p := range paths {
		c.load = c.load && p.Load
		if p.ProxyProtocol != paths[0].ProxyProtocol {
			c.proxyProtocol = ""
		}
		if p.ServerName != defaultServerName(p.Host) {
			c.serverName = &paths[0].ServerName
		}
	}
	return c
}

func pathFields(p Path, base common) []string {
	fields := []string{"name: " + scalar(p.Name)}
	if p.Kind != "" {
		fields = append(fields, "kind: "+string(p.Kind))
	}
	fields = append(fields, "address: "+strconv.Quote(p.Target))
	if base.serverName != nil && *base.serverName != p.ServerName {
		fields = append(fields, "server_name: "+scalar(p.ServerName))
	}
	if len(p.Targets) > 0 {
		fields = append(fields, "targets: "+list(p.Targets))
	}
	if !slices.Equal(p.Roots, base.roots) {
		fields = append(fields, "roots: "+list(p.Roots))
	}
	if !slices.Equal(p.Profiles, base.profiles) {
		fields = append(fields, "profiles: "+list(p.Profiles))
	}
	if p.Load && !base.load {
		fields = append(fields, "load: allowed")
	}
	if p.ProxyProtocol != base.proxyProtocol {
		fields = append(fields, "proxy_protocol: "+p.ProxyProtocol)
	}
	return fields
}

func list(texts []string) string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = scalar(s)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// scalar quotes what YAML could read as anything but plain text.
func scalar(s string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_./", r)
	}
	letter := func(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
	if s != "" && letter(s[0]) && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 && !word(s) {
		return s
	}
	return strconv.Quote(s)
}

// word reports whether YAML gives s a meaning of its own.
func word(s string) bool {
	return slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(s))
}
