// The dialect of SQLite: one file, written ahead to a journal of its own.

package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

type sqliteFile struct {
	path     string
	readOnly bool
}

// applicationID marks a file as ours, in the header of the SQLite format
// (offset 68), as "shkd".
const applicationID = 0x73686b64

// openSQLite opens a file. A commit is on disk when it returns (synchronous =
// FULL): a sweep takes longer to ask an endpoint than the disk to remember it.
func openSQLite(path string, readOnly bool) (dialect, *sql.DB, error) {
	d := sqliteFile{path, readOnly}
	if err := d.prepare(); err != nil {
		return nil, nil, fmt.Errorf("opening store %s: %w", path, err)
	}
	options := url.Values{"_pragma": {"busy_timeout(30000)", "foreign_keys(1)"}, "_txlock": {"immediate"}}
	if readOnly {
		options["mode"] = []string{"ro"}
	} else {
		options["_pragma"] = append(options["_pragma"], "auto_vacuum(2)", "journal_mode(WAL)", "synchronous(FULL)")
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+options.Encode())
	return d, db, err
}

// prepare makes a new file readable by its owner alone, before anything is in
// it, and refuses files that are not ours or too new, without touching them.
func (d sqliteFile) prepare() error {
	f, err := os.Open(d.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.readOnly:
		return errors.New("there is no such file: fill it with shakedown sweep or shakedown store import, or name another with --store")
	case errors.Is(err, fs.ErrNotExist):
		return d.make()
	case err != nil:
		return err
	}
	defer f.Close()
	header := make([]byte, 100)
	n, err := io.ReadFull(f, header)
	if n == 0 {
		return nil // just made
	}
	if err != nil || string(header[:16]) != "SQLite format 3\x00" {
		return errors.New("it is not a store of shakedown: name another file with --store")
	}
	version, id := binary.BigEndian.Uint32(header[60:]), binary.BigEndian.Uint32(header[68:])
	switch {
	case id != applicationID && (id != 0 || version != 0):
		return errors.New("it is an SQLite file of another program: name another file with --store")
	case int(version) > len(d.steps()):
		return newer(int(version), len(d.steps()))
	}
	return nil
}

func (d sqliteFile) make() error {
	if err := os.MkdirAll(filepath.Dir(d.path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(d.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (d sqliteFile) name() string { return d.path }

func (d sqliteFile) version(ctx context.Context, q querier) (version int, err error) {
	err = q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
}

func (d sqliteFile) setVersion(ctx context.Context, tx *sql.Tx, version int) error {
	_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, version))
	return err
}

// alone has nothing to do: every transaction of ours begins IMMEDIATE.
func (d sqliteFile) alone(context.Context, *sql.Tx) error { return nil }

func (d sqliteFile) rebind(query string) string { return query }

// lock locks a file beside the store: the kernel lets go of it when the
// process ends, however it ends.
func (d sqliteFile) lock(_ context.Context, _ *sql.DB, name string) (func(), error) {
	sum := sha256.Sum256([]byte(name))
	path := d.path + "." + hex.EncodeToString(sum[:4]) + ".lock"
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the lock file of the store: %w", err)
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		f.Close()
		return nil, ErrLocked
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

func (d sqliteFile) explain(err error) error {
	e := new(sqlite.Error)
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_FULL:
		return fmt.Errorf("the disk is full; what was finished before is kept: make room, or shakedown store prune (%w)", err)
	case lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM:
		return fmt.Errorf("it cannot be written: check the rights of the file and of its folder (%w)", err)
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fmt.Errorf("the file is damaged: move it away, and import what was exported (%w)", err)
	case lib.SQLITE_BUSY:
		return fmt.Errorf("another process keeps writing to it: try again when it is done (%w)", err)
	}
	return err
}

func (d sqliteFile) check(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("the file is damaged: %s", verdict)
	}
	return nil
}

func (d sqliteFile) shrink(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// steps made each version of the tables. Never change one that was released:
// add another.
func (d sqliteFile) steps() []string {
	return []string{`
		CREATE TABLE blob (
			id    INTEGER PRIMARY KEY,
			hash  BLOB NOT NULL UNIQUE, -- SHA-256 of what it holds
			body  BLOB NOT NULL         -- DEFLATE (RFC 1951)
		);
		CREATE TABLE part ( -- certificates that a record shows
			whole INTEGER NOT NULL REFERENCES blob (id) ON DELETE CASCADE,
			part  INTEGER NOT NULL REFERENCES blob (id),
			PRIMARY KEY (whole, part)
		) WITHOUT ROWID;
		CREATE INDEX part_of ON part (part);
		CREATE TABLE run (
			n          INTEGER PRIMARY KEY AUTOINCREMENT, -- in the order of their beginning, whatever the clock said
			id         TEXT NOT NULL UNIQUE,
			command    TEXT NOT NULL,
			inventory  TEXT NOT NULL,
			started_at INTEGER NOT NULL, -- ns since 1970
			header     BLOB NOT NULL,
			trailer    BLOB              -- none: not ended, or killed
		);
		CREATE TABLE subject ( -- an endpoint, over all runs
			id      INTEGER PRIMARY KEY,
			service TEXT NOT NULL,
			path    TEXT NOT NULL,
			target  TEXT NOT NULL,
			address TEXT NOT NULL,
			known     INTEGER REFERENCES blob (id), -- what was last determined
			known_run TEXT,
			known_at  INTEGER,
			UNIQUE (service, path, target, address)
		);
		CREATE INDEX subject_known ON subject (known);
		CREATE TABLE entry (
			run         INTEGER NOT NULL REFERENCES run (n) ON DELETE CASCADE,
			seq         INTEGER NOT NULL,
			blob        INTEGER NOT NULL REFERENCES blob (id),
			subject     INTEGER REFERENCES subject (id), -- of an endpoint record
			started_at  INTEGER, -- ns since 1970; like what follows, what differs though nothing changed
			elapsed_ms  REAL,
			connections INTEGER,
			PRIMARY KEY (run, seq)
		) WITHOUT ROWID;
		CREATE INDEX entry_blob ON entry (blob);`,
	}
}
