// Package inventory reads what is to be scanned and measured: the inventory
// file and the TARGETs of a command line. It gives whole, checked values or an
// error that names file, line and the mend; nothing later validates again.
package inventory

import "shakedown/results"

// maxBytes bounds an inventory, and a list of targets.
const maxBytes = 16 << 20

// Inventory is the services of one file, in its order.
type Inventory struct {
	Services []Service
}

// Service is a name that clients reach over TLS, and the ways to reach it.
type Service struct {
	Name  string
	Paths []Path
}

// Path is one way to reach a service. What the file says once for a service
// stands here in each of its paths, unless the path says otherwise.
type Path struct {
	Service    string
	Name       string
	Kind       results.PathKind // "" for a TARGET, or where the file does not say
	Target     string           // the address as it was written
	Scheme     string           // STARTTLS protocol: smtp, imap, pop3, ldap, postgres, mysql; "" for TLS at once
	Host       string           // name or IP literal, without brackets
	Port       uint16
	ServerName string   // SNI, and the name that certificates must match; the host if nothing else was said; "" for an IP literal, or where the file says ""
	Roots      []string // files of trust anchors beside the system's, as paths that open from here
	Profiles   []string
	Targets    []string // names of the paths to the instances behind this one, same service
	Load       bool     // its owner agrees to load

	ProxyProtocol string // v1 or v2: the header that the target wants first; "" for none
}

// Paths lists every path of every service, in the file's order.
func (inv *Inventory) Paths() []Path {
	var paths []Path
	for _, s := range inv.Services {
		paths = append(paths, s.Paths...)
	}
	return paths
}
