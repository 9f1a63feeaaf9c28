// Likeness: whether the two sides of a comparison negotiated the same. A ratio of
// an RSA handshake to an ECDSA one is of the keys as much as of the paths.

package report

import (
	"fmt"
	"slices"

	"shakedown/results"
)

// unlike says in what the candidate's handshakes were others than the
// baseline's; "" if in nothing that costs time, or if that is not known.
func (s *section) unlike(c *comparison) string {
	if c.BaselineRun != "" {
		return ""
	}
	candidate, baseline := s.negotiated(c, c.Candidate), s.negotiated(c, c.Baseline)
	if candidate == nil || baseline == nil {
		return ""
	}
	var words []string
	for _, part := range []struct{ name, a, b string }{
		{"signature", candidate.SignatureScheme, baseline.SignatureScheme},
		{"group", candidate.Group, baseline.Group},
		{"suite", candidate.Suite, baseline.Suite},
		{"hello retry", yesNo(candidate.HelloRetry), yesNo(baseline.HelloRetry)},
	} {
		if part.a != part.b {
			words = append(words, fmt.Sprintf("%s %s, not %s", part.name, clean(part.a), clean(part.b)))
		}
	}
	if words == nil {
		return ""
	}
	return list(words, 0)
}

func yesNo(b *bool) string {
	if b != nil && *b {
		return "yes"
	}
	return "no"
}

// negotiated is what most handshakes of a compared path negotiated.
func (s *section) negotiated(c *comparison, path string) *results.Shape {
	i := slices.IndexFunc(s.trials, func(t *trial) bool {
		return t.Service == c.Service && t.Path == path && t.run == c.run && shapeWords(t.Asked) == shapeWords(c.Shape)
	})
	if i < 0 || len(s.trials[i].Negotiated) == 0 {
		return nil
	}
	most := slices.MaxFunc(s.trials[i].Negotiated, func(a, b results.ShapeCount) int { return a.Count - b.Count })
	return &most.Shape
}

// unlikeness is what a report says below comparisons of unlike handshakes, once
// for all candidates that are unlike in the same way.
func (s *section) unlikeness() []string {
	unlike := slices.DeleteFunc(slices.Clone(s.comparisons), func(c *comparison) bool { return s.unlike(c) == "" })
	var notes []string
	for _, group := range alike(unlike, func(c *comparison) string { return c.Service + "\x00" + baselineName(c) + "\x00" + s.unlike(c) }) {
		var who []string
		for _, c := range group {
			if name := clean(c.Candidate); !slices.Contains(who, name) {
				who = append(who, name)
			}
		}
		notes = append(notes, fmt.Sprintf("%s beside %s: %s; the ratio measures that too. To compare the paths alone, ask all for the same (bench --signature, --group, --suite)",
			list(who, 0), baselineName(group[0]), s.unlike(group[0])))
	}
	return notes
}
