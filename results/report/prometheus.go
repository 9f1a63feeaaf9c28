// Prometheus' text format, for the textfile collector of the node exporter:
// what is yes is 1, what is no is 0, and what is unknown has no sample but
// counts in shakedown_unknown_facts.

package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"shakedown/results"
)

// sample is a line of the format, without the prefix shakedown_. Labels are name,
// value, …: first those that many samples have in common.
type sample struct {
	name     string
	at, more []string
	value    float64
}

func (s sample) compare(other sample) int {
	return cmp.Or(slices.Compare(s.at, other.at), slices.Compare(s.more, other.more))
}

// promFamilies are the metrics, in the order in which they are written.
func promFamilies() [][2]string {
	return [][2]string{
		{"run_timestamp_seconds", "When the run began, in seconds since 1970."},
		{"run_complete", "1 if all planned work was tried."},
		{"run_exit_code", "The exit code of the run."},
		{"endpoint_answers", "1 if everything that was asked of the endpoint is determined, 0 if some or all is not."},
		{"endpoint_failed", "1 if not one protocol version could be determined."},
		{"endpoint_connections", "Connections that the scan made to the endpoint."},
		{"unknown_facts", "Facts that were asked and got no usable answer."},
		{"version_served", "1 if the protocol version is served, 0 if not; absent if unknown."},
		{"suites_accepted", "Cipher suites accepted in a version."},
		{"certificate_not_after_seconds", "When the leaf certificate ends, in seconds since 1970."},
		{"certificate_trusted", "1 if the chain is trusted, 0 if not; absent if unknown."},
		{"certificate_matches_name", "1 if the certificate is for the name that was asked for, 0 if not; absent if unknown."},
		{"findings", "Rules by their status and severity."},
		{"trial_valid", "1 if the measurement is valid."},
		{"handshakes_per_second", "Handshakes a second that were measured."},
		{"handshake_seconds", "Percentiles of a phase of the handshake."},
	}
}

func writePrometheus(w io.Writer, runs []Run) error {
	m := NewMetrics()
	for _, run := range runs {
		m.Put(&run.Header)
		for _, r := range run.Records {
			m.Put(r)
		}
		if run.Trailer != nil {
			m.Put(run.Trailer)
		}
	}
	_, err := m.WriteTo(w)
	return err
}

// Metrics gathers the samples of one or more runs. It keeps no record: a run may
// be large.
type Metrics struct {
	by       map[string][]sample
	findings map[[4]string]float64
	command  []string // of the run that is being put
	ended    bool
}

var _ results.Sink = (*Metrics)(nil)

// NewMetrics returns metrics without a sample.
func NewMetrics() *Metrics {
	return &Metrics{by: map[string][]sample{}, findings: map[[4]string]float64{}}
}

// Put takes a record. It never fails.
func (m *Metrics) Put(r results.Record) error {
	switch r := r.(type) {
	case *results.Header:
		m.command, m.ended = []string{"command", r.Command}, false
		m.add(sample{"run_timestamp_seconds", m.command, nil, float64(r.StartedAt.Unix())})
	case *results.Trailer:
		m.ended = true
		m.add(sample{"run_complete", m.command, nil, oneIf(r.Complete)}, sample{"run_exit_code", m.command, nil, float64(r.ExitCode)})
	case *results.Endpoint:
		m.add(promEndpoint(r)...)
	case *results.Finding:
		m.findings[[4]string{r.Service, r.Path, string(r.Status), string(r.Severity)}]++
	case *results.Trial:
		m.add(promTrial(r)...)
	}
	return nil
}

func (m *Metrics) add(samples ...sample) {
	for _, s := range samples {
		m.by[s.name] = append(m.by[s.name], s)
	}
}

// WriteTo writes everything in Prometheus' text format. Of two samples of the
// same thing the first counts.
func (m *Metrics) WriteTo(w io.Writer) (int64, error) {
	by := maps.Clone(m.by)
	if !m.ended && m.command != nil {
		by["run_complete"] = append(slices.Clone(by["run_complete"]), sample{"run_complete", m.command, nil, 0})
	}
	for k, n := range m.findings {
		by["findings"] = append(by["findings"], sample{"findings", []string{"service", k[0], "path", k[1], "status", k[2], "severity", k[3]}, nil, n})
	}
	counted := &counter{w: w}
	b := bufio.NewWriter(counted)
	for _, f := range promFamilies() {
		writeFamily(b, f[0], f[1], by[f[0]])
	}
	err := b.Flush() // it has the first error
	return counted.n, err
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func writeFamily(b *bufio.Writer, name, help string, samples []sample) {
	if len(samples) == 0 {
		return
	}
	fmt.Fprintf(b, "# HELP shakedown_%s %s\n# TYPE shakedown_%s gauge\n", name, help, name)
	slices.SortStableFunc(samples, sample.compare)
	for i, s := range samples {
		if i == 0 || s.compare(samples[i-1]) != 0 {
			fmt.Fprintf(b, "shakedown_%s%s %s\n", s.name, promLabels(slices.Concat(s.at, s.more)), strconv.FormatFloat(s.value, 'g', -1, 64))
		}
	}
}

func promEndpoint(e *results.Endpoint) []sample {
	at := []string{"service", e.Service, "path", e.Path, "address", e.Address, "kind", string(e.Kind)}
	all := []sample{
		{"endpoint_answers", at, nil, oneIf(e.Status == results.Complete)},
		{"endpoint_failed", at, nil, oneIf(e.Status == results.Failed)},
		{"endpoint_connections", at, nil, float64(e.Connections)},
		{"unknown_facts", at, nil, float64(unknownFacts(e))},
	}
	for _, v := range results.Versions() {
		labels := []string{"version", string(v)}
		all = append(all, known("version_served", at, labels, e.Versions[v])...)
		if suites, asked := e.Suites[v]; asked {
			all = append(all, sample{"suites_accepted", at, labels, float64(len(suites))})
		}
	}
	return append(all, promChains(e, at)...)
}

// promChains are of an endpoint's chains. Of several of one kind of key, as on two
// curves, the worst comes first, and so counts.
func promChains(e *results.Endpoint, at []string) (all []sample) {
	for _, c := range e.Chains {
		labels := []string{"auth", c.Auth, "server_name", c.ServerName}
		if len(c.Certificates) > 0 && !c.Certificates[0].NotAfter.IsZero() {
			all = append(all, sample{"certificate_not_after_seconds", at, labels, float64(c.Certificates[0].NotAfter.Unix())})
		}
		all = append(all, known("certificate_trusted", at, labels, c.Trusted)...)
		all = append(all, known("certificate_matches_name", at, labels, c.HostnameMatch)...)
	}
	slices.SortStableFunc(all, func(a, b sample) int { return cmp.Compare(a.value, b.value) })
	return all
}

// unknownFacts counts what is undetermined; a list of all that was asked is one.
func unknownFacts(e *results.Endpoint) int {
	n := len(e.Undetermined.Versions)
	for _, by := range []map[results.Version][]string{e.Undetermined.Suites, e.Undetermined.Groups, e.Undetermined.SignatureSchemes} {
		for _, ids := range by {
			n += len(ids)
		}
	}
	return n + len(moreUnknown(&endpoint{Endpoint: e}))
}

func promTrial(t *results.Trial) []sample {
	at := []string{"service", t.Service, "path", t.Path, "kind", string(t.Kind), "shape", shapeWords(t.Asked)}
	all := []sample{{"trial_valid", at, nil, oneIf(t.Valid)}, {"handshakes_per_second", at, nil, t.AchievedRate}}
	if !t.Valid {
		return all[:1] // an invalid measurement has no figures
	}
	for _, p := range []struct {
		name string
		dist *results.Dist
	}{{"connect", t.Phases.Connect}, {"server_hello", t.Phases.ServerHello}, {"handshake", t.Phases.Handshake}, {"first_byte", t.Phases.FirstByte}, {"total", t.Phases.Total}} {
		if p.dist == nil {
			continue
		}
		for _, q := range []struct {
			name string
			us   float64
		}{{"50", p.dist.P50US}, {"90", p.dist.P90US}, {"99", p.dist.P99US}, {"99.9", p.dist.P999US}} {
			all = append(all, sample{"handshake_seconds", at, []string{"phase", p.name, "percentile", q.name}, q.us / 1e6})
		}
	}
	return all
}

func known(name string, at, more []string, a results.Answer) []sample {
	if a != results.Yes && a != results.No {
		return nil
	}
	return []sample{{name, at, more, oneIf(a == results.Yes)}}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func promLabels(labels []string) string {
	var parts []string
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	for i := 0; i+1 < len(labels); i += 2 {
		parts = append(parts, labels[i]+`="`+escape.Replace(clean(labels[i+1]))+`"`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}
