// The lab's folder: taken only if it is new, empty or a lab's, held by one
// process at a time, removed only as far as the lab made it.

package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"shakedown/results"
)

// Files of the lab's folder.
const (
	markerFile    = ".shakedown-lab"
	stateFile     = "lab.json"
	InventoryFile = "inventory.yaml"
	RootsFile     = "ca.pem"
	serversDir    = "servers"
	tokensDir     = "tokens"
)

// The marker says that a lab owns the folder, and whether it made it.
const (
	markerMade   = "shakedown lab: made this folder; `shakedown lab down` removes it\n"
	markerFilled = "shakedown lab: filled this folder; `shakedown lab down` empties it\n"
)

// DefaultDir is where a user's lab lives unless --dir says otherwise.
func DefaultDir(getenv func(string) string) string {
	if state := getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "shakedown", "lab")
	}
	if home := getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "shakedown", "lab")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("shakedown-lab-%d", os.Getuid()))
}

// FolderError says that a folder cannot be a lab's.
type FolderError struct{ Dir, Why string }

func (e *FolderError) Error() string {
	return fmt.Sprintf("%s %s; choose another with --dir", e.Dir, e.Why)
}

// BusyError says that another process starts or ends the same lab.
type BusyError struct{ Dir string }

func (e *BusyError) Error() string {
	return fmt.Sprintf("another `shakedown lab` is at work in %s; try again when it is done", e.Dir)
}

// folder is a lab's folder while this process alone may change it.
type folder struct {
	dir    string
	marker *os.File // holds the lock, which a crash gives back
}

// takeFolder makes the folder if need be, marks it, and locks it.
func takeFolder(dir string) (*folder, error) {
	dir, err := named(dir)
	if err != nil {
		return nil, err
	}
	made := false
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		made = true
	}
	if err := ours(dir); err != nil {
		return nil, err
	}
	if !marked(dir) {
		if err := mark(dir, made); err != nil {
			return nil, err
		}
	}
	return lockFolder(dir)
}

// named gives the full name. None at all would be wherever one happens to be.
func named(dir string) (string, error) {
	if dir == "" {
		return "", &FolderError{`""`, "names no folder"}
	}
	return filepath.Abs(dir)
}

// ours is an error unless dir is a folder of this user's that is a lab's or
// empty.
func ours(dir string) error {
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return &FolderError{dir, "is not a folder"}
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok && int(sys.Uid) != os.Geteuid() {
		return &FolderError{dir, "belongs to another user"}
	}
	if marked(dir) {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), markerFile) { // a crash can leave an unfinished marker
			return &FolderError{dir, "holds files that are not a lab's"}
		}
	}
	return os.Chmod(dir, 0o700)
}

func marked(dir string) bool {
	b, err := os.ReadFile(filepath.Join(dir, markerFile))
	return err == nil && strings.HasPrefix(string(b), "shakedown lab:")
}

// mark is the first thing that is written: what follows is the lab's. It
// appears whole, or not at all.
func mark(dir string, made bool) error {
	text := markerFilled
	if made {
		text = markerMade
	}
	fresh := filepath.Join(dir, fmt.Sprintf("%s.%d", markerFile, os.Getpid()))
	if err := os.WriteFile(fresh, []byte(text), 0o600); err != nil {
		return err
	}
	defer os.Remove(fresh)
	err := os.Link(fresh, filepath.Join(dir, markerFile))
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was first; the lock decides
	}
	return err
}

// lockFolder locks a marked folder, or says who must be waited for.
func lockFolder(dir string) (*folder, error) {
	marker, err := os.Open(filepath.Join(dir, markerFile))
	if err != nil {
		return nil, err
	}
	if err := lockSoon(marker); err != nil {
		marker.Close()
		return nil, &BusyError{dir}
	}
	if now, err := os.Stat(marker.Name()); err != nil || !same(marker, now) {
		marker.Close()
		return nil, &BusyError{dir} // removed by `down` between the open and the lock
	}
	return &folder{dir: dir, marker: marker}, nil
}

// lockPatience is how long a lock is waited for. One that was killed may leave a
// child between fork and exec, which holds the lock a moment longer.
const lockPatience = 2 * time.Second

func lockSoon(marker *os.File) (err error) {
	for began := time.Now(); time.Since(began) < lockPatience; time.Sleep(10 * time.Millisecond) {
		if err = lock(marker); err == nil {
			return nil
		}
	}
	return err
}

func same(f *os.File, now fs.FileInfo) bool {
	st, err := f.Stat()
	return err == nil && os.SameFile(st, now)
}

func (f *folder) release() { f.marker.Close() }

// empty removes all but the marker.
func (f *folder) empty() error {
	entries, err := os.ReadDir(f.dir)
	for _, e := range entries {
		if e.Name() != markerFile {
			err = errors.Join(err, os.RemoveAll(filepath.Join(f.dir, e.Name())))
		}
	}
	return err
}

// remove gives the folder back as it was found. The marker goes last.
func (f *folder) remove() (removed bool, err error) {
	b, err := os.ReadFile(f.marker.Name())
	if err != nil {
		return false, err
	}
	if err := f.empty(); err != nil {
		return false, err
	}
	if err := os.Remove(f.marker.Name()); err != nil {
		return false, err
	}
	if string(b) != markerMade {
		return false, nil
	}
	return true, os.Remove(f.dir)
}

// Phase is how far a lab has come.
type Phase string

const (
	Starting Phase = "starting" // or `up` was killed
	Running  Phase = "up"
	Failed   Phase = "failed"
)

// state is what `status` and `down` read. Each server's process is on record in
// the server's own folder.
type state struct {
	Phase     Phase     `json:"phase"`
	Failure   string    `json:"failure,omitempty"`
	StartedAt time.Time `json:"started_at"`
	Servers   []entry   `json:"servers"`
	Paths     []Path    `json:"paths,omitempty"`
}

// entry is one server that should run.
type entry struct {
	Name    string           `json:"name"`
	Program string           `json:"program"`
	Kind    results.PathKind `json:"kind,omitempty"`
}

func (f *folder) write(s state) error { return writeJSON(filepath.Join(f.dir, stateFile), s) }

func readState(dir string) (state, error) {
	var s state
	b, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("reading %s: %w", filepath.Join(dir, stateFile), err)
	}
	return s, nil
}

// recorded gives every server whose process is on record, whatever the state
// file says: after a crash the records alone are true.
func recorded(dir string) []*Server {
	files, _ := filepath.Glob(filepath.Join(escapeGlob(dir), serversDir, "*", processFile))
	var servers []*Server
	for _, file := range files {
		s := &Server{Dir: filepath.Dir(file), Name: filepath.Base(filepath.Dir(file))}
		if b, err := os.ReadFile(file); err == nil && json.Unmarshal(b, &s.proc) == nil {
			servers = append(servers, s)
		}
	}
	return servers
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}
