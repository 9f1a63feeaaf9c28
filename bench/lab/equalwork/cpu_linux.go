// CPU: the processor time of a server with all its processes and threads, those
// that have ended too, in nanoseconds. /proc counts it in hundredths of a second.

package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// clockOf is the clock of a process's processor time (clock_getcpuclockid(3)).
func clockOf(pid int) int32 {
	const scheduled = 2 // time that the scheduler gave, not ticks
	return int32(^pid<<3 | scheduled)
}

func cpuOf(pid int) (time.Duration, error) {
	var sum time.Duration
	family, err := descendants(pid)
	for _, p := range append([]int{pid}, family...) {
		var t unix.Timespec
		if err := unix.ClockGettime(clockOf(p), &t); err != nil {
			return 0, fmt.Errorf("reading the processor time of process %d: %w", p, err)
		}
		sum += time.Duration(t.Nano())
	}
	return sum, err
}

// descendants are a process's children and theirs.
func descendants(pid int) ([]int, error) {
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil, fmt.Errorf("looking for a server's processes: %w", err)
	}
	var all []int
	for _, task := range tasks {
		list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		if err != nil {
			continue // the thread has ended meanwhile
		}
		for _, field := range bytes.Fields(list) {
			child, err := strconv.Atoi(string(field))
			if err != nil {
				continue
			}
			more, err := descendants(child)
			if err != nil {
				return nil, err
			}
			all = append(append(all, child), more...)
		}
	}
	return all, nil
}
