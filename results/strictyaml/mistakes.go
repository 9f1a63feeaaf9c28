// Mistakes of a file, and the words to tell them with.

package strictyaml

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Mistakes are collected, so that a file is mended in one go.
type Mistakes struct {
	File string
	list []mistake
}

type mistake struct {
	line int
	text string
}

const maxMistakes = 10

// Add tells a mistake.
func (m *Mistakes) Add(line int, format string, args ...any) {
	if len(m.list) < maxMistakes {
		m.list = append(m.list, mistake{line, fmt.Sprintf("%s:%d: %s", m.File, line, fmt.Sprintf(format, args...))})
	}
}

// Count is how many were told so far.
func (m *Mistakes) Count() int { return len(m.list) }

// Err is all of them in the order of the file, nil if there is none.
func (m *Mistakes) Err() error {
	if len(m.list) == 0 {
		return nil
	}
	slices.SortFunc(m.list, func(a, b mistake) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.text, b.text)) })
	lines := make([]string, len(m.list))
	for i, one := range m.list {
		lines[i] = one.text
	}
	return errors.New(strings.Join(lines, "\n"))
}

// Suggest names the known word that is nearest, else some of them.
func Suggest(s string, known []string) string {
	s = s[:min(len(s), 100)]
	best, least := "", 4
	for _, k := range known {
		if d := Distance(strings.ToLower(s), strings.ToLower(k)); d < least && d < max(2, len(k)) {
			best, least = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) > 30 {
		return fmt.Sprintf("it can be %s, or %d more", strings.Join(known[:24], ", "), len(known)-24)
	}
	return "it can be " + strings.Join(known, ", ")
}

// Quote shows a text of a file safely.
func Quote(s string) string {
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return strconv.QuoteToASCII(s)
}

// Distance is Levenshtein's.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
