// Mistakes of a file, collected so that its owner can mend them in one go.

package strictyaml

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// maxMistakes are told; a file with more has one cause for most of them.
const maxMistakes = 20

// Mistakes are each FILE:LINE: what is wrong: how to mend it. The first of the
// file are kept, however many there are.
type Mistakes struct {
	File string
	// AsFound leaves those of one line in the order in which they were found;
	// else they are sorted, so that a reader may go through a map.
	AsFound bool
	list    []*mistake
	count   int
}

type mistake struct {
	file   string
	line   int
	format string
	args   []any
	text   string // once it is told
}

func (m *mistake) told() string {
	if m.text == "" {
		m.text = fmt.Sprintf("%s:%d: %s", m.file, m.line, fmt.Sprintf(m.format, m.args...))
	}
	return m.text
}

// Add notes a mistake. It is put into words when it is told, which most of very
// many never are.
func (m *Mistakes) Add(line int, format string, args ...any) {
	m.count++
	m.list = append(m.list, &mistake{file: m.File, line: line, format: format, args: args})
	if len(m.list) >= 10*maxMistakes {
		m.keepFirst()
	}
}

// Count is how many there are so far.
func (m *Mistakes) Count() int { return m.count }

// Err joins the mistakes in the order of the file; nil if there is none.
func (m *Mistakes) Err() error {
	m.keepFirst()
	var errs []error
	for _, one := range m.list {
		errs = append(errs, errors.New(one.told()))
	}
	if more := m.count - len(m.list); more > 0 {
		errs = append(errs, fmt.Errorf("%s: and %d more", m.File, more))
	}
	return errors.Join(errs...)
}

func (m *Mistakes) keepFirst() {
	slices.SortStableFunc(m.list, m.compare)
	clear(m.list[min(len(m.list), maxMistakes):])
	m.list = m.list[:min(len(m.list), maxMistakes)]
}

func (m *Mistakes) compare(a, b *mistake) int {
	if a.line != b.line || m.AsFound {
		return cmp.Compare(a.line, b.line)
	}
	return cmp.Compare(a.told(), b.told())
}
