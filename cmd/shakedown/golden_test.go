package main

import "flag"

// update rewrites golden files and scripts: go test ./cmd/shakedown -update.
var update = flag.Bool("update", false, "rewrite golden files")
