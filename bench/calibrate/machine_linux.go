// Machine: what a calibration holds for.

package calibrate

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"shakedown/results"
)

// ThisMachine tells this machine from others. The host's own id is hashed, as
// machine-id(5) asks.
func ThisMachine() results.Machine {
	var u unix.Utsname
	unix.Uname(&u) // cannot fail with memory of our own
	name, _ := os.Hostname()
	id, _ := os.ReadFile("/etc/machine-id") // then the name alone has to do
	sum := sha256.Sum256([]byte("shakedown\x00" + strings.TrimSpace(string(id)) + "\x00" + name))
	return results.Machine{
		ID:     hex.EncodeToString(sum[:8]),
		Kernel: unix.ByteSliceToString(u.Release[:]),
		CPU:    cmp.Or(processor(), runtime.GOARCH),
		CPUs:   runtime.NumCPU(),
	}
}

// processor is the first processor's name, "" where the kernel tells none.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, 1<<20))
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
