// Pin: the server on one processor and the clients on another, so that a client's
// own work, which is what differs, does not empty the server's caches.

package main

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// processor is the server's or the clients' of those that we may use; false if there
// is but one.
func processor(whose int) (cpu int, ok bool, err error) {
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(1, &may); err != nil { // init's: our own may be pinned already
		if err := unix.SchedGetaffinity(0, &may); err != nil {
			return 0, false, fmt.Errorf("asking for processors: %w", err)
		}
	}
	if may.Count() < 2 {
		return 0, false, nil
	}
	for ; !may.IsSet(cpu) || whose > 0; cpu++ {
		if may.IsSet(cpu) {
			whose--
		}
	}
	return cpu, true, nil
}

// pin keeps this process, and what it starts from now on, to a processor; false if
// there is but one.
func pin(whose int) (bool, error) {
	cpu, ok, err := processor(whose)
	if err != nil || !ok {
		return false, err
	}
	var one unix.CPUSet
	one.Set(cpu)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return false, fmt.Errorf("listing threads: %w", err)
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err == nil {
			err = unix.SchedSetaffinity(id, &one)
		}
		if err != nil && err != unix.ESRCH {
			return false, fmt.Errorf("keeping to one processor: %w", err)
		}
	}
	return true, nil
}

// prefer asks that a session of processes goes before what else the machine does.
// It needs privilege; without it, or without autogroups (sched(7)), a busy machine
// makes the blocks vary more, and no ratio wrong.
func prefer(pid int) {
	os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", pid), []byte("-15"), 0)
}
