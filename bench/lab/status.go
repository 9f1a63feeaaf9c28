// What runs of a lab, where, and why something does not.

package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"shakedown/results"
)

// Report is what `status` says of a lab.
type Report struct {
	Dir       string
	Phase     Phase // "" if there is no lab
	Failure   string
	StartedAt time.Time
	Servers   []ServerStatus
	Paths     []Path
	Missing   Missing // programs that are not installed
}

// ServerStatus is one server that should run.
type ServerStatus struct {
	Name, Program string
	Kind          results.PathKind // "" for a server that is no path
	Address       string
	PID           int
	Up            bool
	Why           string // it does not
	Log           string // the end of its log, where it is not up
}

// OK says that a lab is there and all of it is up.
func (r Report) OK() bool {
	for _, s := range r.Servers {
		if !s.Up {
			return false
		}
	}
	return r.Phase == Running
}

// Status looks at the lab in dir: at each process, and by a handshake at each
// path. No lab is a Report too; an error says that one could not look.
func Status(ctx context.Context, dir string) (Report, error) {
	dir, err := named(dir)
	if err != nil {
		return Report{}, err
	}
	r := Report{Dir: dir, Missing: newHost("").missing()}
	st, err := readState(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	r.Phase, r.Failure, r.StartedAt, r.Paths = st.Phase, st.Failure, st.StartedAt, st.Paths
	r.Servers = inspect(ctx, dir, st)
	return r, nil
}

func inspect(ctx context.Context, dir string, st state) []ServerStatus {
	known := map[string]*Server{}
	for _, s := range recorded(dir) {
		known[s.Name] = s
	}
	all := make([]ServerStatus, len(st.Servers))
	var wg sync.WaitGroup
	for i, e := range st.Servers {
		wg.Go(func() { all[i] = look(ctx, dir, e, known[e.Name], st.Paths) })
	}
	wg.Wait()
	explainEnclave(all)
	return all
}

// explainEnclave names the cause where a path fails because the server that
// holds its keys does.
func explainEnclave(all []ServerStatus) {
	down := slices.ContainsFunc(all, func(s ServerStatus) bool { return s.Name == enclaveToken && !s.Up })
	for i, s := range all {
		if down && s.Kind == results.EnclaveOffloaded && !s.Up {
			all[i].Why += "; its keys are in " + enclaveToken + ", which is down"
		}
	}
}

func look(ctx context.Context, dir string, e entry, s *Server, paths []Path) ServerStatus {
	out := ServerStatus{Name: e.Name, Program: e.Program, Kind: e.Kind}
	for _, p := range paths {
		if p.Name == e.Name {
			out.Address = p.Address
		}
	}
	switch {
	case s == nil:
		out.Why = "was not started"
	case !s.Alive():
		out.PID, out.Why = s.PID(), fmt.Sprintf("process %d has ended", s.PID())
	default:
		out.PID = s.PID()
		out.Why = out.serves(ctx, filepath.Join(dir, serversDir, e.Name))
	}
	out.Up = out.Why == ""
	if !out.Up && s != nil {
		out.Log = s.LogTail()
	}
	return out
}

// serves gives the reason if a live server does not do its work.
func (s *ServerStatus) serves(ctx context.Context, dir string) string {
	if s.Program == "p11-kit" {
		s.Address = filepath.Join(dir, socketFile)
		if err := connectsIn(ctx, dir, socketFile); err != nil {
			return fmt.Sprintf("runs, but its socket does not answer: %v", err)
		}
		return ""
	}
	if s.Address == "" {
		return "runs, but `up` did not get as far as to know it"
	}
	if err := answers(ctx, Path{Name: s.Name, Address: s.Address, ServerName: PortalName}); err != nil {
		return fmt.Sprintf("runs, but no handshake completes: %v", err)
	}
	return ""
}
