package report

import (
	"slices"
	"strings"
	"testing"

	"shakedown/results"
)

// signedBy is a bench run in which each path's server signed with a scheme of
// its own, as one with both kinds of certificate may.
func signedBy(schemes map[string]string) Run {
	r := benchRun()
	r.Records = slices.Clone(r.Records)
	for i, rec := range r.Records {
		if t, ok := rec.(*results.Trial); ok && schemes[t.Path] != "" {
			own := *t
			shape := t.Asked
			shape.SignatureScheme = schemes[t.Path]
			own.Negotiated = []results.ShapeCount{{Shape: results.Shape{}, Count: 1}, {Shape: shape, Count: t.Handshakes - 1}}
			r.Records[i] = &own
		}
	}
	return r
}

func TestComparisonOfUnlikeHandshakesIsTold(t *testing.T) {
	const rsa, ec = "rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256"
	told := "signature " + rsa + ", not " + ec
	unlike := signedBy(map[string]string{"i-1": ec, "nlb": ec, "hsm": ec, "enclave": ec, "i-3": ec, "alb": rsa, "alb-reencrypt": rsa})
	alike := signedBy(map[string]string{"i-1": ec, "nlb": ec, "hsm": ec, "enclave": ec, "i-3": ec, "alb": ec, "alb-reencrypt": ec})
	for _, format := range []string{"text", "html"} {
		got := strings.Join(strings.Fields(rendered(t, format, Options{Width: 200}, unlike)), " ")
		for _, want := range []string{told, "alb and alb-reencrypt beside i-1: " + told} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is not told", format, want)
			}
		}
		if strings.Contains(rendered(t, format, Options{Width: 200}, alike), "like with like") {
			t.Errorf("%s: handshakes that are alike are called unlike", format)
		}
	}
}

// A comparison is held against the trials of its own run.
func TestLikenessIsOfOneRun(t *testing.T) {
	const rsa, ec = "rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256"
	d := newDigest([]Run{signedBy(map[string]string{"i-1": ec, "alb": ec}), signedBy(map[string]string{"i-1": rsa, "alb": rsa})})
	for _, c := range d.sections[0].comparisons {
		if got := d.sections[0].unlike(c); c.Candidate == "alb" && got != "" {
			t.Errorf("run %d: %s", c.run, got)
		}
	}
}
