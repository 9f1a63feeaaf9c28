// Accept: servers of tests that treat every connection alike.

package main

import "net"

// acceptAll serves every connection of a listener, each by itself, and closes it, until
// the listener is closed.
func acceptAll(l net.Listener, serve func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			serve(c)
		}()
	}
}
