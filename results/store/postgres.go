// The dialect of PostgreSQL: one store for several hosts.

package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

type postgres struct{ url string }

// schema is the PostgreSQL schema of our tables, unless the URL says otherwise.
const schema = "shakedown"

func openPostgres(dsn string) (dialect, *sql.DB, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, nil, errors.New("the store's URL cannot be read: write postgres://USER@HOST:PORT/DATABASE (percent-encode what is special in a password, or use PGPASSFILE)")
	}
	d := postgres{u.Redacted()}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, nil, fmt.Errorf("opening store %s: the URL is not understood: write postgres://USER@HOST:PORT/DATABASE", d.name())
	}
	if config.RuntimeParams["search_path"] == "" {
		config.RuntimeParams["search_path"] = schema
	}
	config.RuntimeParams["application_name"] = "shakedown"
	return d, stdlib.OpenDB(*config), nil
}

func (d postgres) name() string { return d.url }

func (d postgres) version(ctx context.Context, q querier) (version int, err error) {
	var there bool
	if err := q.QueryRowContext(ctx, "SELECT to_regclass('tables_version') IS NOT NULL").Scan(&there); err != nil || !there {
		return 0, err
	}
	err = q.QueryRowContext(ctx, "SELECT version FROM tables_version").Scan(&version)
	return version, err
}

func (d postgres) setVersion(ctx context.Context, tx *sql.Tx, version int) error {
	_, err := tx.ExecContext(ctx, "UPDATE tables_version SET version = $1", version)
	return err
}

func (d postgres) alone(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", lockNumber("writing"))
	return err
}

// lockNumber is a lock's name as PostgreSQL wants it.
func lockNumber(name string) int64 {
	sum := sha256.Sum256([]byte("shakedown " + name))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

func (d postgres) rebind(query string) string {
	var b strings.Builder
	n := 0
	for _, c := range query {
		if c != '?' {
			b.WriteRune(c)
			continue
		}
		n++
		b.WriteString("$" + strconv.Itoa(n))
	}
	return b.String()
}

// lock takes an advisory lock: it is the connection's, and ends with it.
func (d postgres) lock(ctx context.Context, db *sql.DB, name string) (func(), error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	got := false
	if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", lockNumber(name)).Scan(&got); err != nil || !got {
		conn.Close()
		if err == nil {
			err = ErrLocked
		}
		return nil, err
	}
	return func() {
		// The connection goes back to a pool, so the lock must be let go by hand.
		conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", lockNumber(name))
		conn.Close()
	}, nil
}

func (d postgres) explain(err error) error {
	if e := new(pgconn.ConnectError); errors.As(err, &e) {
		return fmt.Errorf("the database cannot be reached, or lets nobody in: check host, database, user and password (%w)", err)
	}
	e := new(pgconn.PgError)
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Code == "53100": // disk_full
		return fmt.Errorf("the server's disk is full; what was finished before is kept (%w)", err)
	case e.Code == "42501", e.Code == "25006": // insufficient_privilege, read_only_sql_transaction
		return fmt.Errorf("this user may not write there: grant it CREATE on the database, or make the schema %s for it (%w)", schema, err)
	}
	return err
}

// check has nothing to do: the server looks after its files.
func (d postgres) check(context.Context, *sql.DB) error { return nil }

// shrink has nothing to do: the server reuses room by itself.
func (d postgres) shrink(context.Context, *sql.DB) error { return nil }

// steps made each version of the tables. Never change one that was released:
// add another.
func (d postgres) steps() []string {
	return []string{`
		CREATE SCHEMA IF NOT EXISTS ` + schema + `;
		CREATE TABLE tables_version (version INTEGER NOT NULL);
		INSERT INTO tables_version VALUES (0);
		CREATE TABLE blob (
			id    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
			hash  BYTEA NOT NULL UNIQUE, -- SHA-256 of what it holds
			body  BYTEA NOT NULL         -- DEFLATE (RFC 1951)
		);
		CREATE TABLE part ( -- certificates that a record shows
			whole BIGINT NOT NULL REFERENCES blob (id) ON DELETE CASCADE,
			part  BIGINT NOT NULL REFERENCES blob (id),
			PRIMARY KEY (whole, part)
		);
		CREATE INDEX part_of ON part (part);
		CREATE TABLE run (
			n          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- in the order of their beginning, whatever the clock said
			id         TEXT NOT NULL UNIQUE,
			command    TEXT NOT NULL,
			inventory  TEXT NOT NULL,
			started_at BIGINT NOT NULL, -- ns since 1970
			header     BYTEA NOT NULL,
			trailer    BYTEA            -- none: not ended, or killed
		);
		CREATE TABLE subject ( -- an endpoint, over all runs
			id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
			service TEXT NOT NULL,
			path    TEXT NOT NULL,
			target  TEXT NOT NULL,
			address TEXT NOT NULL,
			known     BIGINT REFERENCES blob (id), -- what was last determined
			known_run TEXT,
			known_at  BIGINT,
			UNIQUE (service, path, target, address)
		);
		CREATE INDEX subject_known ON subject (known);
		CREATE TABLE entry (
			run         BIGINT NOT NULL REFERENCES run (n) ON DELETE CASCADE,
			seq         BIGINT NOT NULL,
			blob        BIGINT NOT NULL REFERENCES blob (id),
			subject     BIGINT REFERENCES subject (id), -- of an endpoint record
			started_at  BIGINT, -- ns since 1970; like what follows, what differs though nothing changed
			elapsed_ms  DOUBLE PRECISION,
			connections BIGINT,
			PRIMARY KEY (run, seq)
		);
		CREATE INDEX entry_blob ON entry (blob);`,
	}
}
