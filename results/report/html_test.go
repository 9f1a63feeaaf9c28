package report

import (
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"shakedown/results"
)

var shots = flag.String("shots", "", "keep pictures of the pages in this folder")

func TestHTMLGolden(t *testing.T) {
	page := rendered(t, "html", Options{}, scanRun(), benchRun())
	// The style sheet and the script are files of their own; what is drawn from
	// the records is what the golden file is for.
	page = regexp.MustCompile(`(?s)<style>.*?</style>`).ReplaceAllString(page, "<style></style>")
	page = regexp.MustCompile(`(?s)<script>.*?</script>`).ReplaceAllString(page, "<script></script>")
	page = regexp.MustCompile(`sha256-.*?&#39;`).ReplaceAllString(page, "sha256-&#39;")
	golden(t, "both.html", page)
}

func TestHTMLInBrowser(t *testing.T) {
	url := pageOf(t, rendered(t, "html", Options{}, scanRun(), benchRun()))
	b := newBrowser(t)
	b.size(1280, 900)
	b.media("screen", "light")
	b.open(url)
	b.shot("light")

	t.Run("content", func(t *testing.T) {
		b.t = t
		b.want(`document.querySelector("h1").textContent`, "portal")
		b.want(`document.querySelectorAll(".runs .run").length`, 2)
		b.want(`document.querySelector("table[data-filter=paths]").tBodies[0].rows.length`, 11)
		b.want(`document.querySelectorAll(".issues li.bad").length > 0`, true)
		b.want(`[...document.querySelectorAll(".issues li")].some(li => /i-2 certificate: expired 11 days ago/.test(li.textContent))`, true)
		b.want(`[...document.querySelectorAll(".issues li")].some(li => /i-2 drifted from i-1 and i-3/.test(li.textContent))`, true)
		b.want(`document.querySelectorAll("#s1-curve-handshake path.curve").length`, 6) // all but the invalid one
		b.want(`document.querySelectorAll("#s1-curve-handshake path.spread").length`, 6)
		b.want(`document.querySelector("#s1-curve-handshake").textContent.includes("i-3")`, false)
		b.want(`[...document.querySelectorAll(".banner")].some(p => /i-3: invalid measurement/.test(p.textContent))`, true)
		b.want(`document.querySelectorAll("#s1-blocks circle").length`, 48)
		b.want(`document.querySelectorAll("#s1-certs rect").length`, 7)
	})
	t.Run("hostile text stays text", func(t *testing.T) {
		b.t = t
		b.want(`document.querySelectorAll("script").length`, 1)
		b.want(`document.querySelectorAll("img, iframe, object, embed, base, form, i, main b").length`, 0)
		b.want(`[...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => /^on/.test(a.name))).length`, 0)
		b.want(`[...document.querySelectorAll("a")].filter(a => !a.getAttribute("href").startsWith("#")).length`, 0)
		b.want(`document.body.textContent.includes("<script>alert(1)</script>\\x1b[31m\\u202egpj.exe")`, true)
		b.want(`/[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/.test(document.documentElement.outerHTML)`, false)
	})
	t.Run("every number traces to its record", func(t *testing.T) {
		b.t = t
		b.want(`[...document.querySelectorAll("a.ref")].filter(a => !document.querySelector(a.getAttribute("href"))).length`, 0)
		b.want(`document.querySelectorAll("#records tbody tr").length`, 81)
		b.want(`document.querySelector("#records tbody tr td:nth-child(3)").textContent`, "scan.jsonl:2")
		b.want(`document.querySelector("#records details").open`, false)
		b.want(`location.hash = document.querySelector("a.ref").getAttribute("href"), "asked"`, "asked")
		b.settle()
		b.want(`document.querySelector("#records details").open`, true)
	})
	t.Run("accessible", func(t *testing.T) {
		b.t = t
		b.want(`document.querySelectorAll("th:not([scope])").length`, 0)
		b.want(`document.querySelectorAll("svg.figure").length > 6`, true)
		b.want(`[...document.querySelectorAll("svg.figure")].filter(s => s.querySelector(":scope > title") && s.querySelector(":scope > desc")).length === document.querySelectorAll("svg.figure").length`, true)
		b.want(`document.querySelectorAll("h1").length`, 1)
		b.want(`(() => { let last = 0; for (const h of document.querySelectorAll("h1, h2, h3, h4")) { const n = +h.tagName[1]; if (n > last + 1) return h.textContent; last = n } return "" })()`, "")
		b.want(`(() => { const ids = [...document.querySelectorAll("[id]")].map(e => e.id); return ids.length - new Set(ids).size })()`, 0)
	})
	t.Run("sorts and filters", func(t *testing.T) {
		b.t = t
		first := `document.querySelector("table[data-filter=paths]").tBodies[0].rows[0].cells[0].textContent.replace(/\d+$/, "")`
		head := func(n int) string {
			return fmt.Sprintf(`document.querySelectorAll("table[data-filter=paths] thead th")[%d].querySelector("button").click(), "clicked"`, n)
		}
		b.want(first, "alb")
		b.want(head(7), "clicked") // suites
		b.want(`document.querySelector("table[data-filter=paths]").tBodies[0].rows[0].cells[7].textContent`, "5")
		b.want(head(7), "clicked")
		b.want(`document.querySelector("table[data-filter=paths]").tBodies[0].rows[0].cells[7].textContent`, "9")
		b.want(`document.querySelectorAll("table[data-filter=paths] thead th")[7].getAttribute("aria-sort")`, "descending")
		b.want(head(0), "clicked")
		b.want(`(() => { const f = document.querySelector(".filter"); f.value = "offloaded 900"; f.dispatchEvent(new Event("input")); return [...document.querySelectorAll("table[data-filter=paths] tbody tr")].filter(r => !r.hidden).length })()`, 2)
	})
	t.Run("values are read off the plot", func(t *testing.T) {
		b.t = t
		b.want(`(() => { const s = document.querySelector("#s1-curve-handshake"); const r = s.getBoundingClientRect(); s.dispatchEvent(new PointerEvent("pointermove", {clientX: r.left + r.width * .5, clientY: r.top + 50})); return /^p9\d.*: .*hsm [\d.]+ ms/.test(document.querySelector(".readout").textContent) })()`, true)
	})
	t.Run("themes", func(t *testing.T) {
		b.t = t
		background := `getComputedStyle(document.body).backgroundColor`
		light := b.eval(background)
		b.media("screen", "dark")
		dark := b.eval(background)
		if light == dark {
			t.Errorf("the page does not follow prefers-color-scheme: %v", light)
		}
		b.shot("dark")
		b.eval(`document.getElementById("theme-light").click()`)
		b.want(background, light)
		b.media("screen", "light")
		b.eval(`document.getElementById("theme-dark").click()`)
		b.want(background, dark)
		b.open(url + "?theme=dark")
		b.want(background, dark)
	})
	t.Run("fits and prints", func(t *testing.T) {
		b.t = t
		b.open(url)
		for _, width := range []int{1280, 1000, 800, 390} {
			b.size(width, 900)
			b.want(`document.documentElement.scrollWidth <= innerWidth`, true)
			b.want(`[...document.querySelectorAll("svg.figure text")].filter(t => { const x = t.getBBox(), v = t.ownerSVGElement.viewBox.baseVal; return x.x < -1 || x.x + x.width > v.width + 1 }).map(t => t.textContent).join("; ")`, "")
			if width > 400 {
				b.want(`[...document.querySelectorAll(".hero .scroll")].filter(e => e.scrollWidth > e.clientWidth).length`, 0)
			}
			b.shot(fmt.Sprintf("width-%d", width))
		}
		b.size(1000, 900)
		b.media("print", "dark")
		b.want(`getComputedStyle(document.body).backgroundColor`, "rgb(255, 255, 255)")
		b.want(`[...document.querySelectorAll(".tab")].filter(t => getComputedStyle(t).display === "none").length`, 0)
		b.want(`getComputedStyle(document.querySelector(".theme")).display`, "none")
		// Paper cannot be unfolded, and a button in a head keeps it from being repeated.
		b.want(`document.querySelectorAll("details:not([open]):not(.alike):not(.screen)").length > 3`, true)
		b.want(`[...document.querySelectorAll("details:not(.alike):not(.screen) > *:last-child")].filter(e => !e.closest(".screen, .alike") && e.getBoundingClientRect().height === 0).length`, 0)
		b.want(`[...document.querySelectorAll("thead button")].filter(e => getComputedStyle(e).display !== "contents").length`, 0)
		b.shot("print")
		b.size(718, 1000) // A4, within its margins
		b.want(`[...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest("svg")).map(e => e.tagName + " " + e.className + " " + e.textContent.slice(0, 30)).join("; ")`, "")
		b.shot("print-a4")
	})
	b.t = t
	b.silent(url)
}

// TestHTMLWithoutScript shows that the essential parts need no script.
func TestHTMLWithoutScript(t *testing.T) {
	url := pageOf(t, rendered(t, "html", Options{}, scanRun(), benchRun()))
	b := newBrowser(t)
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.size(1280, 900)
	b.media("screen", "light")
	b.open(url)
	b.want(`document.querySelectorAll("th button").length`, 0) // the script did not run
	shown := `[...document.querySelectorAll(".tab")].map(t => getComputedStyle(t).display).join(" ")`
	b.want(shown, "block none none none none")
	b.want(`document.getElementById("s1-first_byte").checked = true`, true)
	b.want(shown, "none none none block none")
	light := b.eval(`getComputedStyle(document.body).backgroundColor`)
	b.want(`document.getElementById("theme-dark").checked = true`, true)
	if dark := b.eval(`getComputedStyle(document.body).backgroundColor`); dark == light {
		t.Errorf("the toggle needs the script: %v", dark)
	}
	b.silent(url)
}

// TestHTMLPolicy shows that even a script that got into the page would not run.
func TestHTMLPolicy(t *testing.T) {
	page := rendered(t, "html", Options{}, scanRun())
	page = strings.Replace(page, "</main>", `<script>window.pwned = 1</script><img src="x" onerror="window.pwned = 2"></main>`, 1)
	b := newBrowser(t)
	b.open(pageOf(t, page))
	b.want(`window.pwned === undefined`, true)
	if len(b.console) == 0 {
		t.Error("the browser did not complain of a script that the page's policy forbids")
	}
}

func TestHTMLOfManyAddresses(t *testing.T) {
	page := rendered(t, "html", Options{}, fleetRun(250), fleetRun(3))
	if limit := 10 << 20 / 8; len(page) > limit {
		t.Errorf("250 addresses make a page of %d bytes, more than %d", len(page), limit)
	}
	url := pageOf(t, page)
	b := newBrowser(t)
	b.size(1280, 900)
	b.media("screen", "light")
	b.open(url)
	b.want(`document.querySelector("table[data-filter=paths]").tBodies[0].rows.length`, 253)
	b.want(`document.documentElement.scrollWidth <= innerWidth`, true)
	b.shot("fleet")
	b.silent(url)
}

// TestCalm shows that a page without issues claims no more than was looked at.
func TestCalm(t *testing.T) {
	sound := closed(Run{Header: scanRun().Header, Records: []results.Record{
		lbEndpoint("alb", results.LBTerminated, "192.0.2.1:443", chain("a", cert("CN=a", "CN=b", 2048, "RSA", -1, 90))),
	}}, 0)
	measuredOnly := closed(Run{Header: benchRun().Header, Records: benchRun().Records[:1]}, 0)
	tests := []struct {
		run  Run
		want string
	}{
		{sound, "Nothing stands out: every path answered all that it was asked and every certificate is trusted and has 30 days left or more."},
		{measuredOnly, "Nothing stands out: every measurement is valid."},
		{closed(Run{Header: scanRun().Header}, 0), "There is nothing in these records to judge."},
	}
	for _, tt := range tests {
		if page := rendered(t, "html", Options{}, tt.run); !strings.Contains(page, `<p class="ok">`+tt.want+"</p>") {
			t.Errorf("the page lacks %q", tt.want)
		}
	}
}

// TestHTMLWithoutHistogram shows that a line that is drawn from less than it
// should be says so.
func TestHTMLWithoutHistogram(t *testing.T) {
	whole := *benchRun().Records[0].(*results.Trial)
	if page := rendered(t, "html", Options{}, closed(Run{Header: benchRun().Header, Records: []results.Record{&whole}}, 0)); strings.Contains(page, "cannot be read") {
		t.Error("a histogram that is whole is said to be unreadable")
	}
	broken := whole
	d := *whole.Phases.Handshake
	d.HDR = "x"
	broken.Phases.Handshake = &d
	page := rendered(t, "html", Options{}, closed(Run{Header: benchRun().Header, Records: []results.Record{&broken}}, 0))
	if n := strings.Count(page, "The histogram of alb cannot be read"); n != 1 {
		t.Errorf("%d notes on the one histogram that cannot be read", n)
	}
	if !strings.Contains(page, `data-name="alb"`) {
		t.Error("no line is drawn from the quantiles that are known")
	}
}

func TestHTMLOfNothing(t *testing.T) {
	empty := Run{Header: results.Header{Schema: results.Schema, Command: "scan", StartedAt: runTime}}
	page := rendered(t, "html", Options{}, empty)
	for _, want := range []string{"Partial.", "partial: no trailer", "0 records"} {
		if !strings.Contains(page, want) {
			t.Errorf("an empty partial run's page lacks %q", want)
		}
	}
}
