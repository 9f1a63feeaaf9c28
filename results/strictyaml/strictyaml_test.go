package strictyaml

import (
	"strings"
	"testing"
)

func parsed(t *testing.T, text string) *Document {
	t.Helper()
	doc, err := Parse([]byte(text), "f.yaml", Kind{Name: "a list", Begin: "begin with `a:`", Shape: "names"})
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
		strings.Repeat("#", MaxBytes+1):  "longer than 1 MB: not a list",
	} {
		_, err := Parse([]byte(text), "f.yaml", Kind{Name: "a list", Begin: "begin with `a:`", Shape: "names"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
	doc := parsed(t, "aa: 1\na: 1\na: 2\nb: [1]\nc: \"\\e\"\n")
	fields := doc.Fields(doc.Root, "the file", "a", "b", "c")
	doc.Text(fields["b"].Value, "b")
	doc.Text(fields["c"].Value, "c")
	want := "f.yaml:1: unknown key \"aa\" in the file: did you mean \"a\"?\nf.yaml:3: the file has \"a\" twice: keep one\nf.yaml:4: b must be text"
	if err := doc.Err(); err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), `f.yaml:5: c "\x1b" is empty`) {
		t.Errorf("%v", doc.Err())
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a: one\nb: [2, {c: d}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := Parse([]byte(text), "f", Kind{Name: "a list"})
		if err != nil {
			return
		}
		doc.Fields(doc.Root, "the file")
		doc.Text(doc.Root, "it")
		doc.Err()
	})
}
