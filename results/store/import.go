// Importing: a recorded run becomes a run of the store, whole or not at all.

package store

import (
	"context"
	"errors"
	"io"

	"shakedown/results"
)

// batch is how many records are imported in one transaction: they are on disk
// elsewhere.
const batch = 500

// Import adds a recorded run. Exporting it gives the same lines again; one
// without a trailer stays so.
func (s *Store) Import(ctx context.Context, d *results.Decoder) (Info, error) {
	r, err := s.begin(ctx, d.Header(), d.Line())
	if err != nil {
		return Info{}, err
	}
	r.imported = true
	if err := r.copy(ctx, d); err != nil {
		return Info{}, errors.Join(err, s.delete(context.WithoutCancel(ctx), r.n))
	}
	return s.Find(ctx, r.ID)
}

func (r *Run) copy(ctx context.Context, d *results.Decoder) error {
	var items []item
	for {
		record, err := d.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		p, err := packLine(record, d.Line())
		if err != nil {
			return err
		}
		if items = append(items, item{record, p}); len(items) == batch {
			if err := r.put(ctx, items); err != nil {
				return err
			}
			items = items[:0]
		}
	}
	if err := r.put(ctx, items); err != nil || d.Trailer() == nil {
		return err
	}
	return r.finish(ctx, d.Line())
}
