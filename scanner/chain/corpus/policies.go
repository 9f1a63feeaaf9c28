// Certificate policies (RFC 5280 §6.1): a TLS client demands none, but the CAs
// of a chain may.

package corpus

import "shakedown/results"

func policies(g *maker) {
	const one, two, any = "1.3.6.1.4.1.99999.3.1", "1.3.6.1.4.1.99999.3.2", "2.5.29.32.0"
	has := func(ids ...string) extension {
		var list [][]byte
		for _, id := range ids {
			list = append(list, seq(oid(id)))
		}
		return ext(idPolicies, false, seq(list...))
	}
	// limits are after how many certificates a policy is needed, or mapping ends.
	explicit := ext(idPolicyLimits, true, seq(context(0, false, []byte{0})))
	later := ext(idPolicyLimits, true, seq(context(0, false, []byte{3})))
	noMapping := ext(idPolicyLimits, true, seq(context(0, false, []byte{0}), context(1, false, []byte{0})))
	noAny := ext(idInhibitAny, true, integer(0))
	mapping := func(from, to string) extension {
		return ext(idMappings, true, seq(seq(oid(from), oid(to))))
	}
	for _, r := range []struct {
		name            string
		upper, low, end []extension
		good            bool
	}{
		{"none, and none demanded", nil, nil, nil, true},
		{"different ones, and none demanded", []extension{has(one)}, []extension{has(two)}, []extension{has(one)}, true},
		{"demanded, and the same all the way", []extension{has(one), explicit}, []extension{has(one)}, []extension{has(one)}, true},
		{"demanded, and the leaf has none", []extension{has(one), explicit}, []extension{has(one)}, nil, false},
		{"demanded, and the leaf has another", []extension{has(one), explicit}, []extension{has(one)}, []extension{has(two)}, false},
		{"demanded, and one of two is kept", []extension{has(one, two), explicit}, []extension{has(two)}, []extension{has(two)}, true},
		{"demanded, with any in between", []extension{has(one), explicit}, []extension{has(any)}, []extension{has(one)}, true},
		{"demanded, with any where any is inhibited", []extension{has(one), explicit, noAny}, []extension{has(any)}, []extension{has(one)}, false},
		{"demanded later than the path is long", []extension{has(one), later}, []extension{has(two)}, []extension{has(one)}, true},
		{"demanded by the leaf itself, which breaks it", []extension{has(one)}, []extension{has(two)}, []extension{has(one), explicit}, false},
		{"demanded and mapped", []extension{has(one), explicit, mapping(one, two)}, []extension{has(two)}, []extension{has(two)}, true},
		{"demanded, mapped, and not kept", []extension{has(one), explicit, mapping(one, two)}, []extension{has(one)}, []extension{has(one)}, false},
		{"mapped where mapping is inhibited", []extension{has(one), noMapping}, []extension{has(one), mapping(one, two)}, []extension{has(two)}, false},
		{"mapped from any", []extension{has(any), mapping(any, two)}, []extension{has(two)}, []extension{has(two)}, false},
		{"mapped to any", []extension{has(one), mapping(one, any)}, []extension{has(one)}, []extension{has(one)}, false},
	} {
		upper := g.ca("Upper", g.root, set(r.upper...))
		low := g.ca("Lower", upper, set(r.low...))
		c := Case{Name: "policies: " + r.name, Section: "RFC 5280 §6.1", Chain: ders(g.leaf(low, set(r.end...)), low, upper)}
		if r.good {
			g.add(c)
		} else {
			g.add(c, results.ConstraintViolation)
		}
	}
	g.add(Case{Name: "policies: a list that is none", Section: "RFC 5280 §4.2.1.4",
		Chain: ders(g.leaf(g.inter, set(ext(idPolicies, false, []byte{4, 0}))), g.inter)}, results.Malformed)
}
