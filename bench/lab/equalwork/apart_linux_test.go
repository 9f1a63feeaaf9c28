package main

import "testing"

func TestMask(t *testing.T) {
	for cpu, want := range map[int]string{0: "1", 1: "2", 31: "80000000", 32: "1,00000000", 69: "20,00000000,00000000"} {
		if got := mask(cpu); got != want {
			t.Errorf("processor %d: %s, want %s", cpu, got, want)
		}
	}
}
