// Several hosts write to one store, and one of them prunes it meanwhile.

package store

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"

	"shakedown/results"
)

// TestWriters: what one host finds in the store another must not take away before
// the first has written that it needs it, and two that write the same in another
// order must not wait for each other.
func TestWriters(t *testing.T) {
	everywhere(t, func(t *testing.T, dsn string) {
		hosts := []*Store{openTest(t, dsn), openTest(t, dsn), openTest(t, dsn)}
		for round := range 10 {
			var estate []results.Record
			for i := range 30 {
				estate = append(estate, endpoint(fmt.Sprintf("i-%d", i), fmt.Sprintf("certificate %d of round %d", i, round)))
			}
			old := begin(t, hosts[0], 0)
			put(t, old, estate...)
			finish(t, old, len(estate))
			backwards := slices.Clone(estate)
			slices.Reverse(backwards)
			var all errgroup.Group
			all.Go(func() error { return sweepOnce(t.Context(), hosts[0], estate) })
			all.Go(func() error { return sweepOnce(t.Context(), hosts[1], backwards) })
			all.Go(func() error {
				_, err := hosts[2].Prune(t.Context(), header(1).StartedAt, 0)
				return err
			})
			if err := all.Wait(); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		runs, err := hosts[0].Runs(t.Context())
		if err != nil || len(runs) != 20 {
			t.Fatalf("%d runs, error %v, want 20", len(runs), err)
		}
		for _, run := range runs {
			if run.Records != 30 {
				t.Errorf("run %s has %d records, want 30", run.ID, run.Records)
			}
		}
	})
}

func sweepOnce(ctx context.Context, s *Store, records []results.Record) error {
	r, err := s.Begin(ctx, header(2))
	if err != nil {
		return err
	}
	return r.Put(ctx, records...)
}
