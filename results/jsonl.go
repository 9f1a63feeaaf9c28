// The JSON Lines codec: one record a line, each with its type under "record".

package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
)

// maxLine bounds a line that is read. A record holds a few chains of at most
// some hundred kB each.
const maxLine = 64 << 20

// usualLine is what most records need.
const usualLine = 8 << 10

// Encoder writes records as JSON Lines. Each record is one Write, so what was
// put is on its way to disk before Put returns.
type Encoder struct {
	w   io.Writer
	off int64 // bytes of whole records written
}

var _ Sink = (*Encoder)(nil)

// NewEncoder returns an Encoder that writes to w.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{w: w} }

// Put writes one record. If it cannot be written whole and w is a file, the
// file is cut back to its last whole record, so that it stays readable.
func (e *Encoder) Put(r Record) error {
	line, err := Marshal(r)
	if err != nil {
		return err
	}
	n, err := e.w.Write(append(line, '\n'))
	if err != nil {
		if f, ok := e.w.(interface{ Truncate(int64) error }); ok && n > 0 {
			err = errors.Join(err, f.Truncate(e.off))
		}
		return err
	}
	e.off += int64(n)
	return nil
}

// Marshal returns a record as one JSON object without a line end, its type
// first.
func Marshal(r Record) ([]byte, error) {
	if o, ok := r.(*Other); ok {
		return bytes.Clone(o.JSON), nil
	}
	if e, ok := r.(*Endpoint); ok && e.Failures == nil {
		none := *e
		none.Failures = []Failure{} // none is a fact, which [] says
		r = &none
	}
	var b bytes.Buffer
	b.Grow(usualLine)
	fmt.Fprintf(&b, `{"record":%q`, r.Type())
	head := b.Len()
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, fmt.Errorf("encoding %s record: %w", r.Type(), err)
	}
	// The record's own object follows the type: its brace becomes a comma.
	line := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	line[head] = ','
	if line[head+1] == '}' {
		line = append(line[:head], '}')
	}
	return visible(line), nil
}

// visible escapes what is not ASCII and would act on a terminal or hide or turn
// text there: control and format characters (Unicode's Cc and Cf). To a reader
// of JSON it says the same; what is not ASCII stands in strings alone.
func visible(line []byte) []byte {
	if isPlain(line) { // as nearly always
		return line
	}
	acts := func(r rune) bool { return r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf) }
	var b bytes.Buffer
	for _, r := range string(line) {
		switch {
		case !acts(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

func isPlain(line []byte) bool {
	for _, b := range line {
		if b >= 0x7f {
			return false
		}
	}
	return true
}

// Decoder reads a run back.
type Decoder struct {
	r       *bufio.Reader
	line    int
	text    []byte // of the last record
	header  *Header
	trailer *Trailer
	records int
}

// NewDecoder reads the header. A stream that does not begin with a header of
// this schema is refused.
func NewDecoder(r io.Reader) (*Decoder, error) {
	d := &Decoder{r: bufio.NewReader(r)}
	rec, err := d.read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("no records: the input is empty")
	}
	if err != nil {
		return nil, err
	}
	h, ok := rec.(*Header)
	if !ok {
		return nil, fmt.Errorf("line 1: not a run of shakedown: the first record is %q, not \"header\"", rec.Type())
	}
	if h.Schema != Schema {
		return nil, fmt.Errorf("line 1: schema %q is not known here; this version reads %q: use the version of shakedown that wrote it (%s)",
			h.Schema, Schema, h.ToolVersion)
	}
	d.header = h
	return d, nil
}

// Header is the run's header.
func (d *Decoder) Header() *Header { return d.header }

// Trailer is the run's trailer once Next has returned io.EOF; nil if the
// stream is partial: what Next returned before is good all the same.
func (d *Decoder) Trailer() *Trailer { return d.trailer }

// Line is the last record that was read, as it was written; valid until the
// next is read. At the end of a whole run it is the trailer.
func (d *Decoder) Line() []byte { return d.text }

// Next returns the next record between header and trailer, io.EOF after the
// last. A last line that was cut off in the middle ends a partial stream; a
// line that is whole but not a record is an error that names it.
func (d *Decoder) Next() (Record, error) {
	if d.trailer != nil {
		return nil, io.EOF
	}
	rec, err := d.read()
	if err != nil {
		return nil, err
	}
	switch r := rec.(type) {
	case *Header:
		return nil, fmt.Errorf("line %d: a second header: read one run at a time", d.line)
	case *Trailer:
		d.trailer = r
		if r.Records != d.records {
			return nil, fmt.Errorf("line %d: the trailer counts %d records, the stream has %d: lines were lost or added", d.line, r.Records, d.records)
		}
		return nil, d.end()
	}
	d.records++
	return rec, nil
}

// end is io.EOF where nothing follows the trailer. Two runs in one file would
// otherwise be read as the first alone.
func (d *Decoder) end() error {
	for {
		line, err := d.readLine()
		if len(bytes.TrimSpace(line)) > 0 {
			return fmt.Errorf("line %d: there is more after the trailer: keep each run in a file of its own", d.line)
		}
		if err != nil {
			return err
		}
	}
}

func (d *Decoder) read() (Record, error) {
	line, err := d.readLine()
	if err != nil && (err != io.EOF || len(line) == 0) {
		return nil, err
	}
	cut := err == io.EOF // the last line has no end: whole, or cut off in the middle
	rec, err := Unmarshal(line)
	if err != nil {
		if cut {
			return nil, io.EOF
		}
		if d.header == nil {
			return nil, fmt.Errorf("line %d: not a run of shakedown, which --format json writes: %w", d.line, err)
		}
		return nil, fmt.Errorf("line %d: %w", d.line, err)
	}
	d.text = line
	return rec, nil
}

// readLine returns the next line without its end; a last line that has no end
// comes with io.EOF.
func (d *Decoder) readLine() ([]byte, error) {
	d.line++
	var line []byte
	for {
		part, err := d.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return bytes.TrimSpace(line), nil
		case errors.Is(err, bufio.ErrBufferFull):
			if len(line) > maxLine {
				return nil, fmt.Errorf("line %d: longer than %d MB: not a record", d.line, maxLine>>20)
			}
		default:
			return line, err
		}
	}
}

// Unmarshal reads one record. A type that is not known becomes an *Other.
func Unmarshal(line []byte) (Record, error) {
	var head struct {
		Record string `json:"record"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if head.Record == "" {
		return nil, errors.New(`not a record: it has no "record" key`)
	}
	rec := empty(head.Record)
	if rec == nil {
		return &Other{Kind: head.Record, JSON: bytes.Clone(line)}, nil
	}
	if err := json.Unmarshal(line, rec); err != nil {
		return nil, fmt.Errorf("%s record: %w", head.Record, err)
	}
	return rec, nil
}

// empty returns a new record of a type, nil if the type is not known.
func empty(kind string) Record {
	for _, r := range Types() {
		if r.Type() == kind {
			return r
		}
	}
	return nil
}

// Types returns a new record of every type that this version knows.
func Types() []Record {
	return []Record{
		&Header{}, &Trailer{}, &Endpoint{}, &ChainFile{}, &Finding{}, &Match{}, &Trial{}, &Block{}, &Comparison{}, &Difference{}, &Change{}, &LastKnown{}, &Calibration{}, &StoredRun{},
		&Objective{}, &Capacity{}, &Plan{}, &Attribution{}, &Verdict{}, &Profile{}, &PolicyChange{},
	}
}
