package strictyaml

import (
	"strings"
	"testing"
)

func parsed(t *testing.T, text string) *Document {
	t.Helper()
	doc, err := Read(strings.NewReader(text), "f.yaml", Kind{Name: "a list", Begin: "begin with `a:`", Shape: "names"})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestValuesHaveTheirLine(t *testing.T) {
	doc := parsed(t, "a: one\nb:\n  - 2\n  - \"three\"\n")
	fields := doc.Fields(doc.Root, "the file", "a", "b")
	if got := doc.Text(fields["a"].Value, "a"); got != "one" || fields["a"].Line != 1 || fields["b"].Line != 2 {
		t.Errorf("%q, %+v", got, fields)
	}
	items := doc.Items(fields["b"], "b")
	if len(items) != 2 || LineOf(items[1]) != 4 || doc.Text(items[0], "b") != "2" || doc.Text(items[1], "b") != "three" || doc.Err() != nil {
		t.Errorf("%v, %v", items, doc.Err())
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "f.yaml:1: the file is empty: begin with `a:`",
		"a: &x 1\n":                      "anchors",
		"a: !!str 1\n":                   "tags",
		"a: 1\n\tb: 2\n":                 "f.yaml:2: indented by a tab",
		"a: 1\n---\na: 2\n":              "f.yaml:2: a second document: a list is one",
		"a: \xff\n":                      "not UTF-8",
		"a: [" + strings.Repeat("[", 99): "nested too deeply: a list is names",
		"a: [1\n":                        "not YAML",
		strings.Repeat("#", 1<<20+1):     "larger than 1 MB: split it, or check that it is a list",
	} {
		_, err := Read(strings.NewReader(text), "f.yaml", Kind{Name: "a list", Begin: "begin with `a:`", Shape: "names"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
	doc := parsed(t, "aa: 1\na: 1\na: 2\nb: [1]\nc: \"\\e\"\n")
	fields := doc.Fields(doc.Root, "the file", "a", "b", "c")
	doc.Text(fields["b"].Value, "b")
	doc.Text(fields["c"].Value, "c")
	want := "f.yaml:1: unknown key \"aa\" in the file: did you mean \"a\"?\nf.yaml:3: the file has \"a\" twice, first in line 2: keep one\nf.yaml:4: b must be text"
	if err := doc.Err(); err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), `f.yaml:5: c "\x1b" holds a control character`) {
		t.Errorf("%v", doc.Err())
	}
}

// TestLimits: each kind of file has its own, a short one without aliases where
// nothing is said.
func TestLimits(t *testing.T) {
	deep := strings.Repeat("[", 20) + strings.Repeat("]", 20)
	wide := "a:\n" + strings.Repeat(" ", 200) + "b\n"
	aliased := "a: &x [1, 2]\nb: *x\n"
	for text, want := range map[string]string{
		deep:    "f.yaml:1: nested too deeply",
		wide:    "f.yaml:2: indented by more than 128 spaces: a list is not that deep",
		aliased: `f.yaml:1: "&": anchors and aliases are not read in a list`,
	} {
		if _, err := Read(strings.NewReader(text), "f.yaml", Kind{Name: "a list"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
		large := Kind{Name: "an inventory", Limits: Limits{Depth: 32, Indent: 256, Values: 100}}
		if _, err := Read(strings.NewReader(text), "f.yaml", large); err != nil {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

// TestAliases: they stand for their value, as often as its file's limit allows.
func TestAliases(t *testing.T) {
	doc, err := Read(strings.NewReader("- &x word\n- *x\n- *y\n- &x again\n"), "f.yaml", Kind{Limits: Limits{Values: 5}})
	if err != nil {
		t.Fatal(err)
	}
	nodes, ok := doc.List(doc.Root, "it", "")
	if !ok || len(nodes) != 4 {
		t.Fatalf("%v", nodes)
	}
	if got := doc.Text(nodes[0], "it") + " " + doc.Text(nodes[1], "it"); got != "word word" || doc.TooMany() {
		t.Errorf("%q, too many: %v", got, doc.TooMany())
	}
	for range 3 {
		doc.Scalar(nodes[2], "it")
		doc.TooMany()
	}
	if !doc.TooMany() || strings.Count(doc.Err().Error(), "more than 5 values") != 1 {
		t.Errorf("%v", doc.Err())
	}
	for _, want := range []string{`f.yaml:3: alias "y" has no anchor`, `f.yaml:4: anchor "x" is defined twice`} {
		if !strings.Contains(doc.Err().Error(), want) {
			t.Errorf("%v, want %s", doc.Err(), want)
		}
	}
}

// TestManyMistakes: the first of the file are told, in whatever order they were
// found, and the rest is counted.
func TestManyMistakes(t *testing.T) {
	for asFound, first := range map[bool]string{true: "f:1: two", false: "f:1: one"} {
		m := Mistakes{File: "f", AsFound: asFound}
		for line := 1000; line > 0; line-- {
			m.Add(line, "two")
			m.Add(line, "one")
		}
		lines := strings.Split(m.Err().Error(), "\n")
		if len(lines) != maxMistakes+1 || lines[0] != first || !strings.HasPrefix(lines[19], "f:10: ") || lines[20] != "f: and 1980 more" || m.Count() != 2000 {
			t.Errorf("%d: %q", m.Count(), lines)
		}
	}
}

func TestSuggest(t *testing.T) {
	many := strings.Fields(strings.Repeat("eleven ", 40))
	for _, c := range []struct {
		s     string
		known []string
		want  string
	}{
		{"pths", []string{"pass", "paths"}, `did you mean "paths"?`}, // the nearest, not the first
		{"ROOTS", []string{"root", "roots"}, `did you mean "roots"?`},
		{"nlb", []string{"alb", "i-1"}, `did you mean "alb"?`},
		{"xyz", []string{"alb", "i-1"}, "it can be alb, i-1"},
		{strings.Repeat("a", 300), []string{strings.Repeat("a", 299)}, "it can be a"},
		{"x", many, "eleven, or 16 more"},
	} {
		if got := Suggest(c.s, c.known).String(); !strings.Contains(got, c.want) {
			t.Errorf("%.20s: %s, want %s", c.s, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a: one\nb: [2, {c: d}]\n")
	f.Add("a: &x [one]\nb: *x\nc: *c\nd: |\n  lines\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []Kind{{Name: "a list"}, {Name: "an inventory", Limits: Limits{Depth: 32, Values: 1000}}} {
			doc, err := Read(strings.NewReader(text), "f", kind)
			if err != nil {
				continue
			}
			for _, field := range doc.Fields(doc.Root, "the file") {
				doc.Items(field, "it")
				doc.Scalar(field.Value, "it")
				if s := doc.Text(field.Value, "it"); !Printable(s) || s == "" && doc.Count() == 0 {
					t.Errorf("read %q without a mistake", s)
				}
			}
			if (doc.Err() == nil) != (doc.Count() == 0) {
				t.Errorf("%d mistakes: %v", doc.Count(), doc.Err())
			}
		}
	})
}
