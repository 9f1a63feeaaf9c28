//go:build !linux

// Where there are no network namespaces, nothing is measured.

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "peers: this runs on Linux only")
	os.Exit(1)
}
