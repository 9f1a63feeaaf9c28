// Files that a run writes. A name that is there already keeps what it holds until
// nothing speaks against the run: a mistake in the flags costs no record.

package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// outFile is a file to write to, which is emptied by begin alone.
type outFile struct {
	*os.File
	fresh bool // was not there before
}

// openFile finds out that a file can be written, and leaves it as it is.
func openFile(name string) (*outFile, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err == nil {
		return &outFile{file, true}, nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	file, err = os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o666) // through a link to what is not there, too
	if err != nil {
		return nil, err
	}
	return &outFile{file, false}, nil
}

// begin empties the file, or goes to its end to add to it. Devices and pipes have
// neither.
func (f *outFile) begin(add bool) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return nil
	case add:
		_, err = f.Seek(0, io.SeekEnd)
		return err
	}
	return f.Truncate(0)
}

// undo closes the file and takes it away if it is new.
func (f *outFile) undo() {
	f.Close()
	if f.fresh {
		os.Remove(f.Name())
	}
}
