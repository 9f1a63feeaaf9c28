package report

import (
	"strings"
	"testing"

	"shakedown/results"
)

// successiveRuns are three scans of one inventory: i-2 loses its certificate, then
// drifts; alb is replaced by another. They are given out of order.
func successiveRuns() []Run {
	run := func(day int, endpoints ...*results.Endpoint) Run {
		r := Run{Name: "day" + string(rune('0'+day)), Header: scanRun().Header}
		r.Header.StartedAt = runTime.AddDate(0, 0, day)
		for _, e := range endpoints {
			e.StartedAt = r.Header.StartedAt
			r.Records = append(r.Records, e)
		}
		return closed(r, 0)
	}
	good := func() results.Chain {
		return chain("portal.example", cert("CN=i.portal.example", "CN=Lab Issuing CA,O=Lab", 2048, "RSA", -60, 200), issuing())
	}
	i1 := func() *results.Endpoint { return instance("i-1", results.Instance, "127.0.0.1:9001", good()) }
	i2 := func(c results.Chain) *results.Endpoint {
		return instance("i-2", results.Instance, "127.0.0.1:9002", c)
	}
	alb := lbEndpoint("alb", results.LBTerminated, "127.0.0.1:8443", good())
	return []Run{
		run(2, i1(), drifted(i2(selfSigned())), lbEndpoint("alb2", results.LBTerminated, "127.0.0.1:8444", good())),
		run(0, i1(), i2(good()), alb),
		run(1, i1(), i2(selfSigned()), lbEndpoint("alb", results.LBTerminated, "127.0.0.1:8443", good())),
	}
}

func TestSuccession(t *testing.T) {
	golden(t, "drift-100.txt", strings.SplitN(rendered(t, "text", Options{}, successiveRuns()...), "To look at first", 2)[0])
	d := newDigest(successiveRuns())
	if len(d.sections) != 1 || len(d.sections[0].endpoints) != 3 {
		t.Errorf("%d sections, %d endpoints in the first: not the newest run's three", len(d.sections), len(d.sections[0].endpoints))
	}
	if len(d.catalog) != 9 {
		t.Errorf("%d records in the list, want those of all runs", len(d.catalog))
	}
	if other := successiveRuns(); len(successions(append(other[:1], benchRun()))) != 0 {
		t.Error("a scan and a bench are taken for runs of one kind")
	}
}

func TestSuccessionInBrowser(t *testing.T) {
	url := pageOf(t, rendered(t, "html", Options{}, successiveRuns()...))
	b := newBrowser(t)
	b.size(1280, 1400)
	b.media("screen", "light")
	b.open(url)
	b.shot("drift")
	b.want(`document.querySelectorAll("#drift1 circle").length`, 4) // i-2 twice, alb gone, alb2 joined
	b.want(`[...document.querySelectorAll(".drift details")].map(d => d.open).join(" ")`, "true false")
	b.want(`[...document.querySelectorAll(".drift a.ref")].filter(a => !document.querySelector(a.getAttribute("href"))).length`, 0)
	b.want(`document.querySelectorAll(".drift a.ref").length > 4`, true)
	b.silent(url)
}
