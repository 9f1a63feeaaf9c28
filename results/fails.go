// What of a finding closes a gate.

package results

import "slices"

// Severities lists every severity, worst first.
func Severities() []Severity { return []Severity{High, Medium, Low, Info} }

// AtLeast reports whether a severity is as bad as another, or worse. One that
// is not known is the worst: nothing passes by a word that nobody understands.
func (s Severity) AtLeast(other Severity) bool {
	return slices.Index(Severities(), s) <= slices.Index(Severities(), other)
}

// Fails reports whether a finding is bad enough to close a gate at a threshold.
// A warning counts as low; what is waived does not count.
func (f *Finding) Fails(threshold Severity) bool {
	switch {
	case f.WaivedUntil != "":
		return false
	case f.Status == FindingWarn:
		return Low.AtLeast(threshold)
	}
	return f.Status == FindingFail && f.Severity.AtLeast(threshold)
}
