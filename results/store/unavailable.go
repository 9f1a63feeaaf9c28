// What is wrong with a store that is there: another time it may do.

package store

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// Unavailable reports whether an error is of a store that cannot be used just now:
// its server is not reached, or another process holds its file.
func Unavailable(err error) bool {
	var connect *pgconn.ConnectError
	var file *sqlite.Error
	return errors.As(err, &connect) || errors.As(err, &file) && file.Code()&0xff == lib.SQLITE_BUSY
}
