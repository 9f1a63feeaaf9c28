// The published schemas are what the Go types say, and accept what is written.

package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/invopop/jsonschema"

	"shakedown/results"
	"shakedown/results/schema/schematest"
)

var update = flag.Bool("update", false, "rewrite schema.json from the Go types")

func TestSchemaIsCurrent(t *testing.T) {
	made := makeSchema(t)
	if *update {
		if err := os.WriteFile("schema.json", made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	published, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(published, made) {
		t.Error("schema.json is not what the Go types say: go test ./results/schema -update")
	}
}

// makeSchema has one alternative for each record type, told apart by its
// "record" key, and one for an inventory. A record may hold more than the
// schema says: the format grows.
func makeSchema(t *testing.T) []byte {
	t.Helper()
	all := &jsonschema.Schema{
		Version: jsonschema.Version, Title: "A record or an inventory of shakedown, schema " + results.Schema,
		Description: "A record is one line of a run (JSON Lines). A run is a header, records, and a trailer; without its trailer it is partial.",
		Definitions: jsonschema.Definitions{},
	}
	r := reflector(t)
	for _, record := range results.Types() {
		maps.Copy(all.Definitions, r.Reflect(record).Definitions)
		properties := jsonschema.NewProperties()
		properties.Set("record", &jsonschema.Schema{Const: record.Type()})
		all.OneOf = append(all.OneOf, &jsonschema.Schema{
			Ref: "#/$defs/" + reflect.TypeOf(record).Elem().Name(), Properties: properties, Required: []string{"record"},
		})
	}
	inventory := new(jsonschema.Schema)
	if err := json.Unmarshal([]byte(Inventory), inventory); err != nil {
		t.Fatal(err)
	}
	maps.Copy(all.Definitions, inventory.Definitions)
	inventory.Version, inventory.Definitions, all.Definitions["Inventory"] = "", nil, inventory
	all.OneOf = append(all.OneOf, &jsonschema.Schema{Ref: "#/$defs/Inventory"})
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// reflector takes descriptions from the comments of package results, and the
// words of its enumerations from its constants.
func reflector(t *testing.T) *jsonschema.Reflector {
	t.Helper()
	words := constants(t, "..")
	r := &jsonschema.Reflector{Anonymous: true, AllowAdditionalProperties: true}
	if err := r.AddGoComments("shakedown/results/schema", "..", jsonschema.WithFullComment()); err != nil {
		t.Fatal(err)
	}
	r.Mapper = func(of reflect.Type) *jsonschema.Schema {
		if of.Kind() != reflect.String || of.Name() == "string" {
			return nil
		}
		return &jsonschema.Schema{Type: "string", Enum: words[of.Name()]}
	}
	return r
}

// constants lists the values of the typed string constants of a folder's
// package, by type.
func constants(t *testing.T, folder string) map[string][]any {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no Go files in %s: %v", folder, err)
	}
	words := map[string][]any{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			of, named := spec.Type.(*ast.Ident)
			value, literal := spec.Values[0].(*ast.BasicLit)
			if named && literal {
				word, err := strconv.Unquote(value.Value)
				if err != nil {
					t.Fatal(err)
				}
				words[of.Name] = append(words[of.Name], word)
			}
			return true
		})
	}
	return words
}

// TestRecordedRunIsValid holds the recorded run that has every record; what
// verbs write is held by their own tests.
func TestRecordedRunIsValid(t *testing.T) {
	run, err := os.Open("../testdata/shakedown-1.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	if err := schematest.Lines(compile(t, All), run); err != nil {
		t.Error(err)
	}
}

func TestSchemaRefuses(t *testing.T) {
	records := compile(t, All)
	for name, line := range map[string]string{
		"no type":           `{"exit_code":0}`,
		"a trailer cut":     `{"record":"trailer","records":1}`,
		"a word of no kind": `{"record":"block","trial":"a","index":0,"started_at":"2026-01-01T00:00:00Z","seed":1,"handshakes":"many","phases":{}}`,
		"a maybe": `{"record":"endpoint","service":"s","path":"p","target":"t","address":"a","status":"complete","connections":1,` +
			`"elapsed_ms":1,"failures":[],"undetermined":{},"versions":{"TLSv1.2":"maybe"}}`,
	} {
		if records([]byte(line)) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestInventorySchema(t *testing.T) {
	alone, all := compile(t, Inventory), compile(t, All)
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"the least":          {"version: 1\nservices: [{name: a, paths: [{name: b, address: \"c:443\"}]}]", true},
		"all that there is":  {"version: 1\nservices: [{name: a, server_name: n, roots: [r.pem], profiles: [p], load: allowed, proxy_protocol: v1, paths: [{name: b, kind: instance, address: \"c:443\", targets: [d], server_name: \"\", roots: [], profiles: [], load: allowed, proxy_protocol: none}]}]", true},
		"an unknown key":     {"version: 1\nservices: [{name: a, paths: [{name: b, address: \"c:443\", adress: x}]}]", false},
		"an unknown kind":    {"version: 1\nservices: [{name: a, paths: [{name: b, address: \"c:443\", kind: proxy}]}]", false},
		"a path of no place": {"version: 1\nservices: [{name: a, paths: [{name: b}]}]", false},
		"another version":    {"version: 2\nservices: [{name: a, paths: [{name: b, address: \"c:443\"}]}]", false},
	} {
		text, err := yaml.YAMLToJSON([]byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		for _, check := range []func([]byte) error{alone, all} {
			if err := check(text); (err == nil) != c.good {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func compile(t *testing.T, text string) func([]byte) error {
	t.Helper()
	check, err := schematest.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	return check
}
