// The inventory file, read strictly: every mistake is told with its line.

package inventory

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"shakedown/results"
)

// Load reads an inventory file. Roots come back as paths that open from here.
func Load(path string) (*Inventory, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the inventory: %w", err)
	}
	defer f.Close()
	inv, err := Read(f, path)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	for _, s := range inv.Services {
		for i := range s.Paths {
			s.Paths[i].Roots = relativeTo(dir, s.Paths[i].Roots)
		}
	}
	return inv, nil
}

func relativeTo(dir string, files []string) []string {
	out := slices.Clone(files)
	for i, f := range out {
		if !filepath.IsAbs(f) {
			out[i] = filepath.Join(dir, f)
		}
	}
	return out
}

// Read reads an inventory; name stands for it in messages. Roots come back as
// they were written. The error lists the mistakes, one a line, each as
// FILE:LINE: what is wrong: how to mend it.
func Read(r io.Reader, name string) (*Inventory, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the inventory %s: %w", name, err)
	}
	if len(text) > maxBytes {
		return nil, fmt.Errorf("%s:1: the file is larger than %d MB: split it", name, maxBytes>>20)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, fmt.Errorf("%s:1: the file is empty: begin with `version: 1` and `services:`", name)
	}
	doc, err := parse(text, name)
	if err != nil {
		return nil, err
	}
	inv := &Inventory{Services: (&reader{doc}).services()}
	if err := doc.err(); err != nil {
		return nil, err
	}
	return inv, nil
}

// reader gives meaning to a document.
type reader struct{ *document }

func (rd *reader) services() []Service {
	top := rd.fields(rd.root, "the inventory", "version", "services")
	if top == nil {
		return nil
	}
	rd.version(top)
	f, given := top["services"]
	if !given {
		rd.add(1, "no services: list them under `services:`")
		return nil
	}
	var services []Service
	first := map[string]int{}
	nodes, ok := rd.items(f.value, "`services`", "begin each service with `- name: NAME`")
	if ok && len(nodes) == 0 {
		rd.add(f.line, "no services: list at least one, as `- name: NAME`")
	}
	for _, n := range nodes {
		if rd.tooMany() {
			return nil
		}
		s, line, ok := rd.service(n)
		if !ok {
			continue
		}
		if at := first[s.Name]; at != 0 {
			rd.add(line, "service %s stands already in line %d: rename one, or join their paths", quote(s.Name), at)
			continue
		}
		first[s.Name] = line
		services = append(services, s)
	}
	return services
}

func (rd *reader) version(top map[string]field) {
	f, given := top["version"]
	if !given {
		rd.add(1, "no version: begin the file with `version: 1`")
		return
	}
	if v, ok := rd.text(f.value, "`version`"); ok && v != "1" {
		rd.add(f.line, "version %s is not known here: write `version: 1`", quote(v))
	}
}

// service reads one service, with the line of its name.
func (rd *reader) service(n ast.Node) (s Service, line int, ok bool) {
	fields := rd.fields(n, "a service", "name", "server_name", "roots", "profiles", "load", "proxy_protocol", "paths")
	if fields == nil {
		return s, 0, false
	}
	s.Name, line, ok = rd.name(n, fields, "the service")
	base := rd.common(fields, common{})
	f, given := fields["paths"]
	if !given {
		rd.add(line, "service %s has no paths: list at least one under `paths:`, as `- {name: NAME, address: \"host:port\"}`", quote(s.Name))
		return s, line, ok
	}
	s.Paths = rd.paths(f, s.Name, base)
	return s, line, ok
}

// name reads what a service or path is called.
func (rd *reader) name(n ast.Node, fields map[string]field, what string) (name string, line int, ok bool) {
	f, given := fields["name"]
	if !given {
		line = lineOf(n)
		rd.add(line, "%s has no name: give it `name: NAME`", what)
		return "", line, false
	}
	name, ok = rd.text(f.value, "`name`")
	if ok && (name == "" || strings.TrimSpace(name) != name) {
		rd.add(f.line, "name %s is empty or has space around it: write the bare name", quote(name))
		ok = false
	}
	return name, f.line, ok
}

// common is what a service may say for all its paths. A path begins with its
// service's and replaces what it says itself.
type common struct {
	serverName      *string // nil: the host of the address
	roots, profiles []string
	load            bool
	proxyProtocol   string
}

func (rd *reader) common(fields map[string]field, c common) common {
	if f, given := fields["server_name"]; given {
		if name, ok := rd.serverName(f); ok {
			c.serverName = &name
		}
	}
	if f, given := fields["roots"]; given {
		c.roots = rd.texts(f, "`roots`", "write `roots: [ca.pem]`")
	}
	if f, given := fields["profiles"]; given {
		c.profiles = rd.texts(f, "`profiles`", "write `profiles: [NAME]`")
	}
	if f, given := fields["load"]; given {
		if v, ok := rd.text(f.value, "`load`"); ok && v != "allowed" {
			rd.add(f.line, "load can only be allowed, not %s: write `load: allowed`, or remove the line", quote(v))
		}
		c.load = true
	}
	if f, given := fields["proxy_protocol"]; given {
		c.proxyProtocol = rd.proxyProtocol(f)
	}
	return c
}

// proxyProtocol reads the header that a target wants; a path takes back by none
// what its service says.
func (rd *reader) proxyProtocol(f field) string {
	v, ok := rd.text(f.value, "`proxy_protocol`")
	if !ok {
		return ""
	}
	header, err := ParseProxyProtocol(v)
	if err != nil {
		rd.add(f.line, "bad proxy_protocol %s: %v", quote(v), err)
	}
	return header
}

// serverName reads an SNI; "" says that none is sent.
func (rd *reader) serverName(f field) (string, bool) {
	name, ok := rd.text(f.value, "`server_name`")
	if !ok || name == "" {
		return "", ok
	}
	sni, err := ParseServerName(name)
	if err != nil {
		rd.add(f.line, "bad server_name %s: %v", quote(name), err)
		return "", false
	}
	return sni, true
}

// texts reads a list of different texts.
func (rd *reader) texts(f field, what, mend string) []string {
	var list []string
	nodes, _ := rd.items(f.value, what, mend)
	for _, n := range nodes {
		if rd.tooMany() {
			return nil
		}
		s, ok := rd.text(n, "an entry of "+what)
		switch {
		case !ok:
		case s == "":
			rd.add(lineOf(n), "an entry of %s is empty: remove it", what)
		default:
			list = append(list, s)
		}
	}
	seen := map[string]bool{}
	for _, s := range list {
		if seen[s] {
			rd.add(f.line, "%s lists %s twice: keep one", what, quote(s))
		}
		seen[s] = true
	}
	return list
}

func (rd *reader) paths(f field, service string, base common) []Path {
	var paths []Path
	first, targetLines := map[string]int{}, map[string]int{}
	nodes, ok := rd.items(f.value, "`paths`", "begin each path with `- name: NAME`")
	if ok && len(nodes) == 0 {
		rd.add(f.line, "service %s has no paths: list at least one, as `- {name: NAME, address: \"host:port\"}`", quote(service))
	}
	for _, n := range nodes {
		if rd.tooMany() {
			return nil
		}
		fields := rd.fields(n, "a path", "name", "kind", "address", "targets", "server_name", "roots", "profiles", "load", "proxy_protocol")
		if fields == nil {
			continue
		}
		p, line, ok := rd.path(n, fields, service, base)
		if !ok {
			continue
		}
		if at := first[p.Name]; at != 0 {
			rd.add(line, "path %s of service %s stands already in line %d: rename one", quote(p.Name), quote(service), at)
			continue
		}
		first[p.Name], targetLines[p.Name] = line, fields["targets"].line
		paths = append(paths, p)
	}
	rd.checkTargets(paths, first, targetLines)
	return paths
}

// path reads one path, with the line of its name; ok if it has a name.
func (rd *reader) path(n ast.Node, fields map[string]field, service string, base common) (p Path, line int, ok bool) {
	name, line, ok := rd.name(n, fields, "the path")
	if f, given := fields["address"]; given {
		p = rd.address(f)
	} else {
		rd.add(line, "path %s has no address: give it `address: \"host:port\"`", quote(name))
	}
	p.Service, p.Name = service, name
	if f, given := fields["kind"]; given {
		p.Kind = rd.kind(f)
	}
	if f, given := fields["targets"]; given {
		p.Targets = rd.texts(f, "`targets`", "write `targets: [PATH-NAME]`")
	}
	c := rd.common(fields, base)
	if c.serverName != nil {
		p.ServerName = *c.serverName
	}
	p.Roots, p.Profiles, p.Load, p.ProxyProtocol = c.roots, c.profiles, c.load, c.proxyProtocol
	return p, line, ok
}

func (rd *reader) address(f field) Path {
	if _, isList := f.value.(*ast.SequenceNode); isList {
		rd.add(f.line, "the address is read as a list: put it in quotes, as `address: \"[v6]:port\"`")
		return Path{}
	}
	s, ok := rd.text(f.value, "`address`")
	if !ok {
		return Path{}
	}
	p, err := ParseTarget(s)
	if err != nil {
		rd.add(f.line, "%s", strings.Replace(err.Error(), "bad target", "bad address", 1))
	}
	return p
}

func (rd *reader) kind(f field) results.PathKind {
	s, ok := rd.text(f.value, "`kind`")
	if !ok {
		return ""
	}
	var known []string
	for _, k := range results.PathKinds() {
		known = append(known, string(k))
	}
	if !slices.Contains(known, s) {
		rd.add(f.line, "unknown kind %s: %s", quote(s), suggest(s, known))
	}
	return results.PathKind(s)
}

// checkTargets holds targets to other paths of the same service, without circles.
func (rd *reader) checkTargets(paths []Path, lines, targetLines map[string]int) {
	targets := map[string][]string{}
	for _, p := range paths {
		for _, t := range p.Targets {
			switch {
			case t == p.Name:
				rd.add(targetLines[p.Name], "path %s is its own target: name the instances behind it", quote(t))
			case lines[t] == 0:
				known := slices.Sorted(maps.Keys(lines))
				rd.add(targetLines[p.Name], "target %s is not a path of service %s: %s", quote(t), quote(p.Service), suggest(t, known))
			default:
				targets[p.Name] = append(targets[p.Name], t)
			}
		}
	}
	if at := circle(targets); at != "" {
		rd.add(targetLines[at], "the targets of path %s lead back to it: name only what stands behind it", quote(at))
	}
}

// circle finds a path that is reached from itself; "" if there is none.
func circle(targets map[string][]string) string {
	type state int
	const (
		begun state = iota + 1
		ended
	)
	states := map[string]state{}
	var visit func(string) string
	visit = func(path string) string {
		switch states[path] {
		case begun:
			return path
		case ended:
			return ""
		}
		states[path] = begun
		for _, t := range targets[path] {
			if at := visit(t); at != "" {
				return at
			}
		}
		states[path] = ended
		return ""
	}
	for _, path := range slices.Sorted(maps.Keys(targets)) {
		if at := visit(path); at != "" {
			return at
		}
	}
	return ""
}
