// The accepted baseline as a file that people review: facts alone, without what
// changes from run to run, one a line, sorted. What a release changes is the
// file's diff.

package gate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"shakedown/results"
)

const (
	baselineSchema = "shakedown-baseline/1"
	maxBaseline    = 256 << 20
	maxLine        = 100
)

// accepted is the file.
type accepted struct {
	Schema string              `json:"schema"`
	Paths  []*results.Endpoint `json:"paths"`
}

// IsBaseline says whether a file that begins so is an accepted baseline, and no
// run's records.
func IsBaseline(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(head), []byte("{\n")) || bytes.Contains(head[:min(len(head), 200)], []byte(baselineSchema))
}

// Unacceptable says why endpoints make no baseline, "" if they do: a path that
// nothing is known of would let everything pass.
func Unacceptable(es []*results.Endpoint) string {
	for _, e := range es {
		if e.Status == results.Failed {
			return fmt.Sprintf("%s/%s did not answer", e.Service, e.Path)
		}
	}
	if len(es) == 0 {
		return "there is no endpoint"
	}
	return ""
}

// WriteBaseline writes the facts of endpoints.
func WriteBaseline(w io.Writer, es []*results.Endpoint) error {
	var paths []any
	seen := map[string]bool{}
	sorted := slices.Clone(es)
	slices.SortStableFunc(sorted, func(a, b *results.Endpoint) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Path, b.Path))
	})
	for _, e := range sorted {
		facts, text, err := factsOf(e)
		if err != nil {
			return fmt.Errorf("writing the facts of %s/%s: %w", e.Service, e.Path, err)
		}
		if !seen[text] { // addresses of one name that serve alike
			seen[text] = true
			paths = append(paths, facts)
		}
	}
	var b bytes.Buffer
	lay(&b, map[string]any{"schema": baselineSchema, "paths": paths}, "", false)
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}

// factsOf is what of an endpoint stays the same while nobody changes anything.
func factsOf(e *results.Endpoint) (facts map[string]any, text string, err error) {
	kept := *e
	kept.Suites, kept.Groups, kept.SignatureSchemes = settledSuites(e), settledNames(e.Groups, e.GroupPreference), settledNames(e.SignatureSchemes, nil)
	line, err := json.Marshal(&kept)
	if err != nil {
		return nil, "", err
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&facts); err != nil {
		return nil, "", err
	}
	for _, volatile := range []string{"address", "target", "started_at", "status", "connections", "elapsed_ms", "failures", "path_facts"} {
		delete(facts, volatile)
	}
	if none, ok := facts["undetermined"].(map[string]any); ok && len(none) == 0 {
		delete(facts, "undetermined")
	}
	for _, chain := range items(facts["chains"]) {
		for _, cert := range items(chain["certificates"]) {
			maps.DeleteFunc(cert, func(key string, _ any) bool {
				return !slices.Contains([]string{"subject", "issuer", "key_type", "key_bits"}, key)
			})
		}
	}
	out, err := json.Marshal(facts)
	return facts, string(out), err
}

// items are the objects of a list.
func items(list any) []map[string]any {
	var all []map[string]any
	values, _ := list.([]any)
	for _, v := range values {
		if object, ok := v.(map[string]any); ok {
			all = append(all, object)
		}
	}
	return all
}

// settledSuites sorts suites where the server has no order of its own.
func settledSuites(e *results.Endpoint) map[results.Version][]results.Suite {
	out := maps.Clone(e.Suites)
	for v, list := range out {
		if e.Preference[v] != results.PreferenceServer {
			out[v] = slices.SortedFunc(slices.Values(list), func(a, b results.Suite) int { return cmp.Compare(a.ID, b.ID) })
		}
	}
	return out
}

func settledNames(lists map[results.Version][]results.Named, preference map[results.Version]results.Preference) map[results.Version][]results.Named {
	out := maps.Clone(lists)
	for v, list := range out {
		if preference[v] != results.PreferenceServer {
			out[v] = slices.SortedFunc(slices.Values(list), func(a, b results.Named) int { return cmp.Compare(a.ID, b.ID) })
		}
	}
	return out
}

// lay writes a value so that a line holds one fact: an object of plain values
// inside a list (a suite, a certificate) stands on one line, as does a short list
// of plain values.
func lay(b *bytes.Buffer, v any, indent string, listed bool) {
	compact, err := plain(v)
	if err == nil && (listed || len(compact) <= maxLine && !isObject(v)) {
		b.WriteString(compact)
		return
	}
	inner := indent + "  "
	switch v := v.(type) {
	case map[string]any:
		b.WriteString("{")
		for i, key := range namesFirst(v) {
			next(b, i, inner)
			b.WriteString(quoted(key) + ": ")
			lay(b, v[key], inner, false)
		}
		b.WriteString("\n" + indent + "}")
	case []any:
		b.WriteString("[")
		for i, item := range v {
			next(b, i, inner)
			lay(b, item, inner, true)
		}
		b.WriteString("\n" + indent + "]")
	default:
		b.WriteString(quoted(v))
	}
}

// namesFirst sorts keys so that a path's facts stand below its name.
func namesFirst(v map[string]any) []string {
	first := []string{"path", "service"}
	return slices.SortedFunc(maps.Keys(v), func(a, b string) int {
		return cmp.Or(cmp.Compare(slices.Index(first, b), slices.Index(first, a)), cmp.Compare(a, b))
	})
}

func next(b *bytes.Buffer, i int, indent string) {
	if i > 0 {
		b.WriteByte(',')
	}
	b.WriteString("\n" + indent)
}

func isObject(v any) bool {
	m, ok := v.(map[string]any)
	return ok && len(m) > 0
}

// plain is a value on one line, an error if it holds objects or lists with
// something in them.
func plain(v any) (string, error) {
	nested := func(v any) bool {
		switch v := v.(type) {
		case map[string]any:
			return len(v) > 0
		case []any:
			return len(v) > 0
		}
		return false
	}
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			if nested(inner) {
				return "", errors.New("nested")
			}
		}
	case []any:
		if slices.ContainsFunc(v, nested) {
			return "", errors.New("nested")
		}
	}
	return quoted(v), nil
}

// quoted is a value as JSON, without HTML's escapes. What does not print is
// escaped: a name of a certificate must not turn the diff that people review.
func quoted(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "null"
	}
	var out strings.Builder
	for _, r := range string(bytes.TrimSpace(b.Bytes())) {
		if unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, "\\u%04x", unit)
		}
	}
	return out.String()
}

// offsetOf is where decoding failed.
func offsetOf(err error, d *json.Decoder) int64 {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return syntax.Offset
	case errors.As(err, &kind):
		return kind.Offset
	}
	return d.InputOffset()
}

// ReadBaseline reads what WriteBaseline wrote; name stands before the line in
// errors.
func ReadBaseline(r io.Reader, name string) ([]*results.Endpoint, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxBaseline+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", name, err)
	case len(text) > maxBaseline:
		return nil, fmt.Errorf("reading %s: larger than %d MB: not a baseline", name, maxBaseline>>20)
	}
	var file accepted
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s:%d: not an accepted baseline: %w", name, 1+bytes.Count(text[:min(int(offsetOf(err, d)), len(text))], []byte("\n")), err)
	}
	if file.Schema != baselineSchema {
		return nil, fmt.Errorf("%s:1: schema %q is not known here; this version reads %q: accept it anew", name, file.Schema, baselineSchema)
	}
	for i, e := range file.Paths {
		if e == nil || e.Service == "" || e.Path == "" || len(e.Versions) == 0 {
			return nil, fmt.Errorf("%s: path %d names no service and path, or no versions: accept it anew", name, i+1)
		}
	}
	return file.Paths, nil
}
