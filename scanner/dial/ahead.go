// Ahead: connections that are opened while the question before theirs is under
// way, so that a series of questions costs one round trip each and not two. They
// are of the budget like all others. Where they would not be quicker, or the
// server shows that it does not like them, none are opened.

package dial

import (
	"context"
	"sync"
	"time"

	"shakedown/results"
)

const (
	// worthwhile is how long opening must take for it to be worth while to do it
	// early: not on this machine, nor in the next room.
	worthwhile = time.Millisecond
	// leisure is what a server that is not busy may need for an answer beside its
	// way; see tempo.
	leisure = 5 * time.Millisecond
	// acquainted is after how many answers a server's tempo is known.
	acquainted = 4
)

// Ahead is a connection for the next question of a series.
type Ahead struct {
	lane   *Lane
	placed chan struct{} // a place was found, or given up
	done   chan struct{}
	giveUp context.CancelFunc

	mu   sync.Mutex
	conn *Conn // nil if it is not open, or came to nothing
	left bool
}

// Ahead begins to open a connection, before those who carry on no series, and before
// all if it is urgent.
func (l *Lane) Ahead(ctx context.Context, isUrgent bool) *Ahead {
	a := &Ahead{lane: l, placed: make(chan struct{}), done: make(chan struct{})}
	waiting, giveUp := context.WithCancel(ctx)
	a.giveUp = giveUp
	w := l.share.apply(l, turnOf(isUrgent))
	go a.open(waiting, ctx, w)
	return a
}

// PaysAhead reports whether it is quicker to open the next connection before it
// is needed, and does no harm.
func (l *Lane) PaysAhead(isUrgent bool) bool {
	return l.tempo.pays() && l.share.atEase(turnOf(isUrgent))
}

// IsNear reports whether opening a connection takes hardly any time: then how many
// there are counts, not how many wait for one another.
func (l *Lane) IsNear() bool { return l.tempo.way() < worthwhile }

// Way is about how long opening a connection takes; 0 if none was opened yet.
func (l *Lane) Way() time.Duration { return l.tempo.way() }

func turnOf(isUrgent bool) turn {
	if isUrgent {
		return urgent
	}
	return ofSeries
}

func (a *Ahead) open(waiting, ctx context.Context, w *waiter) {
	defer close(a.done)
	c, f := a.lane.enter(waiting, ctx, w)
	close(a.placed)
	if f == nil {
		c, f, _ = c.begin(a.lane.d.opt.Timeout)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if f == nil {
		c.ahead, a.conn = true, c
	}
	a.passOn()
}

// Take waits for the connection and gives it the time of a new one. Where it
// came to nothing, which says nothing of the question, it is opened anew.
func (a *Ahead) Take(ctx context.Context) (*Conn, *results.Failure) {
	<-a.done
	a.giveUp()
	if a.conn == nil {
		return a.lane.open(ctx, ofSeries, a.lane.d.opt.Timeout)
	}
	c, f, _ := a.conn.begin(a.lane.d.opt.Timeout)
	return c, f
}

// Leave is for who does not need it after all: it is for whoever comes next.
func (a *Ahead) Leave() {
	a.giveUp()
	<-a.placed
	a.mu.Lock()
	defer a.mu.Unlock()
	a.left = true
	a.passOn()
}

// passOn hands over what is not needed. It is not kept where other addresses wait
// for its place, and never for long: a server that serves one connection after
// the other would wait for it in vain.
func (a *Ahead) passOn() {
	if !a.left || a.conn == nil {
		return
	}
	c := a.conn
	a.conn = nil
	if c.lane.share.handOver(c, c.lane.d.all.anyLeft()) {
		time.AfterFunc(2*c.lane.tempo.way(), func() { c.lane.share.drop(c) })
	}
}

// renew gives a connection its time from now on.
func (c *Conn) renew(deadline time.Time) {
	c.SetDeadline(deadline)
	if c.ctx.Err() != nil { // the end of the run came between
		c.SetDeadline(time.Unix(1, 0))
	}
}

// judge notes whether a connection was ended by the server before anything was
// said on it.
func (c *Conn) judge(err error) {
	if err == nil || !c.ahead || c.heard {
		return
	}
	f := c.Failure(results.StageHello, err)
	if f.Kind == results.KindEOF || f.Kind == results.KindReset {
		c.stale = true
		c.lane.tempo.broke()
	}
}

// Stale reports whether a connection may have ended while it waited for its
// question, which then was not answered and must be put again.
func (c *Conn) Stale() bool { return c.stale }

// tempo is how quickly a server lets connections in and answers. One that
// answers late serves others before, perhaps one after the other: there a
// connection that waits for its question holds up all those behind it.
type tempo struct {
	mu           sync.Mutex
	opening      time.Duration // the shortest
	prompt, late int           // answers
	broken       bool          // a connection ended while it waited
}

func (t *tempo) opened(took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.opening == 0 || took < t.opening {
		t.opening = took
	}
}

func (t *tempo) answered(after time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if after > t.opening+t.opening/2+leisure {
		t.late++
	} else {
		t.prompt++
	}
}

func (t *tempo) broke() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broken = true
}

// way is the time of opening a connection.
func (t *tempo) way() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.opening
}

func (t *tempo) pays() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.opening >= worthwhile && t.prompt >= acquainted && 4*t.late <= t.prompt && !t.broken
}
