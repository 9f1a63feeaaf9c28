// Mistakes of a file, collected so that its owner can mend them in one go.

package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// maxMistakes are told; a file with more has one cause for most of them.
const maxMistakes = 20

// mistake is FILE:LINE: what is wrong: how to mend it.
type mistake struct {
	file string
	line int
	text string
}

func (m mistake) Error() string { return fmt.Sprintf("%s:%d: %s", m.file, m.line, m.text) }

type mistakes struct {
	file string
	list []mistake
}

func (ms *mistakes) add(line int, format string, args ...any) {
	ms.list = append(ms.list, mistake{ms.file, line, fmt.Sprintf(format, args...)})
}

// err joins the mistakes in the order of the file; nil if there is none.
func (ms *mistakes) err() error {
	slices.SortStableFunc(ms.list, func(a, b mistake) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for _, m := range ms.list[:min(len(ms.list), maxMistakes)] {
		errs = append(errs, m)
	}
	if more := len(ms.list) - maxMistakes; more > 0 {
		errs = append(errs, fmt.Errorf("%s: and %d more", ms.file, more))
	}
	return errors.Join(errs...)
}
