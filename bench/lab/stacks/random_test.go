package stacks

import "testing"

// A seed says all of what is drawn, so that a disagreement can be had again.
func TestRandomIsDrawnFromSeed(t *testing.T) {
	const n = 40
	one, again, other := Random(7, n), Random(7, n), Random(8, n)
	differ := 0
	for i := range n {
		if one[i].Name != again[i].Name || one[i].Setting != again[i].Setting || one[i].Setting == "" {
			t.Errorf("number %d: %q, then %q", i, one[i].Setting, again[i].Setting)
		}
		if one[i].Setting != other[i].Setting {
			differ++
		}
	}
	if len(one) != n || differ < n/2 {
		t.Errorf("%d were drawn, of which %d differ from another seed's", len(one), differ)
	}
}
