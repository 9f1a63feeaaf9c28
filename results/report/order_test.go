package report

import (
	"strings"
	"testing"

	"shakedown/results"
)

func bare(service, path string, kind results.PathKind) *results.Endpoint {
	return &results.Endpoint{Service: service, Path: path, Kind: kind, Status: results.Complete}
}

// TestOrderIsTheInventorys: records come as they are finished; a report stands in
// the order of the inventory, which the header tells.
func TestOrderIsTheInventorys(t *testing.T) {
	run := closed(Run{
		Header: results.Header{Schema: results.Schema, Command: "scan", Paths: []string{"web/z-2", "web/alb", "web/a-1", "app/one", "app/two"}},
		Records: []results.Record{
			bare("app", "two", results.Instance), bare("web", "a-1", results.Instance), bare("web", "alb", results.LBTerminated),
			bare("web", "not-planned", results.LBTerminated), bare("web", "z-2", results.Instance), bare("app", "one", results.Instance),
		},
	}, 0)
	order := func(r Run) string {
		var got []string
		for _, s := range newDigest([]Run{r}).sections {
			for _, e := range s.endpoints {
				got = append(got, s.title+"/"+e.label)
			}
		}
		return strings.Join(got, " ")
	}
	if got, want := order(run), "web/z-2 web/alb web/a-1 web/not-planned app/one app/two"; got != want {
		t.Errorf("order %s\nwant  %s", got, want)
	}
	run.Header.Paths = nil // as older runs have it: from the load balancer inwards
	if got, want := order(run), "app/one app/two web/alb web/not-planned web/a-1 web/z-2"; got != want {
		t.Errorf("without the header's word: %s\nwant %s", got, want)
	}
}

// TestPartialRunNamesWhatIsMissing: of a run that was cut off a reader is told
// which paths it says nothing about.
func TestPartialRunNamesWhatIsMissing(t *testing.T) {
	run := Run{
		Header:  results.Header{Schema: results.Schema, Command: "scan", Paths: []string{"web/alb", "web/i-1", "web/i-2"}},
		Records: []results.Record{bare("web", "i-1", results.Instance)},
	}
	if got := runIssues(run)[0].words; !strings.HasSuffix(got, "nothing is recorded of web/alb and web/i-2") {
		t.Error(got)
	}
	ended := run
	ended.Trailer = &results.Trailer{Records: 1}
	if got := runIssues(ended)[0].words; !strings.HasSuffix(got, "nothing is recorded of web/alb and web/i-2") {
		t.Error(got)
	}
	if whole := closed(run, 0); runIssues(whole) != nil {
		t.Error("a complete run is called partial")
	}
}

// TestSilentEndpointIsToldOnce: of an endpoint that did not answer at all no
// version or suite is listed one by one.
func TestSilentEndpointIsToldOnce(t *testing.T) {
	e := refused()
	e.Suites, e.Groups = map[results.Version][]results.Suite{}, map[results.Version][]results.Named{}
	e.Undetermined.Suites, e.Undetermined.Groups = map[results.Version][]string{}, map[results.Version][]string{}
	for _, v := range results.Versions() {
		e.Suites[v], e.Groups[v] = []results.Suite{}, []results.Named{}
		e.Undetermined.Suites[v], e.Undetermined.Groups[v] = []string{"*"}, []string{"*"}
	}
	run := closed(Run{Header: results.Header{Schema: results.Schema, Command: "scan"}, Records: []results.Record{e}}, 3)
	for _, format := range []string{"text", "html"} {
		got := rendered(t, format, Options{Width: 120}, run)
		if n := strings.Count(got, nothingKnown); n != 1 {
			t.Errorf("%s says %d times that nothing is known", format, n)
		}
		for _, noise := range []string{"every suite", "every group", "TLS settings", "0+?"} {
			if strings.Contains(got, noise) {
				t.Errorf("%s has %q", format, noise)
			}
		}
	}
}

// TestLegendExplainsWhatIsShown: a scan of versions alone has no column PQ.
func TestLegendExplainsWhatIsShown(t *testing.T) {
	asked := bare("web", "a", results.Instance)
	asked.Groups = map[results.Version][]results.Named{}
	for _, c := range []struct {
		e    *results.Endpoint
		want bool
	}{{asked, true}, {bare("web", "b", results.Instance), false}} {
		es := []*endpoint{{Endpoint: c.e}}
		if got := strings.Contains(legend(es), "PQ"); got != c.want {
			t.Errorf("%s: PQ explained: %v", c.e.Path, got)
		}
	}
}
