// How the page carries many endpoints: its size, how long it loads, and how
// evenly it scrolls. Times are told, not judged: they are the machine's too.
//
//	go test ./results/report -run TestScale -v

package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"shakedown/results"
)

// estateRun is a scan of services with ten paths each, load balancers and
// targets, some with trouble, each with certificates of its own; and of as many
// single addresses.
func estateRun(endpoints int) Run {
	r := Run{Name: "estate.jsonl", Header: results.Header{Schema: results.Schema, ToolVersion: "0.1.0", StartedAt: runTime, Command: "scan", Inventory: "estate.yaml"}}
	for i := range endpoints {
		var e *results.Endpoint
		service := fmt.Sprintf("service-%d", i/10)
		switch path := i % 10; {
		case i >= endpoints/2:
			service = fmt.Sprintf("host-%d.example", i)
			e = instance(service+":443", "", "", ownChain(service, i))
		case path == 0:
			e = lbEndpoint("alb", results.LBReencrypted, "", ownChain(service, i))
			e.Targets = []string{"i-2", "i-3", "i-4", "i-5", "i-6", "i-7", "i-8"}
		case path == 1:
			e = lbEndpoint("nlb", results.Passthrough, "", ownChain(service, i))
		case path == 9:
			e = instance("hsm", results.HSMOffloaded, "", ownChain(service, i))
		default:
			e = instance(fmt.Sprintf("i-%d", path), results.Instance, "", ownChain(service, i))
		}
		switch {
		case i%97 == 5:
			broken := refused()
			broken.Path, broken.Kind, broken.Target = e.Path, e.Kind, e.Target
			e = broken
		case i%53 == 7:
			e.Chains = []results.Chain{selfSigned()}
		case i%41 == 3:
			e = drifted(e)
		}
		e.Service, e.Address = service, fmt.Sprintf("10.%d.%d.%d:443", i>>16, i>>8&255, i&255)
		if len(e.Chains) > 0 {
			e.ServerName = e.Chains[0].ServerName
		}
		r.Records = append(r.Records, e)
		if i%5 == 0 {
			r.Records = append(r.Records, &results.Finding{Service: service, Path: e.Path, Address: e.Address, Profile: "nist-800-52r2", Rule: "tls1.1-off", Status: results.FindingFail,
				Severity: results.Medium, Expected: "TLS 1.1 is off", Observed: "TLS 1.1 is served", Citation: "NIST SP 800-52r2 §3.1", Mend: "nginx: ssl_protocols TLSv1.2 TLSv1.3;"})
		}
	}
	return closed(r, 1)
}

// ownChain is a chain that no other endpoint has.
func ownChain(name string, i int) results.Chain {
	leaf := cert("CN="+name, "CN=Issuing CA,O=Example", 2048, "RSA", -30, 20+i%300)
	leaf.SHA256 = fmt.Sprintf("%064x", i+1)
	leaf.DNSNames = []string{name, "www." + name}
	return chain(name, leaf, issuing())
}

// TestScale holds a page of 2,000 endpoints below 10 MB, and says how it loads
// and scrolls in a real browser.
func TestScale(t *testing.T) {
	const endpoints, most = 2000, 10_000_000
	page := rendered(t, "html", Options{PlannedRate: 2000}, estateRun(endpoints))
	t.Logf("%d endpoints: a page of %.1f MB", endpoints, float64(len(page))/1e6)
	if len(page) > most {
		t.Errorf("the page has %d bytes, more than %d", len(page), most)
	}
	for i := range endpoints {
		if address := fmt.Sprintf("10.0.%d.%d:443", i>>8&255, i&255); !strings.Contains(page, address) {
			t.Fatalf("the page lacks %s", address)
		}
	}
	url := pageOf(t, page)
	b := newBrowser(t)
	b.size(1280, 900)
	b.media("screen", "light")
	b.open(url)
	b.settle()
	times := b.eval(`(() => { const n = performance.getEntriesByType("navigation")[0]; return [n.domInteractive, n.domContentLoadedEventEnd, n.loadEventEnd].map(Math.round).join(" ") })()`)
	t.Logf("loaded: interactive, content loaded and load ended at %v ms", times)
	t.Logf("scrolled: %s", b.scroll())
	b.want(`document.documentElement.scrollWidth <= innerWidth`, true)

	b.eval(`window.big = [...document.querySelectorAll("table[data-filter=paths]")].at(-1), window.shown = () => [...big.tBodies[0].rows].filter(r => !r.hidden).length, 1`)
	b.want(`shown()`, endpoints/2)
	b.want(`big.closest(".scroll").parentElement.querySelector("input.filter").focus(), document.activeElement.className`, "filter")
	b.call("Input.insertText", map[string]any{"text": "self-signed 10.0"}, nil)
	b.want(`shown() > 5 && shown() < 40`, true)
	b.want(`document.activeElement.nextSibling.getAttribute("role") + ": " + document.activeElement.nextSibling.textContent === "status: " + shown() + " of 1000 shown"`, true)
	b.want(`document.activeElement.select(), 1`, 1)
	b.press("Backspace", 8)
	b.want(`shown()`, endpoints/2)
	b.want(`big.tHead.rows[0].cells[1].querySelector("button").focus(), big.tHead.rows[0].cells[1].textContent`, "Address")
	for _, order := range []string{"ascending", "descending"} {
		b.press("Enter", 13)
		b.want(`big.tHead.rows[0].cells[1].getAttribute("aria-sort")`, order)
	}
	b.want(`big.tBodies[0].rows[0].cells[1].textContent`, "10.0.7.207:443")
	b.silent(url)
}

// press presses a key as a user does.
func (b *browser) press(key string, code int) {
	b.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		event := map[string]any{"type": kind, "key": key, "windowsVirtualKeyCode": code}
		if key == "Enter" && kind == "keyDown" {
			event["text"] = "\r"
		}
		b.call("Input.dispatchKeyEvent", event, nil)
	}
	b.settle()
}

// scroll scrolls the page down at once in steps of most of a window, a frame for
// each, and tells the frames' times.
func (b *browser) scroll() string {
	b.t.Helper()
	var r struct{ Result struct{ Value []float64 } }
	b.call("Runtime.evaluate", map[string]any{"awaitPromise": true, "returnByValue": true, "expression": `new Promise(done => {
		document.documentElement.style.scrollBehavior = "auto";
		const frames = [];
		let last = performance.now(), n = 0;
		const step = (now) => {
			frames.push(now - last);
			last = now;
			const before = scrollY;
			scrollBy(0, 900);
			if (scrollY === before && n > 0 || ++n > 400) { done(frames.slice(1)); return; }
			requestAnimationFrame(step);
		};
		requestAnimationFrame(step);
	})`}, &r)
	frames := slices.Sorted(slices.Values(r.Result.Value))
	if len(frames) < 20 {
		b.t.Errorf("the page was scrolled in %d frames only", len(frames))
		return ""
	}
	at := func(share float64) float64 { return frames[int(share*float64(len(frames)-1))] }
	return fmt.Sprintf("%d frames, median %.1f ms, p95 %.1f ms, longest %.1f ms", len(frames), at(.5), at(.95), at(1))
}
