package profiles

import (
	"slices"
	"testing"

	"shakedown/results"
)

// TestFiles: of a chain alone every rule that is kept can be judged, and what is
// left out is counted.
func TestFiles(t *testing.T) {
	chain := sound(t).Chains[0]
	for _, name := range Builtin().Names() {
		p, err := Builtin().Find(name)
		if err != nil {
			t.Fatal(err)
		}
		part, left := p.OfFiles(true)
		if len(part.Rules)+left != len(p.Rules) || left == 0 {
			t.Errorf("%s: %d rules and %d, of %d", name, len(part.Rules), left, len(p.Rules))
		}
		for _, f := range Judge(Served(results.ChainFile{File: "chain.pem", Chain: chain}), part, at) {
			if f.Status == results.FindingUnknown || f.Service != "chain.pem" {
				t.Errorf("%s %s of %q: %s, %s", name, f.Rule, f.Service, f.Status, f.Observed)
			}
		}
	}
}

// TestFilesWithoutName: which name is meant was not said, so none is judged.
func TestFilesWithoutName(t *testing.T) {
	p, _ := Builtin().Find("pci-dss-4")
	hasName := func(p *Profile) bool {
		return slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.ID == "hostname" })
	}
	named, _ := p.OfFiles(true)
	nameless, _ := p.OfFiles(false)
	if !hasName(named) || hasName(nameless) || len(named.Rules) != len(nameless.Rules)+1 {
		t.Errorf("with a name %d rules, without %d", len(named.Rules), len(nameless.Rules))
	}
}
