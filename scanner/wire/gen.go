//go:build ignore

// gen makes the package's tables from the registries in profiles/data:
// go generate ./scanner/wire
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
)

const data = "../../profiles/data/"

// entry has every field of any registry entry that the tables use.
type entry struct {
	ID, Name, OpenSSL, Kx, Auth string
	Type                        string
	Value                       int
	SCSV                        bool
	MinVersion                  string `json:"min_version"`
	StrengthGroup               string `json:"strength_group"`
	TLS12, TLS13                bool
	TLS13Handshake              bool   `json:"tls13_handshake"`
	PostQuantum                 bool   `json:"post_quantum"`
	KeyType                     string `json:"key_type"`
	ClientShareBytes            int    `json:"client_share_bytes"`
	Signature, Hash             string
	Scheme                      string
	Status                      string
}

func main() {
	log.SetFlags(0)
	var suites struct {
		Suites, Unregistered []entry
		Kinds                []entry `json:"sslv2_cipher_kinds"`
	}
	read("iana-tls-ciphersuites.json", &suites)
	var rows [][]string
	for _, s := range suites.Suites {
		if !s.SCSV {
			rows = append(rows, suite(s, "registered"))
		}
	}
	for _, s := range suites.Unregistered {
		s.Name = "" // records name what IANA names
		rows = append(rows, suite(s, "unregistered"))
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	for _, s := range suites.Kinds {
		rows = append(rows, suite(s, "registered"))
	}
	write("suites.tsv", "id, IANA name, OpenSSL name, key exchange, authentication, strength group, first version, registered; SSLv2 cipher kinds last", rows)

	var groups struct{ Groups []entry }
	read("iana-tls-groups.json", &groups)
	rows = nil
	for _, g := range groups.Groups {
		rows = append(rows, []string{g.ID, spelled(g.Name), g.OpenSSL, g.Type, word(g.TLS12, "tls12"), word(g.TLS13, "tls13"), word(g.PostQuantum, "pq"), fmt.Sprint(g.ClientShareBytes)})
	}
	write("groups.tsv", "id, name as records write it, OpenSSL name, kind, in TLS 1.2, in TLS 1.3, post-quantum, bytes of a client share", rows)

	var schemes struct {
		Schemes []entry
		Pairs   []entry `json:"tls12_pairs"`
	}
	read("iana-tls-sigalgs.json", &schemes)
	rows = nil
	for _, s := range schemes.Schemes {
		rows = append(rows, []string{s.ID, s.Name, s.KeyType, word(s.TLS12, "tls12"), word(s.TLS13Handshake, "tls13")})
	}
	for _, p := range schemes.Pairs {
		if p.Scheme == "" { // the others are schemes already
			rows = append(rows, []string{p.ID, p.Signature + "_" + p.Hash, p.Signature, "tls12", ""})
		}
	}
	write("schemes.tsv", "id, name, key type, in TLS 1.2, in TLS 1.3 handshakes", rows)

	var alerts struct{ Alerts []entry }
	read("iana-alerts.json", &alerts)
	rows = nil
	for _, a := range alerts.Alerts {
		rows = append(rows, []string{fmt.Sprint(a.Value), a.Name})
	}
	write("alerts.tsv", "description, name", rows)
}

// spelled is a group's name as records write it: IANA's, but for x25519 and
// x448, which IANA itself writes X25519 in the names of hybrids.
func spelled(group string) string {
	if group == "x25519" || group == "x448" {
		return strings.ToUpper(group)
	}
	return group
}

func suite(s entry, registered string) []string {
	first := map[string]string{"SSLv3": "0x0300", "TLSv1.0": "0x0301", "TLSv1.1": "0x0302", "TLSv1.2": "0x0303", "TLSv1.3": "0x0304"}[s.MinVersion]
	return []string{s.ID, s.Name, s.OpenSSL, s.Kx, s.Auth, s.StrengthGroup, first, registered}
}

func word(b bool, w string) string {
	if b {
		return w
	}
	return ""
}

func read(name string, into any) {
	b, err := os.ReadFile(data + name)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
}

func write(name, fields string, rows [][]string) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Made by gen.go from profiles/data: do not edit. Fields: %s.\n", fields)
	for _, r := range rows {
		b.WriteString(strings.Join(r, "\t") + "\n")
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		log.Fatal(err)
	}
}
