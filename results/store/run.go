// Writing: a run is begun, put to, and finished; one that was cut off is
// resumed.

package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"

	"shakedown/results"
)

// Run is a run that is being written. It is safe for concurrent use.
type Run struct {
	ID string

	store    *Store
	n        int64 // its number in the store
	imported bool  // it was recorded at another time
	mu       sync.Mutex
	seq      int64 // of the last entry
}

// Begin opens a run.
func (s *Store) Begin(ctx context.Context, h results.Header) (*Run, error) {
	h.Schema = results.Schema
	line, err := results.Marshal(&h)
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, &h, line)
}

// begin names a run after its beginning, with a number where that name is
// taken: names can be typed, and what a run is after another is not the
// clock's to say.
func (s *Store) begin(ctx context.Context, h *results.Header, line []byte) (*Run, error) {
	r := &Run{store: s}
	err := s.write(ctx, func(tx *sql.Tx) error {
		var err error
		if r.ID, err = s.freeID(ctx, tx, h.StartedAt.UTC().Format("20060102-150405")); err == nil {
			_, err = s.row(ctx, tx, "INSERT INTO run (id, command, inventory, started_at, header) VALUES (?, ?, ?, ?, ?) RETURNING n",
				[]any{r.ID, h.Command, h.Inventory, h.StartedAt.UnixNano(), line}, []any{&r.n})
		}
		return err
	})
	if err != nil {
		return nil, s.explain("beginning a run in", err)
	}
	return r, nil
}

// freeID is a name, with a number where it is taken.
func (s *Store) freeID(ctx context.Context, tx *sql.Tx, name string) (string, error) {
	for id, i := name, 2; ; id, i = fmt.Sprintf("%s-%d", name, i), i+1 {
		taken, err := s.row(ctx, tx, "SELECT n FROM run WHERE id = ?", []any{id}, []any{new(int64)})
		if !taken || err != nil {
			return id, err
		}
	}
}

// Resume opens a run that has no end, to go on with it.
func (s *Store) Resume(ctx context.Context, id string) (*Run, error) {
	info, err := s.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	if info.Trailer != nil {
		return nil, fmt.Errorf("run %s in store %s has ended: there is nothing to resume", info.ID, s)
	}
	r := &Run{ID: info.ID, store: s, n: info.n}
	_, err = s.row(ctx, s.db, "SELECT coalesce(max(seq), 0) FROM entry WHERE run = ?", []any{r.n}, []any{&r.seq})
	return r, s.explain("resuming a run in", err)
}

// Put adds records to the run, all or none of them: they are on disk when it
// returns.
func (r *Run) Put(ctx context.Context, records ...results.Record) error {
	items := make([]item, len(records))
	for i, record := range records {
		p, err := pack(record)
		if err != nil {
			return err
		}
		items[i] = item{record, p}
	}
	return r.put(ctx, items)
}

// item is a record with the form in which it is kept.
type item struct {
	record results.Record
	packed packed
}

func (r *Run) put(ctx context.Context, items []item) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	seq := r.seq
	err := r.store.write(ctx, func(tx *sql.Tx) error {
		for _, it := range items {
			seq++
			if err := r.putOne(ctx, tx, seq, it); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		r.seq = seq
	}
	return r.store.explain("writing to", err)
}

func (r *Run) putOne(ctx context.Context, tx *sql.Tx, seq int64, it item) error {
	s := r.store
	whole, isNew, err := s.blob(ctx, tx, it.packed.body)
	if err != nil {
		return err
	}
	for _, der := range it.packed.certificates {
		if !isNew {
			break // its parts are known
		}
		part, _, err := s.blob(ctx, tx, der)
		if err == nil {
			err = s.exec(ctx, tx, "INSERT INTO part (whole, part) VALUES (?, ?) ON CONFLICT DO NOTHING", whole, part)
		}
		if err != nil {
			return err
		}
	}
	subject, err := r.subject(ctx, tx, it, whole)
	if err != nil {
		return err
	}
	var startedAt, elapsed, connections any
	if p := it.packed.passing; p != nil {
		startedAt, elapsed, connections = p.startedAt, p.elapsedMS, p.connections
	}
	return s.exec(ctx, tx, "INSERT INTO entry (run, seq, blob, subject, started_at, elapsed_ms, connections) VALUES (?, ?, ?, ?, ?, ?, ?)",
		r.n, seq, whole, subject, startedAt, elapsed, connections)
}

// blob keeps content once, and says where.
func (s *Store) blob(ctx context.Context, tx *sql.Tx, body []byte) (id int64, isNew bool, err error) {
	hash := sha256.Sum256(body)
	return s.once(ctx, tx, "blob", []string{"hash"}, []any{hash[:]}, func() (string, []byte) { return "body", s.press.deflate(body) })
}

// subject finds the endpoint that a record is of; what was determined about it
// becomes what is known. Other records have none.
func (r *Run) subject(ctx context.Context, tx *sql.Tx, it item, blob int64) (any, error) {
	e, ok := it.record.(*results.Endpoint)
	if !ok {
		return nil, nil
	}
	s := r.store
	id, _, err := s.once(ctx, tx, "subject", []string{"service", "path", "target", "address"}, []any{e.Service, e.Path, e.Target, e.Address}, nil)
	if err != nil || e.Status == results.Failed {
		return id, err
	}
	update, args := "UPDATE subject SET known = ?, known_run = ?, known_at = ? WHERE id = ?", []any{blob, r.ID, e.StartedAt.UnixNano(), id}
	if r.imported { // history must not hide what was learnt since
		update, args = update+" AND (known_at IS NULL OR known_at <= ?)", append(args, e.StartedAt.UnixNano())
	}
	return id, s.exec(ctx, tx, update, args...)
}

// once finds the row of a table that has a key, or makes it; more is a further
// column of a new row.
func (s *Store) once(ctx context.Context, tx *sql.Tx, table string, columns []string, key []any, more func() (string, []byte)) (id int64, isNew bool, err error) {
	find := "SELECT id FROM " + table + " WHERE " + strings.Join(columns, " = ? AND ") + " = ?"
	if found, err := s.row(ctx, tx, find, key, []any{&id}); found || err != nil {
		return id, false, err
	}
	names, values := columns, key
	if more != nil {
		name, value := more()
		names, values = append(slices.Clone(columns), name), append(slices.Clone(key), value)
	}
	places := strings.TrimSuffix(strings.Repeat("?, ", len(values)), ", ")
	insert := "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (" + places + ") RETURNING id"
	isNew, err = s.row(ctx, tx, insert, values, []any{&id})
	return id, isNew, err
}

// Finish closes the run.
func (r *Run) Finish(ctx context.Context, t results.Trailer) error {
	line, err := results.Marshal(&t)
	if err != nil {
		return err
	}
	return r.finish(ctx, line)
}

func (r *Run) finish(ctx context.Context, line []byte) error {
	return r.store.explain("ending a run in", r.store.exec(ctx, r.store.db, "UPDATE run SET trailer = ? WHERE n = ?", line, r.n))
}

// Sink is the run as an output of a verb: its header is the one with which it
// was begun. What is finished is written even if ctx has ended.
func (r *Run) Sink(ctx context.Context) results.Sink { return runSink{r, context.WithoutCancel(ctx)} }

type runSink struct {
	run *Run
	ctx context.Context
}

func (s runSink) Put(record results.Record) error {
	switch record := record.(type) {
	case *results.Header:
		return nil
	case *results.Trailer:
		whole := *record
		whole.Records = int(s.run.seq) // those of a run that was resumed too
		return s.run.Finish(s.ctx, whole)
	}
	return s.run.Put(s.ctx, record)
}
