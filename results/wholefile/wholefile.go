// Package wholefile replaces files whole or not at all: who reads one meanwhile,
// or after a crash, finds the old or the new. It knows nothing of what is in them.
package wholefile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is to take the place of a name.
type File struct {
	name string
	temp *os.File
}

// Create begins a file beside its name, and so finds out that it can be written
// there. It ends with Replace or Drop.
func Create(name string) (*File, error) {
	temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return nil, err
	}
	return &File{name, temp}, nil
}

// Replace puts what write writes in place; after an error the old file stands as
// it was.
func (f *File) Replace(mode fs.FileMode, write func(io.Writer) error) error {
	err := write(f.temp)
	if err == nil {
		err = errors.Join(f.temp.Chmod(mode), f.temp.Sync(), f.temp.Close())
	}
	if err == nil {
		err = os.Rename(f.temp.Name(), f.name)
	}
	if err != nil {
		f.Drop()
	}
	return err
}

// Drop leaves the old file as it is.
func (f *File) Drop() {
	f.temp.Close()
	os.Remove(f.temp.Name())
}

// Write replaces a file by what write writes.
func Write(name string, mode fs.FileMode, write func(io.Writer) error) error {
	f, err := Create(name)
	if err != nil {
		return err
	}
	return f.Replace(mode, write)
}
