package results

import (
	"reflect"
	"testing"
	"unsafe"
)

// Records that went through Once say the same, share what is alike, and leave
// what they were made from alone.
func TestOnce(t *testing.T) {
	var o Once
	first, second := everyRecord(), everyRecord()
	for i := range first {
		a, b := o.Record(first[i]), o.Record(second[i])
		if !reflect.DeepEqual(a, everyRecord()[i]) || !reflect.DeepEqual(b, everyRecord()[i]) {
			t.Errorf("%s says something else: %+v", a.Type(), a)
		}
		if !reflect.DeepEqual(first[i], everyRecord()[i]) {
			t.Errorf("the %s that was given is changed: %+v", a.Type(), first[i])
		}
		switch a := a.(type) {
		case *Endpoint:
			b := b.(*Endpoint)
			if &a.Suites[TLSv12][0] != &b.Suites[TLSv12][0] || &a.Chains[0] != &b.Chains[0] || &a.Failures[0] != &b.Failures[0] {
				t.Error("two endpoints that are alike share nothing")
			}
		case *Finding:
			if unsafe.StringData(a.Mend) != unsafe.StringData(b.(*Finding).Mend) {
				t.Error("two findings that are alike share nothing")
			}
		}
	}
}

// What differs in one thing shares the rest.
func TestOncePartly(t *testing.T) {
	var o Once
	a, b := everyRecord()[0].(*Endpoint), everyRecord()[0].(*Endpoint)
	other := b.Chains[0]
	other.Problems = nil
	b.Chains, b.Versions = []Chain{other, b.Chains[0]}, map[Version]Answer{TLSv13: No}
	a, b = o.Endpoint(a), o.Endpoint(b)
	if len(b.Chains) != 2 || b.Chains[0].Problems != nil || b.Chains[1].Problems == nil || b.Versions[TLSv13] != No || a.Versions[TLSv13] != Yes {
		t.Errorf("they are mixed up: %+v, %+v", a, b)
	}
	if &a.Chains[0].Certificates[0].DER[0] != &b.Chains[0].Certificates[0].DER[0] || &a.Failures[0] != &b.Failures[0] {
		t.Error("they share nothing")
	}
}
