// Tables and paragraphs for a terminal: aligned by what a terminal shows, and
// never wider than it.

package report

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// style is how a piece of text stands out, where there are colours.
type style string

const (
	plainStyle style = ""
	boldStyle  style = "1"
	dimStyle   style = "2"
	badStyle   style = "31"
	warnStyle  style = "33"
	goodStyle  style = "32"
	headStyle  style = "1;36"
)

func (l level) style() style { return []style{plainStyle, plainStyle, warnStyle, badStyle}[l] }

func (l level) mark() string { return []string{" ", " ", "!", "✗"}[l] }

// piece is text in one style; a cell of a table is some of them.
type piece struct {
	text  string
	style style
}

func text(s string) []piece                { return []piece{{s, plainStyle}} }
func styled(s string, style style) []piece { return []piece{{s, style}} }
func shown(c cell) []piece                 { return markOf(c, 0) }

// markOf shows a cell as a mark if it is an answer, padded to a width.
func markOf(c cell, width int) []piece {
	p := piece{c.Text, c.level.style()}
	switch c.Text {
	case "yes":
		p = piece{"✓", plainStyle}
	case "no":
		p = piece{"·", dimStyle}
	case "unknown":
		p = piece{"?", warnStyle}
	}
	p.text += strings.Repeat(" ", max(0, width-cellWidth(p.text)))
	return []piece{p}
}

// cellWidth is how many columns a terminal needs for s, whatever its locale.
func cellWidth(s string) int {
	c := runewidth.Condition{StrictEmojiNeutral: true}
	return c.StringWidth(s)
}

func truncate(s string, width int) string {
	c := runewidth.Condition{StrictEmojiNeutral: true}
	return c.Truncate(s, width, "…")
}

func widthOf(cell []piece) int {
	n := 0
	for _, p := range cell {
		n += cellWidth(p.text)
	}
	return n
}

// shorten cuts a cell to a width.
func shorten(cell []piece, width int) []piece {
	if widthOf(cell) <= width {
		return cell
	}
	var out []piece
	for _, p := range cell {
		if w := cellWidth(p.text); w < width {
			out, width = append(out, p), width-w
			continue
		}
		p.text = truncate(p.text+"…", width)
		return append(out, p)
	}
	return out
}

// column is one column of a table.
type column struct {
	head  string
	right bool
	min   int // may be shortened to this; 0: never, except to save the table
	part  int // the table it moves to where one is too narrow; 0: stands in all
}

// table is rows under columns.
type table struct {
	columns []column
	rows    [][][]piece
}

func (t *table) add(cells ...[]piece) { t.rows = append(t.rows, cells) }

const gap = 2

// fitted gives the table as one or more that fit a width: as it is, with
// columns shortened, or else in its parts, each below the other.
func (t *table) fitted(width int) []*table {
	t = t.filled()
	if widths, ok := t.widths(width); ok {
		return []*table{t.cut(widths)}
	}
	var out []*table
	for _, part := range t.parts() {
		out = append(out, t.only(part).halved(width)...)
	}
	return out
}

// halved splits the table's columns until each piece fits, each under the
// columns that name its rows; what cannot be split is squeezed.
func (t *table) halved(width int) []*table {
	if widths, ok := t.widths(width); ok {
		return []*table{t.cut(widths)}
	}
	keys := t.keys()
	if len(t.columns)-len(keys) < 2 {
		return []*table{t.squeezed(width)}
	}
	half := len(keys) + (len(t.columns)-len(keys)+1)/2
	left := t.pick(func(i int) bool { return i < half })
	right := t.pick(func(i int) bool { return i >= half || slices.Contains(keys, i) })
	return append(left.halved(width), right.halved(width)...)
}

// keys are the columns that name the rows: those of every part, or the first.
func (t *table) keys() []int {
	if !slices.ContainsFunc(t.columns, func(c column) bool { return c.part > 0 }) {
		return []int{0}
	}
	return slices.DeleteFunc(indexes(len(t.columns)), func(i int) bool { return t.columns[i].part > 0 })
}

// filled is the table without columns that say nothing.
func (t *table) filled() *table {
	return t.pick(func(i int) bool {
		return slices.ContainsFunc(t.rows, func(row [][]piece) bool { return strings.TrimSpace(plainText(row[i])) != "" })
	})
}

func plainText(cell []piece) string {
	s := ""
	for _, p := range cell {
		s += p.text
	}
	return s
}

// parts lists the numbers of the table's parts.
func (t *table) parts() []int {
	var parts []int
	for _, c := range t.columns {
		if c.part > 0 && !slices.Contains(parts, c.part) {
			parts = append(parts, c.part)
		}
	}
	if parts == nil {
		parts = []int{0}
	}
	return parts
}

// only is the table with the columns of one part.
func (t *table) only(part int) *table {
	return t.pick(func(i int) bool { return t.columns[i].part == 0 || t.columns[i].part == part })
}

func (t *table) pick(keep func(int) bool) *table {
	kept := slices.DeleteFunc(indexes(len(t.columns)), func(i int) bool { return !keep(i) })
	sub := &table{}
	for _, k := range kept {
		sub.columns = append(sub.columns, t.columns[k])
	}
	for _, row := range t.rows {
		cells := make([][]piece, len(kept))
		for i, k := range kept {
			cells[i] = row[k]
		}
		sub.rows = append(sub.rows, cells)
	}
	return sub
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// natural is the width that each column needs.
func (t *table) natural() []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = cellWidth(c.head)
		for _, row := range t.rows {
			widths[i] = max(widths[i], widthOf(row[i]))
		}
	}
	return widths
}

// widths fits the columns into a width, shortening those that may be; false if
// that is not enough.
func (t *table) widths(width int) ([]int, bool) {
	widths := t.natural()
	over := total(widths) - width
	for over > 0 {
		widest := -1
		for i, c := range t.columns {
			floor := max(c.min, cellWidth(c.head))
			if c.min > 0 && widths[i] > floor && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return nil, false
		}
		widths[widest]--
		over--
	}
	return widths, true
}

func (t *table) fits(width int) bool {
	_, ok := t.widths(width)
	return ok
}

// squeezed shortens whatever is widest: the last resort of a narrow terminal.
func (t *table) squeezed(width int) *table {
	widths := t.natural()
	for total(widths) > width {
		widest := 0
		for i := range widths {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= 3 {
			break
		}
		widths[widest]--
	}
	return t.cut(widths)
}

func total(widths []int) int {
	sum := gap * (len(widths) - 1)
	for _, w := range widths {
		sum += w
	}
	return sum
}

// cut is the table with its cells shortened to widths.
func (t *table) cut(widths []int) *table {
	out := &table{columns: slices.Clone(t.columns)}
	for i := range out.columns {
		out.columns[i].head = shorten(text(out.columns[i].head), widths[i])[0].text
	}
	for _, row := range t.rows {
		cells := make([][]piece, len(row))
		for i, cell := range row {
			cells[i] = shorten(cell, widths[i])
		}
		out.rows = append(out.rows, cells)
	}
	return out
}

// lines lays the table out, its heads first.
func (t *table) lines() [][]piece {
	widths := t.natural()
	heads := make([][]piece, len(t.columns))
	for i, c := range t.columns {
		heads[i] = styled(c.head, dimStyle)
	}
	lines := [][]piece{t.line(heads, widths)}
	for _, row := range t.rows {
		lines = append(lines, t.line(row, widths))
	}
	return lines
}

func (t *table) line(cells [][]piece, widths []int) []piece {
	var line []piece
	for i, cell := range cells {
		pad := piece{strings.Repeat(" ", widths[i]-widthOf(cell)), plainStyle}
		if t.columns[i].right {
			line = append(append(line, pad), cell...)
		} else {
			line = append(append(line, cell...), pad)
		}
		line = append(line, piece{strings.Repeat(" ", gap), plainStyle})
	}
	return line
}

// wrap breaks a text into lines of at most width columns; a word that is
// longer is broken.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		for cellWidth(word) > width {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := truncateBare(word, width)
			lines, word = append(lines, head), word[len(head):]
		}
		switch {
		case line == "":
			line = word
		case cellWidth(line)+1+cellWidth(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

// truncateBare is the longest beginning of s that fits, at least one rune.
func truncateBare(s string, width int) string {
	end := 0
	for i, r := range s {
		next := i + utf8.RuneLen(r)
		if end > 0 && cellWidth(s[:next]) > width {
			break
		}
		end = next
	}
	return s[:end]
}
