// Validity (RFC 5280 §4.1.2.5, Baseline Requirements §6.3.2).

package corpus

import (
	"time"

	"shakedown/results"
)

func validity(g *maker) {
	const section = "RFC 5280 §4.1.2.5"
	day := func(n int) time.Time { return now().AddDate(0, 0, n) }
	leaf := func(edits ...edit) [][]byte { return ders(g.leaf(g.inter, edits...), g.inter) }
	times := func(from, until []byte) edit { return func(s *spec) { s.from, s.until = from, until } }
	g.add(Case{Name: "validity: in force", Section: section, Chain: leaf()})
	g.add(Case{Name: "validity: in its first second", Section: section, Chain: leaf(valid(now(), day(60)))})
	g.add(Case{Name: "validity: in its last second", Section: section, Chain: leaf(valid(day(-60), now()))})
	g.add(Case{Name: "validity: a fraction after its last second begins", Section: section, Chain: leaf(valid(day(-60), now())), At: now().Add(900 * time.Millisecond)})
	g.add(Case{Name: "validity: over for a second", Section: section, Chain: leaf(valid(day(-60), now().Add(-time.Second)))}, results.Expired)
	g.add(Case{Name: "validity: in a second", Section: section, Chain: leaf(valid(now().Add(time.Second), day(60)))}, results.NotYetValid)
	g.add(Case{Name: "validity: ends before it starts, both past", Section: section, Chain: leaf(valid(day(-10), day(-20)))}, results.Expired, results.BadValidity)
	g.add(Case{Name: "validity: ends before it starts, around now", Section: section, Chain: leaf(valid(day(10), day(-10)))}, results.Expired, results.NotYetValid, results.BadValidity)
	g.add(Case{Name: "validity: of one second", Section: section, Chain: leaf(valid(now(), now()))})
	g.add(Case{Name: "validity: for ever", Section: section, Chain: leaf(times(moment(time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)), generalized("99991231235959Z")))})
	g.add(Case{Name: "validity: GeneralizedTime before 2050, which applications must process", Section: section, Chain: leaf(times(generalized("20260501000000Z"), generalized("20260801000000Z")))})
	for why, until := range ordered(map[string][]byte{
		"without seconds":       utc("2608010000Z"),
		"without a zone":        utc("260801000000"),
		"in another zone":       utc("260801000000+0200"),
		"of a thirteenth month": utc("261301000000Z"),
		"with a fraction":       generalized("20500801000000.5Z"),
		"as text":               tlv(0x0c, []byte("260801000000Z")),
		"of the 31st of June":   utc("260631000000Z"),
	}) {
		g.add(Case{Name: "validity: an end " + why, Section: section, Chain: leaf(times(moment(day(-30)), until))}, results.Malformed)
	}
	issuers := func(edits ...edit) [][]byte {
		ca := g.ca("Intermediate", g.root, edits...)
		return ders(g.leaf(ca), ca)
	}
	g.add(Case{Name: "validity: an intermediate that is over", Section: "RFC 5280 §6.1.3", Chain: issuers(valid(day(-900), day(-1)))}, results.Expired)
	g.add(Case{Name: "validity: an intermediate of tomorrow", Section: "RFC 5280 §6.1.3", Chain: issuers(valid(day(1), day(900)))}, results.NotYetValid)
	old := g.ca("Old Root", nil, valid(day(-900), day(-1)))
	g.add(Case{Name: "validity: a root that is over", Section: "RFC 5280 §6.1.3", Roots: ders(old), Chain: ders(g.leaf(old))}, results.Expired)
	g.add(Case{Name: "validity: longer than its issuer's", Section: "RFC 5280 §6.1.3", Chain: issuers(valid(day(-900), day(1)))})

	const limits = "Baseline Requirements §6.3.2"
	issued := func(date string, days int) Case {
		from, err := time.Parse(time.DateOnly, date)
		if err != nil {
			panic(err)
		}
		return Case{Section: limits, Chain: leaf(valid(from, from.AddDate(0, 0, days))), At: from.AddDate(0, 0, 1)}
	}
	for _, r := range []struct {
		name, date string
		days       int
		long       bool
	}{
		{"825 days, as a private CA may", "2026-04-01", 825, false},
		{"826 days", "2026-04-01", 826, true},
		{"ten years", "2026-04-01", 3652, true},
		{"39 months, before they were too many", "2016-01-01", 1188, false},
		{"more than 39 months", "2016-01-01", 1189, true},
	} {
		c := issued(r.date, r.days)
		c.Name = "validity: " + r.name
		// The CAs of the corpus began in 2021.
		ca := g.ca("Old Intermediate", g.root, valid(now().AddDate(-20, 0, 0), now().AddDate(20, 0, 0)))
		root := g.ca("Root", nil, withKey(g.root.key), valid(now().AddDate(-20, 0, 0), now().AddDate(20, 0, 0)))
		from, _ := time.Parse(time.DateOnly, r.date)
		c.Roots, c.Chain = ders(root), ders(g.leaf(ca, valid(from, from.AddDate(0, 0, r.days))), ca)
		if r.long {
			g.add(c, results.BadValidity)
		} else {
			g.add(c)
		}
	}
}
