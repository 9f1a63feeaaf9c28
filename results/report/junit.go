// JUnit XML, for CI systems: a suite for each path, a case for each rule. A
// rule that failed is a failure; what could not be told is an error, so that it
// never looks like a pass; what is waived is skipped.

package report

import (
	"encoding/xml"
	"fmt"
	"io"

	"shakedown/results"
)

type junitSuites struct {
	XMLName  xml.Name      `xml:"testsuites"`
	Name     string        `xml:"name,attr"`
	Tests    int           `xml:"tests,attr"`
	Failures int           `xml:"failures,attr"`
	Errors   int           `xml:"errors,attr"`
	Skipped  int           `xml:"skipped,attr"`
	Suites   []*junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"timestamp,attr,omitempty"`
	Host     string      `xml:"hostname,attr,omitempty"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string      `xml:"name,attr"`
	Class   string      `xml:"classname,attr"`
	Failure *junitWords `xml:"failure"`
	Error   *junitWords `xml:"error"`
	Skipped *junitWords `xml:"skipped"`
	Out     string      `xml:"system-out,omitempty"`
}

type junitWords struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

func writeJUnit(w io.Writer, runs []Run, threshold results.Severity) error {
	root := &junitSuites{Name: "shakedown"}
	for _, group := range alike(outcomesOf(runs, threshold), outcome.where) {
		suite := &junitSuite{Name: clean(group[0].where()), Host: clean(group[0].address)}
		if len(runs) > 0 && !runs[0].Header.StartedAt.IsZero() {
			suite.Time = runs[0].Header.StartedAt.UTC().Format("2006-01-02T15:04:05")
		}
		for _, o := range group {
			suite.add(junitCaseOf(o))
		}
		root.add(suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(root); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitCaseOf(o outcome) junitCase {
	c := junitCase{Name: clean(o.id()), Class: clean(o.where())}
	if o.address != "" {
		c.Name += " at " + clean(o.address)
	}
	words := &junitWords{Message: clean(o.words), Type: clean(string(o.severity)), Text: o.sentence()}
	if o.mend != "" {
		words.Text += "\nTo mend it: " + cleanLines(o.mend)
	}
	switch o.end {
	case failed:
		c.Failure = words
	case undecided:
		words.Type = "unknown"
		c.Error = words
	case waived:
		c.Skipped = &junitWords{Message: fmt.Sprintf("waived until %s: %s", clean(o.until), clean(o.words))}
	case allowed:
		c.Skipped = &junitWords{Message: "unknown, and allowed to be: " + clean(o.words)}
	case inapplicable:
		c.Skipped = &junitWords{Message: "does not apply: " + clean(o.words)}
	case advised:
		c.Out = "below the threshold: " + words.Text
	}
	return c
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func (r *junitSuites) add(s *junitSuite) {
	r.Suites = append(r.Suites, s)
	r.Tests += s.Tests
	r.Failures += s.Failures
	r.Errors += s.Errors
	r.Skipped += s.Skipped
}
