// Parsing: what each tool found, by address. Whatever is not understood is left
// out, for a tool that breaks off leaves half a file.

package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"

	"shakedown/bench/lab/stacks"
	"shakedown/results"
	"shakedown/scanner/wire"
)

// findings are the pairs of each address that was answered for.
type findings map[string]stacks.Pairs

func (f findings) add(address string, version results.Version, suite uint16) {
	if f[address] == nil {
		f[address] = stacks.Pairs{}
	}
	f[address][stacks.Pair{Version: version, Suite: suite}] = true
}

// mostOutput is far above what any tool writes for ten thousand endpoints.
const mostOutput = 4 << 30

// reading opens a tool's file for one of the parsers below.
func reading(parse func(io.Reader) (findings, error)) func(string) (findings, error) {
	return func(file string) (findings, error) {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return parse(io.LimitReader(f, mostOutput))
	}
}

var (
	parseShakedown = reading(readShakedown)
	parseSSLScan   = reading(readSSLScan)
	parseNmap      = reading(readNmap)
	parseTestSSL   = reading(readTestSSL)
)

// readShakedown reads the endpoint records of a scan.
func readShakedown(r io.Reader) (findings, error) {
	found := findings{}
	d, err := results.NewDecoder(r)
	if err != nil {
		return found, err
	}
	for {
		rec, err := d.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		e, ok := rec.(*results.Endpoint)
		if !ok {
			continue
		}
		pairs, err := stacks.Scanned(e)
		if err != nil {
			return found, err
		}
		if host, _, err := net.SplitHostPort(e.Address); err == nil && len(pairs) > 0 {
			found[host] = pairs
		}
	}
}

// readSSLScan reads sslscan's XML.
func readSSLScan(r io.Reader) (findings, error) {
	found, host := findings{}, ""
	return found, elements(r, func(name string, attr map[string]string) {
		switch name {
		case "ssltest":
			host = attr["host"]
		case "cipher":
			version, ok := versions()[attr["sslversion"]]
			id, err := strconv.ParseUint(attr["id"], 0, 16)
			if ok && err == nil && host != "" && (attr["status"] == "preferred" || attr["status"] == "accepted") {
				found.add(host, version, uint16(id))
			}
		}
	})
}

// readNmap reads nmap's XML: the script's tables are named by the version, and
// its suites by IANA's names, but for a word of its own in those of TLS 1.3.
func readNmap(r io.Reader) (findings, error) {
	found, host := findings{}, ""
	var version results.Version
	return found, elements(r, func(name string, attr map[string]string) {
		switch {
		case name == "host":
			host, version = "", ""
		case name == "address" && strings.HasPrefix(attr["addrtype"], "ipv"):
			host = attr["addr"]
		case name == "table" && attr["key"] != "":
			if v, ok := versions()[attr["key"]]; ok {
				version = v
			}
		case name == "elem" && attr["key"] == "name" && version != "" && host != "":
			suite := strings.Replace(attr[text], "TLS_AKE_WITH_", "TLS_", 1)
			if s, ok := wire.SuiteNamed(suite); ok {
				found.add(host, version, uint16(s.ID))
			}
		}
	})
}

// text is the key under which elements gives what stands in an element.
const text = ""

// elements calls f for each element, in the order of their beginnings.
func elements(r io.Reader, f func(name string, attr map[string]string)) error {
	d := xml.NewDecoder(r)
	var name string
	var attr map[string]string
	flush := func() {
		if attr != nil {
			f(name, attr)
		}
		attr = nil
	}
	for {
		token, err := d.Token()
		switch t := token.(type) {
		case xml.StartElement:
			flush()
			name, attr = t.Name.Local, map[string]string{}
			for _, a := range t.Attr {
				attr[a.Name.Local] = a.Value
			}
		case xml.CharData:
			if attr != nil {
				attr[text] += strings.TrimSpace(string(t))
			}
		case xml.EndElement:
			flush()
		}
		if err != nil {
			flush()
			return xmlError(err)
		}
	}
}

func xmlError(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("its XML breaks off: %w", err)
}

// readTestSSL reads testssl.sh's JSON: a list of findings, of which some are
// suites of a version, by number.
func readTestSSL(r io.Reader) (findings, error) {
	found := findings{}
	b, err := io.ReadAll(r)
	if err != nil {
		return found, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	switch start, err := d.Token(); {
	case err != nil:
		return found, fmt.Errorf("its JSON is none: %w", err)
	case start != json.Delim('['):
		return found, fmt.Errorf("its JSON is no list, but %v", start)
	}
	for d.More() {
		var one struct{ ID, IP string }
		if err := d.Decode(&one); err != nil {
			return found, fmt.Errorf("its JSON breaks off: %w", err)
		}
		m := regexp.MustCompile(`^cipher-(\w+)_x([0-9a-f]{2}|[0-9a-f]{4})$`).FindStringSubmatch(one.ID)
		if m == nil {
			continue
		}
		host, _, _ := strings.Cut(one.IP, "/")
		id, err := strconv.ParseUint(m[2], 16, 16)
		if version, ok := versions()[m[1]]; ok && err == nil && host != "" {
			found.add(host, version, uint16(id))
		}
	}
	return found, nil
}

// versions by the names of all tools.
func versions() map[string]results.Version {
	return map[string]results.Version{
		"SSLv3": results.SSLv3, "ssl3": results.SSLv3,
		"TLSv1.0": results.TLSv10, "tls1": results.TLSv10,
		"TLSv1.1": results.TLSv11, "tls1_1": results.TLSv11,
		"TLSv1.2": results.TLSv12, "tls1_2": results.TLSv12,
		"TLSv1.3": results.TLSv13, "tls1_3": results.TLSv13,
	}
}
