//go:build !linux

package calibrate

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"runtime"

	"shakedown/results"
)

// ThisMachine tells this machine from others.
func ThisMachine() results.Machine {
	name, _ := os.Hostname()
	sum := sha256.Sum256([]byte("shakedown\x00" + name))
	return results.Machine{ID: hex.EncodeToString(sum[:8]), Kernel: runtime.GOOS, CPU: runtime.GOARCH, CPUs: runtime.NumCPU()}
}
