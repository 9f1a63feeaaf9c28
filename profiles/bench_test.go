package profiles

import "testing"

// BenchmarkJudge is one endpoint judged by everything that is not a vendor's,
// and matched with all that is.
func BenchmarkJudge(b *testing.B) {
	lib := Builtin()
	e := everyServer(b)["aws-elb/ELBSecurityPolicy-2016-08"]
	for _, name := range []string{"known-weaknesses", "nist-800-52r2", "aws-elb/ELBSecurityPolicy-2016-08"} {
		p, err := lib.Find(name)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Judge(e, p, at)
			}
		})
	}
	b.Run("match", func(b *testing.B) {
		for b.Loop() {
			lib.Match(e)
		}
	})
}
