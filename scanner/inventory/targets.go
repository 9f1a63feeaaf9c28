// A list of TARGETs, as it comes on standard input.

package inventory

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"shakedown/results/strictyaml"
)

// ReadTargets reads one target a line. What follows a # is a comment, empty
// lines are skipped, an address that came before is dropped. Every bad line is
// named; name stands for the list in the messages.
func ReadTargets(r io.Reader, name string) ([]Path, error) {
	var (
		paths    []Path
		mistakes = strictyaml.Mistakes{File: name}
		seen     = map[address]bool{}
		lines    = bufio.NewScanner(io.LimitReader(r, maxBytes+1))
		line, n  int
	)
	for lines.Scan() {
		line++
		if n += len(lines.Bytes()) + 1; n > maxBytes {
			return nil, fmt.Errorf("%s: the list is larger than %d MB: split it", name, maxBytes>>20)
		}
		text := targetOf(lines.Text(), line)
		if text == "" {
			continue
		}
		p, err := ParseTarget(text)
		if err != nil {
			mistakes.Add(line, "%v", err)
			continue
		}
		if a := addressOf(p); !seen[a] {
			seen[a] = true
			paths = append(paths, p)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		mistakes.Add(line+1, "the line is too long: give one target a line")
	} else if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if err := mistakes.Err(); err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: no target in it: give one a line, as host:port", name)
	}
	return paths, nil
}

// targetOf strips a comment, the space around, and an editor's byte order mark.
func targetOf(s string, line int) string {
	if line == 1 {
		s = strings.TrimPrefix(s, "\ufeff")
	}
	s, _, _ = strings.Cut(s, "#")
	return strings.TrimSpace(s)
}

// address is what makes two targets the same.
type address struct {
	scheme, host string
	port         uint16
}

func addressOf(p Path) address {
	return address{p.Scheme, strings.ToLower(p.Host), p.Port}
}
