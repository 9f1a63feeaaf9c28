// Curves that crypto/ecdh does not have: Brainpool's and that of SM2. What is agreed
// on here is no secret, so that the arithmetic need not hide anything, and servers
// that have no other curve are few, so that it need not be quick.

package handshake

import (
	"crypto/rand"
	"math/big"
	"slices"
	"sync"

	"shakedown/scanner/wire"
)

// curve is y² = x³ + ax + b over the integers modulo p.
type curve struct {
	groups  []uint16 // that it is: Brainpool's have other numbers in TLS 1.3 (RFC 8734 §3)
	p, a, b *big.Int
	base    point
}

// point is one of a curve. The zero value is that at infinity.
type point struct{ x, y *big.Int }

// curves are read when first asked for.
var curves = sync.OnceValue(func() []curve {
	number := func(hex string) *big.Int {
		n, _ := new(big.Int).SetString(hex, 16)
		return n
	}
	return []curve{
		{ // brainpoolP256r1: RFC 5639 §3.4
			groups: []uint16{0x001A, 0x001F},
			p:      number("a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377"), a: number("7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9"), b: number("26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6"),
			base: point{number("8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262"), number("547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997")},
		},
		{ // brainpoolP384r1: §3.6
			groups: []uint16{0x001B, 0x0020},
			p:      number("8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53"), a: number("7bc382c63d8c150c3c72080ace05afa0c2bea28e4fb22787139165efba91f90f8aa5814a503ad4eb04a8c7dd22ce2826"), b: number("04a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11"),
			base: point{number("1d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e"), number("8abe1d7520f9c2a45cb1eb8e95cfd55262b70b29feec5864e19c054ff99129280e4646217791811142820341263c5315")},
		},
		{ // brainpoolP512r1: §3.7
			groups: []uint16{0x001C, 0x0021},
			p: number("aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330871" +
				"7d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3"), a: number("7830a3318b603b89e2327145ac234cc594cbdd8d3df91610a83441caea9863bc" +
				"2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94ca"), b: number("3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a7" +
				"2bf2c7b9e7c1ac4d77fc94cadc083e67984050b75ebae5dd2809bd638016f723"),
			base: point{number("81aee4bdd82ed9645a21322e9c4c6a9385ed9f70b5d916c1b43b62eef4d0098e" +
				"ff3b1f78e2d0d48d50d1687b93b97d5f7c6d5047406a5e688b352209bcb9f822"), number("7dde385d566332ecc0eabfa9cf7822fdf209f70024a57b1aa000c55b881f8111" +
				"b2dcde494a5f485e5bca4bd88a2763aed1ca2b2fa8f0540678cd1e0f3ad80892")},
		},
		{ // curveSM2: RFC 8998 §3.1
			groups: []uint16{0x0029},
			p:      number("fffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffff"), a: number("fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc"), b: number("28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"),
			base: point{number("32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"), number("bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0")},
		},
	}
})

// newCurveKey makes a key of a group that is one of these curves.
func newCurveKey(group uint16) (*Key, error) {
	i := slices.IndexFunc(curves(), func(c curve) bool { return slices.Contains(c.groups, group) })
	c := curves()[i]
	private, err := rand.Int(rand.Reader, c.p)
	if err != nil {
		return nil, err
	}
	return &Key{wire.KeyShare{Group: group, Data: c.marshal(c.times(c.base, private))}, func(server []byte) ([]byte, error) {
		public, ok := c.unmarshal(server)
		if !ok {
			return nil, errShare
		}
		shared := c.times(public, private)
		if shared.x == nil {
			return nil, errShare
		}
		return shared.x.FillBytes(make([]byte, c.size())), nil
	}}, nil
}

func (c *curve) size() int { return (c.p.BitLen() + 7) / 8 }

// marshal is the uncompressed form (RFC 8446 §4.2.8.2).
func (c *curve) marshal(q point) []byte {
	b := make([]byte, 1+2*c.size())
	b[0] = 4
	q.x.FillBytes(b[1 : 1+c.size()])
	q.y.FillBytes(b[1+c.size():])
	return b
}

// unmarshal reads a point, which must be one of the curve.
func (c *curve) unmarshal(b []byte) (q point, ok bool) {
	if len(b) != 1+2*c.size() || b[0] != 4 {
		return point{}, false
	}
	q = point{new(big.Int).SetBytes(b[1 : 1+c.size()]), new(big.Int).SetBytes(b[1+c.size():])}
	if q.x.Cmp(c.p) >= 0 || q.y.Cmp(c.p) >= 0 {
		return point{}, false
	}
	left := new(big.Int).Mul(q.y, q.y)
	right := new(big.Int).Mul(q.x, q.x)
	right.Add(right, c.a).Mul(right, q.x).Add(right, c.b)
	return q, left.Sub(left, right).Mod(left, c.p).Sign() == 0
}

// times adds a point to itself, n times in all.
func (c *curve) times(q point, n *big.Int) (sum point) {
	for i := n.BitLen() - 1; i >= 0; i-- {
		sum = c.add(sum, sum)
		if n.Bit(i) == 1 {
			sum = c.add(sum, q)
		}
	}
	return sum
}

// add adds two points by the line through them (SEC 1 §2.2.1).
func (c *curve) add(q, r point) point {
	var rise, run *big.Int
	switch {
	case q.x == nil:
		return r
	case r.x == nil:
		return q
	case q.x.Cmp(r.x) != 0:
		rise, run = new(big.Int).Sub(r.y, q.y), new(big.Int).Sub(r.x, q.x)
	case q.y.Cmp(r.y) != 0 || q.y.Sign() == 0:
		return point{}
	default: // the tangent
		rise = new(big.Int).Mul(q.x, q.x)
		rise.Mul(rise, big.NewInt(3)).Add(rise, c.a)
		run = new(big.Int).Lsh(q.y, 1)
	}
	slope := rise.Mul(rise, run.ModInverse(run.Mod(run, c.p), c.p))
	slope.Mod(slope, c.p)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, q.x).Sub(x, r.x).Mod(x, c.p)
	y := new(big.Int).Sub(q.x, x)
	return point{x, y.Mul(y, slope).Sub(y, q.y).Mod(y, c.p)}
}
