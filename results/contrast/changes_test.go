package contrast

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"shakedown/results"
)

var began = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

// seen is an endpoint on a day; change makes it otherwise.
func seen(path string, day int, change ...func(*results.Endpoint)) *results.Endpoint {
	e := &results.Endpoint{
		Service: "portal", Path: path, Target: path + ":443", Address: path + ":443", Status: results.Complete, StartedAt: began.AddDate(0, 0, day),
		Versions: map[results.Version]results.Answer{results.TLSv10: results.No, results.TLSv12: results.Yes},
		Suites:   map[results.Version][]results.Suite{results.TLSv12: {{ID: "0xC02F", Name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}}},
		Chains: []results.Chain{{Trusted: results.Yes, Certificates: []results.Cert{
			{SHA256: strings.Repeat("aa", 32), Subject: "CN=portal", Issuer: "CN=CA", KeyType: "RSA", KeyBits: 2048, NotAfter: began.AddDate(0, 0, 30).Add(time.Hour)}}}},
	}
	for _, c := range change {
		c(e)
	}
	return e
}

func renewed(e *results.Endpoint) {
	leaf := &e.Chains[0].Certificates[0]
	leaf.SHA256, leaf.NotAfter = strings.Repeat("bb", 32), began.AddDate(0, 0, 90)
}

func withTLS10(e *results.Endpoint) { e.Versions[results.TLSv10] = results.Yes }

func silent(e *results.Endpoint) {
	*e = results.Endpoint{Service: e.Service, Path: e.Path, Target: e.Target, Address: e.Address, Status: results.Failed, StartedAt: e.StartedAt,
		Failures: []results.Failure{{Stage: results.StageConnect, Kind: results.KindTimeout, Count: 2}}}
}

func unsure(e *results.Endpoint) {
	e.Status, e.Versions[results.TLSv10] = results.Partial, results.Unknown
}

func moved(e *results.Endpoint) { e.Address = "192.0.2.9:443" }

func fleet(first ...func(*results.Endpoint)) []*results.Endpoint {
	front := seen("alb", 0, func(e *results.Endpoint) { e.Targets = []string{"i-1", "i-2", "i-3"} })
	return []*results.Endpoint{front, seen("i-1", 0), seen("i-2", 0), seen("i-3", 0, first...)}
}

func found(status results.FindingStatus) *results.Finding {
	return &results.Finding{Service: "portal", Path: "i-1", Address: "i-1:443", Profile: "p", Rule: "r", Status: status, Severity: results.High, Observed: string(status)}
}

// dayOf is the day of a run.
func dayOf(es []*results.Endpoint) time.Time {
	if len(es) == 0 {
		return began
	}
	return es[0].StartedAt
}

func TestChanges(t *testing.T) {
	type es = []*results.Endpoint
	type fs = []*results.Finding
	for name, c := range map[string]struct {
		old, new           es
		oldFound, nowFound fs
		cut                bool // the later run
		want               []string
	}{
		"nothing":                     {old: es{seen("i-1", 0)}, new: es{seen("i-1", 0)}},
		"another day":                 {old: es{seen("i-1", -2)}, new: es{seen("i-1", -1)}},
		"a version":                   {old: es{seen("i-1", 0)}, new: es{seen("i-1", 0, withTLS10)}, want: []string{"changed i-1 versions.TLSv1.0: no → yes"}},
		"a threshold, on its day":     {old: es{seen("i-1", 0)}, new: es{seen("i-1", 1)}, want: []string{"crossed i-1 certificate.not_after: 30 days → 29 days"}},
		"and not on the next":         {old: es{seen("i-1", 1)}, new: es{seen("i-1", 2)}},
		"the least of two thresholds": {old: es{seen("i-1", 0)}, new: es{seen("i-1", 28)}, want: []string{"crossed i-1 certificate.not_after: 30 days → 2 days"}},
		"a certificate": {old: es{seen("i-1", 20)}, new: es{seen("i-1", 29, renewed)}, want: []string{
			"changed i-1 certificate: CN=portal until 2026-12-22 (RSA 2048, aaaaaaaaaaaaaaaa) → CN=portal until 2027-02-20 (RSA 2048, bbbbbbbbbbbbbbbb)"}},
		"silence":                   {old: es{seen("i-1", 0)}, new: es{seen("i-1", 0, silent)}, want: []string{"untold i-1 :  → no answer: connect/timeout"}},
		"silence before":            {old: es{seen("i-1", 0, silent)}, new: es{seen("i-1", 0)}, want: []string{"untold i-1 : no answer: connect/timeout → "}},
		"unsure":                    {old: es{seen("i-1", 0)}, new: es{seen("i-1", 0, unsure)}, want: []string{"untold i-1 :  → versions.TLSv1.0"}},
		"joined and gone":           {old: es{seen("i-1", 0)}, new: es{seen("i-2", 0)}, want: []string{"gone i-1 :  → ", "joined i-2 :  → "}},
		"missing of a run cut off":  {old: es{seen("i-1", 0)}, cut: true, want: []string{"untold i-1 :  → not asked: the run was cut short"}},
		"another address":           {old: es{seen("i-1", 0)}, new: es{seen("i-1", 0, moved)}},
		"another address and facts": {old: es{seen("i-1", 0)}, new: es{seen("i-1", 0, moved, withTLS10)}, want: []string{"changed i-1 versions.TLSv1.0: no → yes"}},
		"one address more":          {old: es{seen("i-1", 0)}, new: es{seen("i-1", 0), seen("i-1", 0, moved)}, want: []string{"joined i-1 :  → "}},
		"drift": {old: fleet(), new: fleet(withTLS10), want: []string{
			"changed i-3 versions.TLSv1.0: no → yes", "drifted i-3 :  → versions.TLSv1.0"}},
		"drift as before":      {old: fleet(withTLS10), new: fleet(withTLS10)},
		"a finding":            {nowFound: fs{found(results.FindingFail)}, want: []string{"opened i-1 p/r:  → fail"}},
		"a finding worse":      {oldFound: fs{found(results.FindingPass)}, nowFound: fs{found(results.FindingWarn)}, want: []string{"opened i-1 p/r: pass → warn"}},
		"a finding as before":  {oldFound: fs{found(results.FindingFail)}, nowFound: fs{found(results.FindingFail)}},
		"a finding mended":     {oldFound: fs{found(results.FindingFail)}, old: es{seen("i-1", 0)}, new: es{seen("i-1", 0)}, want: []string{"closed i-1 p/r: fail → "}},
		"a finding unknown":    {oldFound: fs{found(results.FindingFail)}, nowFound: fs{found(results.FindingUnknown)}, want: []string{"untold i-1 p/r: fail → not determined"}},
		"a finding of silence": {oldFound: fs{found(results.FindingFail)}, old: es{seen("i-1", 0)}, new: es{seen("i-1", 0, silent)}, want: []string{"untold i-1 :  → no answer: connect/timeout", "untold i-1 p/r: fail → not determined"}},
	} {
		t.Run(name, func(t *testing.T) {
			old := &Snapshot{Endpoints: c.old, Findings: c.oldFound, Whole: true, began: dayOf(c.old)}
			now := &Snapshot{Endpoints: c.new, Findings: c.nowFound, Whole: !c.cut, began: dayOf(c.new)}
			var got []string
			for _, ch := range Changes(old, now, []int{30, 14, 3}) {
				got = append(got, fmt.Sprintf("%s %s %s: %s → %s", ch.Kind, ch.Path, ch.Fact, ch.Old, ch.New))
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestCrossedNamesTheLeastThreshold(t *testing.T) {
	old, now := &Snapshot{Endpoints: []*results.Endpoint{seen("i-1", 0)}}, &Snapshot{Endpoints: []*results.Endpoint{seen("i-1", 28)}}
	got := Changes(old, now, []int{3, 30, 14})
	if len(got) != 1 || got[0].Name != "under 3 days left" {
		t.Errorf("%+v", got)
	}
}
