// Package stats turns samples into distributions and distributions into
// comparisons. What it says it says from records: it measures nothing, and can be
// run again, any number of times, over runs that were made long ago.
package stats

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"shakedown/results"
)

// Histogram counts durations with three significant digits, from a nanosecond to
// a minute; what is longer counts as a minute. Its zero value is empty.
type Histogram struct {
	h *hdrhistogram.Histogram
}

const (
	longest = int64(time.Minute)
	digits  = 3
	unit    = "ns"
)

// Record adds a duration.
func (h *Histogram) Record(d time.Duration) {
	h.init()
	// Within range it cannot fail.
	_ = h.h.RecordValue(min(max(int64(d), 0), longest))
}

func (h *Histogram) init() {
	if h.h == nil {
		h.h = hdrhistogram.New(1, longest, digits)
	}
}

// N is the number of durations.
func (h *Histogram) N() int64 {
	if h.h == nil {
		return 0
	}
	return h.h.TotalCount()
}

// Merge adds all that other counted.
func (h *Histogram) Merge(other *Histogram) {
	if other.N() > 0 {
		h.init()
		h.h.Merge(other.h)
	}
}

// Reset empties the histogram and keeps its memory.
func (h *Histogram) Reset() {
	if h.h != nil {
		h.h.Reset()
	}
}

// Quantile is the duration that a part of all, 0 to 1, does not exceed; 0 if
// there is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.N() == 0 {
		return 0
	}
	return time.Duration(h.h.ValueAtPercentile(100 * q))
}

// Above counts the samples that were longer than d.
func (h *Histogram) Above(d time.Duration) int64 {
	if h.h == nil {
		return 0
	}
	var n int64
	for _, bar := range h.h.Distribution() {
		if bar.From > d.Nanoseconds() {
			n += bar.Count
		}
	}
	return n
}

// Dist is the distribution as records write it; nil if it is empty.
func (h *Histogram) Dist() *results.Dist {
	if h.N() == 0 {
		return nil
	}
	encoded, err := h.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		panic("stats: encoding a histogram: " + err.Error()) // it writes to memory
	}
	us := func(ns int64) float64 { return float64(ns) / 1e3 }
	at := h.h.ValueAtPercentilesSlice([]float64{50, 90, 99, 99.9, 100}) // in one pass
	return &results.Dist{
		N:       h.N(),
		MeanUS:  h.h.Mean() / 1e3,
		P50US:   us(at[0]),
		P90US:   us(at[1]),
		P99US:   us(at[2]),
		P999US:  us(at[3]),
		MaxUS:   us(at[4]),
		HDR:     string(encoded), // Encode gives base64 already
		HDRUnit: unit,
	}
}

// maxEncoded bounds what is decoded: three digits up to a minute take far less.
const maxEncoded = 1 << 20

// Decode reads a distribution back from a record.
func Decode(d *results.Dist) (*Histogram, error) {
	switch {
	case d.HDRUnit != unit:
		return nil, fmt.Errorf("histogram in %q, not in %q", d.HDRUnit, unit)
	case len(d.HDR) > maxEncoded:
		return nil, fmt.Errorf("histogram of %d bytes: too long", len(d.HDR))
	}
	h, err := hdrhistogram.Decode([]byte(d.HDR)) // which reads the base64
	if err != nil {
		return nil, fmt.Errorf("histogram: %w", err)
	}
	return &Histogram{h}, nil
}
