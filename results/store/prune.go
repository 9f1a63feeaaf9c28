// Pruning: old runs go, and whatever no other run needs goes with them. What
// was last known of an endpoint stays.

package store

import (
	"context"
	"database/sql"
	"time"
)

// Prune removes the runs that began before a time, but for the newest keep
// ones. It returns how many went.
func (s *Store) Prune(ctx context.Context, before time.Time, keep int) (int, error) {
	list, err := s.infos(ctx, "SELECT "+infoColumns+" FROM run WHERE started_at < ? AND n NOT IN (SELECT n FROM run ORDER BY n DESC LIMIT ?) ORDER BY n",
		before.UnixNano(), keep)
	if err != nil {
		return 0, err
	}
	for i, run := range list {
		if err := s.delete(ctx, run.n); err != nil {
			return i, err
		}
	}
	if len(list) == 0 {
		return 0, nil
	}
	if err := s.sweepUp(ctx); err != nil {
		return len(list), s.explain("pruning", err)
	}
	return len(list), s.explain("pruning", s.dialect.shrink(ctx, s.db))
}

func (s *Store) delete(ctx context.Context, n int64) error {
	return s.explain("pruning", s.exec(ctx, s.db, "DELETE FROM run WHERE n = ?", n))
}

// sweepUp removes what nothing refers to any more: endpoints of which nothing
// is known, records, then the certificates of those records.
func (s *Store) sweepUp(ctx context.Context) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{
			"DELETE FROM subject WHERE known IS NULL AND id NOT IN (SELECT subject FROM entry WHERE subject IS NOT NULL)",
			unusedBlobs, unusedBlobs,
		} {
			if err := s.exec(ctx, tx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

const unusedBlobs = `DELETE FROM blob WHERE NOT EXISTS (SELECT 1 FROM entry WHERE entry.blob = blob.id)
	AND NOT EXISTS (SELECT 1 FROM subject WHERE subject.known = blob.id)
	AND NOT EXISTS (SELECT 1 FROM part WHERE part.part = blob.id)`
