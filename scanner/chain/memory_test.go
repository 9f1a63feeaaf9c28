package chain

import (
	"fmt"
	"testing"
)

// What is remembered is what would be found anew, and it stays within its bounds.
func TestMemory(t *testing.T) {
	root := newCA(t, "Root", nil)
	roots := rootsOf(root)
	m := &roots.memory
	var oldest *cert
	for i := range maxRemembered + 9 {
		der := newLeaf(t, root, withNames(fmt.Sprintf("host%d.example", i))).x.Raw
		c := m.parse(der)
		if again := m.parse(der); again != c || c.sum != parse(der).sum {
			t.Fatalf("certificate %d is not remembered", i)
		}
		anchor := parse(root.x.Raw)
		first, again := m.verify(c, anchor), m.verify(c, anchor)
		if first != good || again != good || m.verify(anchor, c) == good {
			t.Fatalf("certificate %d: its signature is not remembered as it is", i)
		}
		if oldest == nil {
			oldest = c
		}
		if len(m.certs) > maxRemembered || len(m.verdicts) > maxRemembered {
			t.Fatalf("%d certificates and %d verdicts are kept", len(m.certs), len(m.verdicts))
		}
	}
	if m.parse(oldest.der) == oldest {
		t.Error("the first certificate is still kept")
	}
}
