// The inventory file, read strictly: every mistake is told with its line.

package inventory

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"shakedown/results"
	"shakedown/results/strictyaml"
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
	doc, err := strictyaml.Read(r, name, kind())
	if err != nil {
		return nil, err
	}
	inv := &Inventory{Services: (&reader{doc}).services()}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return inv, nil
}

// kind bounds an inventory: a discovered estate may be large, and the lists that
// its services share stand once, with aliases. It is five levels deep.
func kind() strictyaml.Kind {
	return strictyaml.Kind{
		Name: "an inventory", Begin: "begin with `version: 1` and `services:`", Shape: "services, paths and lists of names",
		Join: "join them under one `services:`", Share: "say it once on the service, its paths inherit it",
		AsFound: true,
		Limits:  strictyaml.Limits{Bytes: maxBytes, Depth: 32, Indent: 256, Values: 4 << 20},
	}
}

// reader gives meaning to a document.
type reader struct{ *strictyaml.Document }

func (rd *reader) services() []Service {
	top := rd.Fields(rd.Root, "the inventory", "version", "services")
	if top == nil {
		return nil
	}
	rd.version(top)
	f, given := top["services"]
	if !given {
		rd.Add(1, "no services: list them under `services:`")
		return nil
	}
	var services []Service
	first := map[string]int{}
	nodes, ok := rd.List(f.Value, "`services`", "begin each service with `- name: NAME`")
	if ok && len(nodes) == 0 {
		rd.Add(f.Line, "no services: list at least one, as `- name: NAME`")
	}
	for _, n := range nodes {
		if rd.TooMany() {
			return nil
		}
		s, line, ok := rd.service(n)
		if !ok {
			continue
		}
		if at := first[s.Name]; at != 0 {
			rd.Add(line, "service %s stands already in line %d: rename one, or join their paths", strictyaml.Quote(s.Name), at)
			continue
		}
		first[s.Name] = line
		services = append(services, s)
	}
	return services
}

func (rd *reader) version(top map[string]strictyaml.Field) {
	f, given := top["version"]
	if !given {
		rd.Add(1, "no version: begin the file with `version: 1`")
		return
	}
	if v, ok := rd.Scalar(f.Value, "`version`"); ok && v != "1" {
		rd.Add(f.Line, "version %s is not known here: write `version: 1`", strictyaml.Quote(v))
	}
}

// service reads one service, with the line of its name.
func (rd *reader) service(n ast.Node) (s Service, line int, ok bool) {
	fields := rd.Fields(n, "a service", "name", "server_name", "roots", "profiles", "load", "proxy_protocol", "paths")
	if fields == nil {
		return s, 0, false
	}
	s.Name, line, ok = rd.name(n, fields, "the service")
	base := rd.common(fields, common{})
	f, given := fields["paths"]
	if !given {
		rd.Add(line, "service %s has no paths: list at least one under `paths:`, as `- {name: NAME, address: \"host:port\"}`", strictyaml.Quote(s.Name))
		return s, line, ok
	}
	s.Paths = rd.paths(f, s.Name, base)
	return s, line, ok
}

// name reads what a service or path is called.
func (rd *reader) name(n ast.Node, fields map[string]strictyaml.Field, what string) (name string, line int, ok bool) {
	f, given := fields["name"]
	if !given {
		line = strictyaml.LineOf(n)
		rd.Add(line, "%s has no name: give it `name: NAME`", what)
		return "", line, false
	}
	name, ok = rd.Scalar(f.Value, "`name`")
	if ok && (name == "" || strings.TrimSpace(name) != name) {
		rd.Add(f.Line, "name %s is empty or has space around it: write the bare name", strictyaml.Quote(name))
		ok = false
	}
	return name, f.Line, ok
}

// common is what a service may say for all its paths. A path begins with its
// service's and replaces what it says itself.
type common struct {
	serverName      *string // nil: the host of the address
	roots, profiles []string
	load            bool
	proxyProtocol   string
}

func (rd *reader) common(fields map[string]strictyaml.Field, c common) common {
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
		if v, ok := rd.Scalar(f.Value, "`load`"); ok && v != "allowed" {
			rd.Add(f.Line, "load can only be allowed, not %s: write `load: allowed`, or remove the line", strictyaml.Quote(v))
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
func (rd *reader) proxyProtocol(f strictyaml.Field) string {
	v, ok := rd.Scalar(f.Value, "`proxy_protocol`")
	if !ok {
		return ""
	}
	header, err := ParseProxyProtocol(v)
	if err != nil {
		rd.Add(f.Line, "bad proxy_protocol %s: %v", strictyaml.Quote(v), err)
	}
	return header
}

// serverName reads an SNI; "" says that none is sent.
func (rd *reader) serverName(f strictyaml.Field) (string, bool) {
	name, ok := rd.Scalar(f.Value, "`server_name`")
	if !ok || name == "" {
		return "", ok
	}
	sni, err := ParseServerName(name)
	if err != nil {
		rd.Add(f.Line, "bad server_name %s: %v", strictyaml.Quote(name), err)
		return "", false
	}
	return sni, true
}

// texts reads a list of different texts.
func (rd *reader) texts(f strictyaml.Field, what, mend string) []string {
	var list []string
	nodes, _ := rd.List(f.Value, what, mend)
	for _, n := range nodes {
		if rd.TooMany() {
			return nil
		}
		s, ok := rd.Scalar(n, "an entry of "+what)
		switch {
		case !ok:
		case s == "":
			rd.Add(strictyaml.LineOf(n), "an entry of %s is empty: remove it", what)
		default:
			list = append(list, s)
		}
	}
	seen := map[string]bool{}
	for _, s := range list {
		if seen[s] {
			rd.Add(f.Line, "%s lists %s twice: keep one", what, strictyaml.Quote(s))
		}
		seen[s] = true
	}
	return list
}

func (rd *reader) paths(f strictyaml.Field, service string, base common) []Path {
	var paths []Path
	first, targetLines := map[string]int{}, map[string]int{}
	nodes, ok := rd.List(f.Value, "`paths`", "begin each path with `- name: NAME`")
	if ok && len(nodes) == 0 {
		rd.Add(f.Line, "service %s has no paths: list at least one, as `- {name: NAME, address: \"host:port\"}`", strictyaml.Quote(service))
	}
	for _, n := range nodes {
		if rd.TooMany() {
			return nil
		}
		fields := rd.Fields(n, "a path", "name", "kind", "address", "targets", "server_name", "roots", "profiles", "load", "proxy_protocol")
		if fields == nil {
			continue
		}
		p, line, ok := rd.path(n, fields, service, base)
		if !ok {
			continue
		}
		if at := first[p.Name]; at != 0 {
			rd.Add(line, "path %s of service %s stands already in line %d: rename one", strictyaml.Quote(p.Name), strictyaml.Quote(service), at)
			continue
		}
		first[p.Name], targetLines[p.Name] = line, fields["targets"].Line
		paths = append(paths, p)
	}
	rd.checkTargets(paths, first, targetLines)
	return paths
}

// path reads one path, with the line of its name; ok if it has a name.
func (rd *reader) path(n ast.Node, fields map[string]strictyaml.Field, service string, base common) (p Path, line int, ok bool) {
	name, line, ok := rd.name(n, fields, "the path")
	if f, given := fields["address"]; given {
		p = rd.address(f)
	} else {
		rd.Add(line, "path %s has no address: give it `address: \"host:port\"`", strictyaml.Quote(name))
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

func (rd *reader) address(f strictyaml.Field) Path {
	if _, isList := f.Value.(*ast.SequenceNode); isList {
		rd.Add(f.Line, "the address is read as a list: put it in quotes, as `address: \"[v6]:port\"`")
		return Path{}
	}
	s, ok := rd.Scalar(f.Value, "`address`")
	if !ok {
		return Path{}
	}
	p, err := ParseTarget(s)
	if err != nil {
		rd.Add(f.Line, "%s", strings.Replace(err.Error(), "bad target", "bad address", 1))
	}
	return p
}

func (rd *reader) kind(f strictyaml.Field) results.PathKind {
	s, ok := rd.Scalar(f.Value, "`kind`")
	if !ok {
		return ""
	}
	var known []string
	for _, k := range results.PathKinds() {
		known = append(known, string(k))
	}
	if !slices.Contains(known, s) {
		rd.Add(f.Line, "unknown kind %s: %s", strictyaml.Quote(s), strictyaml.Suggest(s, known))
	}
	return results.PathKind(s)
}

// checkTargets holds targets to other paths of the same service, without circles.
func (rd *reader) checkTargets(paths []Path, lines, targetLines map[string]int) {
	targets, known := map[string][]string{}, slices.Sorted(maps.Keys(lines))
	for _, p := range paths {
		for _, t := range p.Targets {
			switch {
			case t == p.Name:
				rd.Add(targetLines[p.Name], "path %s is its own target: name the instances behind it", strictyaml.Quote(t))
			case lines[t] == 0:
				rd.Add(targetLines[p.Name], "target %s is not a path of service %s: %s", strictyaml.Quote(t), strictyaml.Quote(p.Service), strictyaml.Suggest(t, known))
			default:
				targets[p.Name] = append(targets[p.Name], t)
			}
		}
	}
	if at := circle(targets); at != "" {
		rd.Add(targetLines[at], "the targets of path %s lead back to it: name only what stands behind it", strictyaml.Quote(at))
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
