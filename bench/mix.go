// Mix: which handshakes are to be resumed ones.

package bench

import "math/rand/v2"

// mix deals out full and resumed handshakes in a set ratio. Each hand of twenty
// has as many of either as the ratio says, in an order drawn by lot: so the ratio
// is exact, and nothing else that goes in steps keeps step with it.
type mix struct {
	ratio float64
	rng   *rand.Rand
	hand  []bool
	owed  float64 // resumed ones, below one, that the hands so far fell short of
}

const handSize = 20

func newMix(ratio float64, seed, stream uint64) *mix {
	m := &mix{ratio: ratio}
	if ratio > 0 && ratio < 1 {
		m.rng = rand.New(rand.NewPCG(seed, stream))
		m.owed = m.rng.Float64()
	}
	return m
}

// next says whether the next handshake is to be resumed.
func (m *mix) next() bool {
	if m.rng == nil {
		return m.ratio >= 1
	}
	if len(m.hand) == 0 {
		m.deal()
	}
	resume := m.hand[0]
	m.hand = m.hand[1:]
	return resume
}

func (m *mix) deal() {
	m.owed += m.ratio * handSize
	n := min(int(m.owed), handSize)
	m.owed -= float64(n)
	m.hand = make([]bool, handSize)
	for i := range n {
		m.hand[i] = true
	}
	m.rng.Shuffle(handSize, func(i, j int) { m.hand[i], m.hand[j] = m.hand[j], m.hand[i] })
}

// many deals n at once.
func (m *mix) many(n int) []bool {
	if m.ratio == 0 {
		return nil
	}
	list := make([]bool, n)
	for i := range list {
		list[i] = m.next()
	}
	return list
}
