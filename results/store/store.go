// Package store keeps runs: every record of every run, whole and in order, in
// an SQLite file or in PostgreSQL. What did not change from run to run is kept
// once. It does not scan, judge or compare.
//
// Whatever was put survives the end of the process at any moment: each Put is
// one transaction, and on disk when it returns.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Store is an open store. It is safe for concurrent use.
type Store struct {
	db      *sql.DB
	dialect dialect
	press   press
}

// Options are how a store is opened; the zero value reads and writes.
type Options struct {
	ReadOnly bool
}

// dialect is where SQLite and PostgreSQL differ.
type dialect interface {
	// name of the store, without a password.
	name() string
	// steps are the statements that made each version of the tables from the one before.
	steps() []string
	// version of the tables, 0 before there are any.
	version(context.Context, querier) (int, error)
	setVersion(context.Context, *sql.Tx, int) error
	// alone keeps other writers out until a transaction ends.
	alone(context.Context, *sql.Tx) error
	// rebind turns ? into the place holders of the dialect.
	rebind(query string) string
	// lock takes a lock that ends with the process at the latest; errBusy if
	// somebody else has it.
	lock(ctx context.Context, db *sql.DB, name string) (release func(), err error)
	// explain adds what the user can do to an error of a known kind.
	explain(error) error
	// check looks for damage.
	check(context.Context, *sql.DB) error
	// shrink gives back room after much was deleted.
	shrink(context.Context, *sql.DB) error
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}

// Open opens the store that dsn names, a file or postgres://…, and brings its
// tables up to this version. A file that is not there is made, for its owner
// alone, unless it is only to be read.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	s := new(Store)
	var err error
	if s.dialect, s.db, err = open(dsn, o.ReadOnly); err != nil {
		return nil, err
	}
	if err := s.migrate(ctx, o.ReadOnly); err != nil {
		s.db.Close()
		return nil, s.explain("opening", err)
	}
	return s, nil
}

func open(dsn string, readOnly bool) (dialect, *sql.DB, error) {
	switch scheme, _, found := strings.Cut(dsn, "://"); {
	case dsn == "":
		return nil, nil, errors.New("no store is named: give --store a file or postgres://…")
	case found && (scheme == "postgres" || scheme == "postgresql"):
		return openPostgres(dsn)
	case found:
		return nil, nil, fmt.Errorf("a store is a file or postgres://…, not %s://…", scheme)
	}
	return openSQLite(dsn, readOnly)
}

// Close closes the store.
func (s *Store) Close() error { return s.db.Close() }

// String names the store, without a password.
func (s *Store) String() string { return s.dialect.name() }

// ErrLocked is a lock that somebody else has.
var ErrLocked = errors.New("somebody else has the lock")

// lockPause is how often a lock that is waited for is tried.
const lockPause = 200 * time.Millisecond

// Lock takes the lock of a name in this store. It ends with release, or with
// the process. Without wait, ErrLocked says that somebody else has it.
func (s *Store) Lock(ctx context.Context, name string, wait bool) (release func(), err error) {
	again := time.NewTicker(lockPause)
	defer again.Stop()
	for {
		release, err = s.dialect.lock(ctx, s.db, name)
		if !wait || !errors.Is(err, ErrLocked) {
			return release, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// migrate brings the tables up to the newest version. Those of a newer program
// are refused, untouched.
func (s *Store) migrate(ctx context.Context, readOnly bool) error {
	steps := s.dialect.steps()
	have, err := s.dialect.version(ctx, s.db)
	switch {
	case err != nil:
		return err
	case have > len(steps):
		return newer(have, len(steps))
	case have == len(steps):
		return nil
	case readOnly && have == 0:
		return errors.New("there are no runs in it yet: fill it with shakedown sweep or shakedown store import")
	case readOnly:
		return fmt.Errorf("its tables are of version %d, older than this program's %d: open it for writing once, as shakedown store prune does", have, len(steps))
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		have, err := s.dialect.version(ctx, tx) // somebody may have been quicker
		for i := have; err == nil && i < len(steps); i++ {
			_, err = tx.ExecContext(ctx, steps[i])
		}
		if err != nil {
			return err
		}
		return s.dialect.setVersion(ctx, tx, max(have, len(steps)))
	})
}

func newer(have, known int) error {
	return fmt.Errorf("a newer shakedown wrote it (tables of version %d, this one knows up to %d): use that one; nothing was changed", have, known)
}

// write runs one transaction, one at a time over all hosts: what one has found,
// and is about to refer to, no other takes away, and nobody waits for each other.
func (s *Store) write(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := s.dialect.alone(ctx, tx); err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// row reads one row; found is false if there is none.
func (s *Store) row(ctx context.Context, q querier, query string, args, into []any) (found bool, err error) {
	err = q.QueryRowContext(ctx, s.dialect.rebind(query), args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (s *Store) exec(ctx context.Context, q querier, query string, args ...any) error {
	_, err := q.ExecContext(ctx, s.dialect.rebind(query), args...)
	return err
}

// explain names the store, what was being done, and what can be done about it.
func (s *Store) explain(doing string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%s store %s: %w", doing, s, s.dialect.explain(err))
}
