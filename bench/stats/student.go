// Student's t distribution: what is needed of it, and no more.

package stats

import "math"

// tailT is the probability that |T| of df degrees of freedom exceeds t ≥ 0.
func tailT(t, df float64) float64 {
	if math.IsInf(t, 1) {
		return 0
	}
	return incompleteBeta(df/2, 0.5, df/(df+t*t))
}

// quantileT is the t ≥ 0 below which T of df degrees of freedom lies with a
// probability p of at least one half.
func quantileT(p, df float64) float64 {
	low, high := 0.0, 1.0
	for tailT(high, df)/2 > 1-p {
		low, high = high, 2*high
	}
	for { // halve the interval to the last bit
		mid := (low + high) / 2
		switch {
		case mid <= low || mid >= high:
			return high
		case tailT(mid, df)/2 > 1-p:
			low = mid
		default:
			high = mid
		}
	}
}

// incompleteBeta is the regularised incomplete beta function I_x(a, b)
// (Abramowitz and Stegun 26.5).
func incompleteBeta(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2): // where the fraction below converges slowly
		return 1 - incompleteBeta(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab - la - lb + a*math.Log(x) + b*math.Log1p(-x))
	return front * betaFraction(a, b, x) / a
}

// betaFraction evaluates the continued fraction 26.5.8 by Lentz's method.
func betaFraction(a, b, x float64) float64 {
	const tiny, enough, most = 1e-300, 1e-15, 10000
	c, d := 1.0, 0.0
	f := 1.0
	for m := 0; m < most; m++ {
		term := 1.0
		switch k := float64(m / 2); {
		case m == 0:
		case m%2 == 0:
			term = k * (b - k) * x / ((a + 2*k - 1) * (a + 2*k))
		default:
			term = -(a + k) * (a + b + k) * x / ((a + 2*k) * (a + 2*k + 1))
		}
		d = 1 / nonzero(1+term*d, tiny)
		c = nonzero(1+term/c, tiny)
		step := c * d
		f *= step
		if m > 0 && math.Abs(step-1) < enough {
			break
		}
	}
	return f - 1
}

func nonzero(v, tiny float64) float64 {
	if math.Abs(v) < tiny {
		return tiny
	}
	return v
}
