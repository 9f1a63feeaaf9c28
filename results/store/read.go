// Reading: which runs there are, their records, and what was last known of an
// endpoint.

package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"shakedown/results"
)

// Info is a run of the store.
type Info struct {
	ID      string
	Header  *results.Header
	Trailer *results.Trailer // nil: not ended, or cut off
	Records int

	n               int64
	header, trailer []byte // the lines
}

const infoColumns = "n, id, header, trailer, (SELECT count(*) FROM entry WHERE entry.run = run.n)"

// Runs lists all runs, newest first.
func (s *Store) Runs(ctx context.Context) ([]Info, error) {
	return s.infos(ctx, "SELECT "+infoColumns+" FROM run ORDER BY n DESC")
}

func (s *Store) infos(ctx context.Context, query string, args ...any) (list []Info, err error) {
	defer func() { err = s.explain("reading", err) }()
	rows, err := s.db.QueryContext(ctx, s.dialect.rebind(query), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var i Info
		if err := rows.Scan(&i.n, &i.ID, &i.header, &i.trailer, &i.Records); err != nil {
			return nil, err
		}
		if i.Header, err = readAs[*results.Header](i.header); err != nil {
			return nil, err
		}
		if i.trailer != nil {
			if i.Trailer, err = readAs[*results.Trailer](i.trailer); err != nil {
				return nil, err
			}
		}
		list = append(list, i)
	}
	return list, rows.Err()
}

func readAs[R results.Record](line []byte) (R, error) {
	r, err := results.Unmarshal(line)
	is, ok := r.(R)
	if err == nil && !ok {
		err = fmt.Errorf("a record in the store is damaged: %.40q", line)
	}
	return is, err
}

// ErrNoRun is a run that is not in the store.
var ErrNoRun = errors.New("no such run")

// Find finds a run by its id, by the beginning of one that is like no other's,
// or as latest, latest~1 and so on backwards.
func (s *Store) Find(ctx context.Context, ref string) (Info, error) {
	list, err := s.infos(ctx, "SELECT "+infoColumns+" FROM run WHERE id = ?", ref)
	if back, ok := backwards(ref); ok && err == nil {
		list, err = s.infos(ctx, "SELECT "+infoColumns+" FROM run ORDER BY n DESC LIMIT 1 OFFSET ?", back)
	} else if len(list) == 0 && err == nil && ref != "" {
		list, err = s.infos(ctx, "SELECT "+infoColumns+" FROM run WHERE substr(id, 1, ?) = ? ORDER BY n LIMIT 2", len(ref), ref)
	}
	switch {
	case err != nil:
		return Info{}, err
	case len(list) == 0:
		return Info{}, fmt.Errorf("%w: %s is not in store %s: shakedown store list shows what is", ErrNoRun, ref, s)
	case len(list) > 1:
		return Info{}, fmt.Errorf("%s may be run %s or %s of store %s: write more of it", ref, list[0].ID, list[1].ID, s)
	}
	return list[0], nil
}

// backwards reads latest and latest~N.
func backwards(ref string) (int, bool) {
	if ref == "latest" {
		return 0, true
	}
	back, ok := strings.CutPrefix(ref, "latest~")
	n, err := strconv.Atoi(back)
	return n, ok && err == nil && n >= 0
}

// page is how many entries are read at a time, so that a reader holds no lock
// on the store and no run need fit in memory.
const page = 200

type entry struct {
	seq, blob int64
	body      []byte
	passing   *passing
}

// Records gives the records of a run in their order, without header and
// trailer.
func (s *Store) Records(ctx context.Context, run Info) iter.Seq2[results.Record, error] {
	return func(yield func(results.Record, error) bool) {
		for p, err := range s.kept(ctx, run) {
			var r results.Record
			if err == nil {
				r, err = unpack(p)
			}
			if !yield(r, s.explain("reading", err)) || err != nil {
				return
			}
		}
	}
}

// kept gives the records of a run as they are kept.
func (s *Store) kept(ctx context.Context, run Info) iter.Seq2[packed, error] {
	return func(yield func(packed, error) bool) {
		for after := int64(0); ; {
			entries, err := s.entries(ctx, run, after)
			if err != nil {
				yield(packed{}, err)
				return
			}
			for _, e := range entries {
				p, err := s.whole(ctx, e.blob, e.body, e.passing)
				if !yield(p, err) || err != nil {
					return
				}
				after = e.seq
			}
			if len(entries) < page {
				return
			}
		}
	}
}

const selectEntries = "SELECT seq, blob, body, started_at, elapsed_ms, connections FROM entry JOIN blob ON blob.id = entry.blob"

func (s *Store) entries(ctx context.Context, run Info, after int64) ([]entry, error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.rebind(selectEntries+" WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?"), run.n, after, page)
	if err != nil {
		return nil, err
	}
	return scanEntries(rows)
}

func scanEntries(rows *sql.Rows) ([]entry, error) {
	defer rows.Close()
	var list []entry
	for rows.Next() {
		var e entry
		var startedAt, connections sql.NullInt64
		var elapsed sql.NullFloat64
		if err := rows.Scan(&e.seq, &e.blob, &e.body, &startedAt, &elapsed, &connections); err != nil {
			return nil, err
		}
		if startedAt.Valid {
			e.passing = &passing{startedAt.Int64, elapsed.Float64, int(connections.Int64)}
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// whole puts what is kept of a record together.
func (s *Store) whole(ctx context.Context, blob int64, body []byte, passing *passing) (p packed, err error) {
	p.passing = passing
	if p.body, err = inflate(body); err == nil && passing != nil {
		p.certificates, err = s.certificates(ctx, blob)
	}
	return p, err
}

// certificates gives the certificates of a record.
func (s *Store) certificates(ctx context.Context, whole int64) (list [][]byte, err error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.rebind("SELECT body FROM part JOIN blob ON blob.id = part.part WHERE whole = ?"), whole)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		der, err := inflate(body)
		if err != nil {
			return nil, err
		}
		list = append(list, der)
	}
	return list, rows.Err()
}

// Known is what was last determined about an endpoint.
type Known struct {
	Endpoint *results.Endpoint
	Run      string // that determined it
}

// LastKnown gives what was last determined about an endpoint, as it was asked
// for and found; nil if nothing ever was.
func (s *Store) LastKnown(ctx context.Context, service, path, target, address string) (*Known, error) {
	var (
		blob, at int64
		body     []byte
		known    Known
	)
	found, err := s.row(ctx, s.db, `SELECT known, known_run, known_at, body FROM subject JOIN blob ON blob.id = known
		WHERE service = ? AND path = ? AND target = ? AND address = ?`,
		[]any{service, path, target, address}, []any{&blob, &known.Run, &at, &body})
	if !found || err != nil {
		return nil, s.explain("reading", err)
	}
	p, err := s.whole(ctx, blob, body, &passing{startedAt: at})
	if err == nil {
		known.Endpoint, err = lastingEndpoint(p)
	}
	return &known, s.explain("reading", err)
}

// Before finds the newest run like another, of its verb and inventory, that was
// made before it and began before a time; ErrNoRun if there is none.
func (s *Store) Before(ctx context.Context, run Info, at time.Time) (Info, error) {
	list, err := s.infos(ctx, "SELECT "+infoColumns+" FROM run WHERE command = ? AND inventory = ? AND n < ? AND started_at < ? ORDER BY n DESC LIMIT 1",
		run.Header.Command, run.Header.Inventory, run.n, at.UnixNano())
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%w: store %s has no %s before %s to compare run %s with", ErrNoRun, s, run.Header.Command, at.Format(time.RFC3339), run.ID)
	}
	if err != nil {
		return Info{}, err
	}
	return list[0], nil
}

// Newest finds the newest run of an inventory.
func (s *Store) Newest(ctx context.Context, inventory string) (Info, error) {
	list, err := s.infos(ctx, "SELECT "+infoColumns+" FROM run WHERE inventory = ? ORDER BY n DESC LIMIT 1", inventory)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%w: store %s has none of inventory %s", ErrNoRun, s, inventory)
	}
	if err != nil {
		return Info{}, err
	}
	return list[0], nil
}

// Unfinished finds the newest run of a command and inventory, if it has no end.
func (s *Store) Unfinished(ctx context.Context, command, inventory string) (*Info, error) {
	list, err := s.infos(ctx, "SELECT "+infoColumns+" FROM run WHERE command = ? AND inventory = ? ORDER BY n DESC LIMIT 1", command, inventory)
	if err != nil || len(list) == 0 || list[0].Trailer != nil {
		return nil, err
	}
	return &list[0], nil
}

// Export writes a run as JSON Lines: the same that were imported, or that were
// written beside the store.
func (s *Store) Export(ctx context.Context, run Info, w io.Writer) error {
	if err := writeLine(w, run.header); err != nil {
		return err
	}
	for p, err := range s.kept(ctx, run) {
		var line []byte
		if err == nil {
			line, err = p.line()
		}
		if err != nil {
			return s.explain("reading", err)
		}
		if err := writeLine(w, line); err != nil {
			return err
		}
	}
	if run.trailer == nil {
		return nil
	}
	return writeLine(w, run.trailer)
}

func writeLine(w io.Writer, line []byte) error {
	_, err := w.Write(append(line, '\n'))
	return err
}

// Whole finds the newest run of a command and inventory that tried all it had
// planned, nil if there is none.
func (s *Store) Whole(ctx context.Context, command, inventory string) (*Info, error) {
	list, err := s.infos(ctx, "SELECT "+infoColumns+" FROM run WHERE command = ? AND inventory = ? AND trailer IS NOT NULL ORDER BY n DESC", command, inventory)
	for i := range list {
		if list[i].Trailer.Complete {
			return &list[i], nil
		}
	}
	return nil, err
}

// Unlike gives the records of a run whose like, in all that lasts, is not in
// another: of 10,000 endpoints that were swept the few that changed.
func (s *Store) Unlike(ctx context.Context, run, other Info) iter.Seq2[results.Record, error] {
	return func(yield func(results.Record, error) bool) {
		list, err := s.unlike(ctx, run, other)
		for i := 0; i < len(list) && err == nil; i++ {
			var r results.Record
			if r, err = s.at(ctx, run, list[i]); err == nil && !yield(r, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, s.explain("reading", err))
		}
	}
}

// unlike gives the places of those records.
func (s *Store) unlike(ctx context.Context, run, other Info) (list []int64, err error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.rebind(`WITH theirs AS MATERIALIZED (SELECT blob, coalesce(subject, 0) AS subject FROM entry WHERE run = ?)
		SELECT seq FROM entry LEFT JOIN theirs ON theirs.blob = entry.blob AND theirs.subject = coalesce(entry.subject, 0)
		WHERE run = ? AND theirs.blob IS NULL ORDER BY seq`), other.n, run.n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		list = append(list, seq)
	}
	return list, rows.Err()
}

// at reads one record of a run.
func (s *Store) at(ctx context.Context, run Info, seq int64) (results.Record, error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.rebind(selectEntries+" WHERE run = ? AND seq = ?"), run.n, seq)
	if err != nil {
		return nil, err
	}
	entries, err := scanEntries(rows)
	if err != nil || len(entries) != 1 {
		return nil, cmp.Or(err, errors.New("a record in the store is gone"))
	}
	p, err := s.whole(ctx, entries[0].blob, entries[0].body, entries[0].passing)
	if err != nil {
		return nil, err
	}
	return unpack(p)
}

// Check has the database look for damage.
func (s *Store) Check(ctx context.Context) error {
	return s.explain("checking", s.dialect.check(ctx, s.db))
}
