// Package schematest holds what tests write against the published schemas. It
// is for tests alone, so that the program carries no validator.
package schematest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Compile reads a JSON Schema. The function that it returns says how a JSON
// text breaks it, nil if it does not.
func Compile(schema string) (check func(text []byte) error, err error) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("the schema is not JSON: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", document); err != nil {
		return nil, err
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		return nil, err
	}
	return func(text []byte) error {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			return err
		}
		return compiled.Validate(value)
	}, nil
}

// Lines checks each line of a run. A last line that was cut off is no record.
func Lines(check func([]byte) error, run io.Reader) error {
	text, err := io.ReadAll(run)
	if err != nil {
		return err
	}
	var broken []error
	lines := bytes.Split(text, []byte("\n"))
	for i, line := range lines[:len(lines)-1] {
		if err := check(line); err != nil {
			broken = append(broken, fmt.Errorf("line %d: %w", i+1, err))
		}
	}
	return errors.Join(broken...)
}
