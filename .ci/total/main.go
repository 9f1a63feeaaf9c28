// Command total reads the output of `go test -json`, prints what failed in full
// and what passed by package, and ends with one line that counts all tests.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

func main() {
	count := map[string]int{}
	output := map[string]string{} // of tests that are not done, by name
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // a build error, say
			continue
		}
		name := e.Package + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			output[name] += e.Output
		case "pass", "fail", "skip":
			if e.Action == "fail" {
				fmt.Print(output[name])
			}
			delete(output, name)
			if e.Test != "" {
				count[e.Action]++
				continue
			}
			fmt.Printf("%-4s %s %.1fs\n", e.Action, e.Package, e.Elapsed)
			count["package "+e.Action]++
		}
	}
	fmt.Printf("packages: %d passed, %d failed, %d without tests\n", count["package pass"], count["package fail"], count["package skip"])
	fmt.Printf("%d passed, %d failed, %d skipped\n", count["pass"], count["fail"]+orphans(count), count["skip"])
	if count["package fail"] > 0 || count["fail"] > 0 || count["pass"] == 0 {
		os.Exit(1)
	}
}

// orphans counts packages that failed without a failing test: one that does not
// build, or a test binary that died.
func orphans(count map[string]int) int {
	if count["fail"] == 0 {
		return count["package fail"]
	}
	return 0
}
