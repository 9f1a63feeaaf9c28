package bench

import (
	"io"
	"net"
	"strings"
	"testing"
)

// An answer is taken up to a bound, however long its head or its body is.
func TestAnswersAreBounded(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct {
		name, begins, goesOn string
		again, fails         bool
	}{
		{"short", ok + "Content-Length: 2\r\n\r\nok", "", true, false},
		{"and closes", ok + "Content-Length: 2\r\nConnection: close\r\n\r\nok", "", false, false},
		{"a head without end", ok, "X: " + strings.Repeat("x", 1000) + "\r\n", false, true},
		{"a body without end", ok + "Content-Length: 1000000000000\r\n\r\n", strings.Repeat("x", 1000), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ours, theirs := net.Pipe()
			defer ours.Close()
			sent := make(chan int)
			go func() {
				theirs.Read(make([]byte, 100))
				n, err := io.WriteString(theirs, c.begins)
				for err == nil && c.goesOn != "" {
					var more int
					more, err = io.WriteString(theirs, c.goesOn)
					n += more
				}
				sent <- n
			}()
			again, err := newRegular(ours).get("GET / HTTP/1.1\r\n\r\n")
			ours.Close()
			if again != c.again || (err != nil) != c.fails {
				t.Errorf("again %v, error %v", again, err)
			}
			if n := <-sent; n > mostAnswer+2000 {
				t.Errorf("%d bytes were taken", n)
			}
		})
	}
}
