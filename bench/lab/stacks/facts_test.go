package stacks

import (
	"context"
	"slices"
	"strings"
	"testing"

	"shakedown/results"
)

// Whose preference decides is told from what is chosen, and only where all that
// was offered was chosen in the end.
func TestPreferenceOfChoices(t *testing.T) {
	order := []string{"b", "d", "a", "c"}
	best := func(_ context.Context, offered []string) (string, error) {
		for _, name := range order {
			if slices.Contains(offered, name) {
				return name, nil
			}
		}
		return "", nil
	}
	for _, c := range []struct {
		name   string
		server chooser
		want   results.Preference
	}{
		{"server", best, results.PreferenceServer},
		{"client", func(_ context.Context, offered []string) (string, error) { return offered[0], nil }, results.PreferenceClient},
		{"a favourite of the client's", func(ctx context.Context, offered []string) (string, error) {
			if offered[0] == "c" {
				return "c", nil
			}
			return best(ctx, offered)
		}, results.PreferenceMixed},
		{"refuses the rest", func(_ context.Context, offered []string) (string, error) {
			if len(offered) == 2 {
				return "", nil
			}
			return offered[0], nil
		}, ""},
	} {
		got, seen, err := c.server.preference(t.Context(), []string{"a", "b", "c", "d"})
		if err != nil || got != c.want || got == results.PreferenceServer && !slices.Equal(seen, order) {
			t.Errorf("%s: %q %v %v", c.name, got, seen, err)
		}
	}
}

// What s_client printed tells facts; a handshake that failed tells none.
func TestFactsOfOutput(t *testing.T) {
	const done = "New, TLSv1.2, Cipher is ECDHE-RSA-AES128-GCM-SHA256\n"
	const again = "Reused, TLSv1.2, Cipher is ECDHE-RSA-AES128-GCM-SHA256\n"
	byID, byTicket := reused("resumption_id", false), reused("resumption_ticket", true)
	for _, c := range []struct {
		name string
		tell func(string) Facts
		out  string
		want Facts
	}{
		{"hello", helloFacts, "TLS server extension \"extended master secret\" (id=23), len=0\n" + done + "Secure Renegotiation IS NOT supported\n",
			Facts{"extended_master_secret": "yes", "secure_renegotiation": "no"}},
		{"refused", helloFacts, "New, (NONE), Cipher is (NONE)\nSecure Renegotiation IS NOT supported\n", nil},
		{"staple", stapleFact, "OCSP Response Data:\n" + done, Facts{"ocsp_staple": "yes"}},
		{"request", requestFacts, "Acceptable client certificate CA names\nCN=Root,O=Lab\nCN=Another\nRequested Signature Algorithms: ECDSA+SHA256\n" + done,
			Facts{"client_certificate_requested": "yes", "client_certificate_authorities": "CN=Another; CN=Root,O=Lab"}},
		{"no request", requestFacts, "No client certificate CA names sent\n" + done,
			Facts{"client_certificate_requested": "no", "client_certificate_authorities": "none"}},
		{"anonymous", requestFacts, "no peer certificate available\n" + done, nil},
		{"fallback", fallbackFact, "tlsv1 alert inappropriate fallback\nNew, (NONE), Cipher is (NONE)\n", Facts{"fallback_scsv": "yes"}},
		{"another alert", fallbackFact, "alert handshake failure\nNew, (NONE), Cipher is (NONE)\n", nil},
		{"reused by ticket", byTicket, done + "    TLS session ticket:\n" + again, Facts{"resumption_ticket": "yes"}},
		{"reused without a ticket", byTicket, done + again, Facts{"resumption_ticket": "no"}},
		{"reused by id", byID, done + again + again, Facts{"resumption_id": "yes"}},
		{"never reused", byID, strings.Repeat(done, 1+reconnects), Facts{"resumption_id": "no"}},
		{"reused now and then", byID, done + again + done, nil},
		{"hung up on", byID, done + done, nil},
	} {
		got := c.tell(c.out)
		for name, value := range c.want {
			if got[name] != value {
				t.Errorf("%s: %s is %q, not %q", c.name, name, got[name], value)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// A record that says otherwise is wrong in one of three ways; one that says
// nothing is not.
func TestCompareFacts(t *testing.T) {
	e := &results.Endpoint{
		Protocol: results.Protocol{
			ALPN: []string{"h2", "dot"}, ExtendedMasterSecret: results.Yes, OCSPStaple: results.No, EarlyData: results.Unknown,
		},
		Preference: map[results.Version]results.Preference{results.TLSv12: results.PreferenceServer},
		Suites:     map[results.Version][]results.Suite{results.TLSv12: {{ID: "0xC02F"}, {ID: "0x1234"}, {ID: "0xC030"}}},
	}
	a := CompareFacts(Facts{
		"alpn h2": "yes", "alpn smtp": "yes", "extended_master_secret": "no", "ocsp_staple": "no", "early_data": "no", "compression": "no",
		preferenceOf(results.TLSv12): "client", orderOf(results.TLSv12): "0xC02F 0xC030",
	}, e)
	if a.Told != 8 || a.No != 4 || a.Agree != 3 || a.Exact() {
		t.Errorf("%+v", a)
	}
	if !slices.Equal(a.Missing, []string{"alpn smtp"}) || !slices.Equal(a.Extra, []string{"extended_master_secret"}) || len(a.Differing) != 1 || len(a.Unknown) != 2 {
		t.Errorf("%+v", a)
	}
}
