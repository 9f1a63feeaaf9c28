package stats

import (
	"encoding/base64"
	"encoding/binary"
	"testing"
	"time"
)

// TestDistIsHdrHistogramV2 reads a record's histogram as any other program
// would: base64 of the compressed V2 encoding, once.
func TestDistIsHdrHistogramV2(t *testing.T) {
	var h Histogram
	h.Record(time.Millisecond)
	raw, err := base64.StdEncoding.DecodeString(h.Dist().HDR)
	if err != nil {
		t.Fatal(err)
	}
	// HdrHistogram's V2CompressedEncodingCookieBase, with the word size bits set.
	if cookie := binary.BigEndian.Uint32(raw); cookie != 0x1c849304|0x10 {
		t.Errorf("the histogram begins with %#x, not with the cookie of the compressed V2 encoding", cookie)
	}
}
