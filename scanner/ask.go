// asker puts questions to one address: it exchanges, asks again what got no
// answer, and keeps count of what failed.

package scanner

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"shakedown/results"
	"shakedown/scanner/dial"
	"shakedown/scanner/wire"
)

// asker puts questions to one address. It is safe for concurrent use.
type asker struct {
	lane     *dial.Lane
	patience time.Duration // of the second asking
	insist   bool          // ask again even where nothing was ever heard
	// shown is told of every chain that an answer brought; nil if nobody wants to know.
	shown func(serverName string, certs [][]byte)
	told  atomic.Pointer[sentChain] // the last of these

	lines     atomic.Int32             // of questions, that are carried on side by side
	left      int                      // connections of a lane that was left
	knocks    atomic.Int32             // first questions that are not answered yet
	knocked   gate                     // none of them is
	heard     gate                     // something of TLS came from here
	control   atomic.Pointer[question] // a question that was accepted
	curved    atomic.Pointer[question] // one that was answered to a key exchange on a curve
	brief     atomic.Bool              // few schemes at a time were shown to be read, and many not
	readsLong atomic.Bool              // many were
	retries   atomic.Bool              // a HelloRetryRequest was seen,
	hears     atomic.Bool              // or its want shown to be none
	deaf      atomic.Bool              // it was shown that there is none to be had
	closes    atomic.Bool              // a close was shown to be a refusal,
	partsWell atomic.Bool              // and one with a close_notify
	finishing sync.Mutex               // held while a handshake is tried again; guards stalls
	stalls    int                      // handshakes that were tried again and met silence
	mu        sync.Mutex               // guards failures
	failures  []results.Failure
	aside     aside
	temper    temper
	presence  presence
}

func newAsker(lane *dial.Lane, patience time.Duration, insist bool) *asker {
	return &asker{lane: lane, patience: patience, insist: insist, presence: presence{looking: make(chan struct{}, 1)}}
}

// inquiry is what can be put to a server over one connection: a question, or
// one in the language of SSLv2.
type inquiry interface {
	put(*dial.Conn) *answer
	asked() *question // not to be changed; nil in the language of SSLv2
}

func (q *question) asked() *question { return q }

// ask puts a question, and once more, slowly and with the address to itself,
// if it got no usable answer. A server that closes the connection, accepts a
// control question and then closes again has refused: one that was merely full
// would have had room after the control. So has one that sends the same alert
// before and after, whatever that alert means elsewhere.
func (a *asker) ask(ctx context.Context, q inquiry) *answer { return a.inLine(ctx, q, a.lane.Open) }

// askFirst is ask before all that nothing else rests on.
func (a *asker) askFirst(ctx context.Context, q inquiry) *answer {
	return a.inLine(ctx, q, a.lane.OpenFirst)
}

// inLine counts among those that wait for a place, or have one.
func (a *asker) inLine(ctx context.Context, q inquiry, open opener) (got *answer) {
	a.lines.Add(1)
	defer a.lines.Add(-1)
	return a.settle(ctx, q, a.exchange(ctx, q, open))
}

// idle reports whether there are places that nobody uses, or hardly anybody waits
// for.
func (a *asker) idle() bool { return int(a.lines.Load()) < a.lane.Width()+4 }

// knock is ask for the first questions, which are put side by side before
// anything is known: whether it is worth asking again shows when one of them was
// answered, or all of them were not. before is its answer, if it was put before.
func (a *asker) knock(ctx context.Context, q inquiry, before *answer) *answer {
	a.lines.Add(1)
	defer a.lines.Add(-1)
	first := before
	if first == nil {
		first = a.exchange(ctx, q, a.lane.OpenFirst)
	}
	if a.knocks.Add(-1) <= 0 {
		a.knocked.open()
	}
	select {
	case <-a.heard.wait():
	case <-a.knocked.wait():
	}
	return a.settle(ctx, q, first)
}

// settle asks again where that may help.
func (a *asker) settle(ctx context.Context, q inquiry, first *answer) *answer {
	return a.weigh(ctx, q, a.askTwice(ctx, q, first))
}

// askTwice asks again what got no usable answer.
func (a *asker) askTwice(ctx context.Context, q inquiry, first *answer) *answer {
	switch {
	case a.refusedAsBefore(first):
		return meant()
	case first.settled() || !a.worthAsking(ctx, first):
		return a.note(first)
	}
	again, refuses := a.askAgain(ctx, q, first)
	switch {
	case refuses:
		return meant()
	case !again.settled():
		a.note(first)
		return a.note(again)
	case first.outcome == closed:
		a.lane.Crowded()
	}
	return again
}

// meant is a refusal that is none by its words.
func meant() *answer { return &answer{outcome: refused, unspoken: true} }

// askAgain puts a question alone, and once more behind a control where that can
// show that the answer was meant as a refusal. Where closing was shown to mean
// that before, the first asking stands for the one before the control.
func (a *asker) askAgain(ctx context.Context, q inquiry, first *answer) (word *answer, refuses bool) {
	word = first
	accepts, full := false, false
	if first.outcome == closed && a.closes.Load() {
		accepts, full = a.controlled(ctx, first)
	}
	controlled := accepts && !full
	if !controlled {
		word = a.exchange(ctx, q, a.slowly(first))
		a.compare(first, word, false)
	}
	// One who closes may do so with a reset once, and once without.
	for told, tries := 0, 0; told < 2 && tries < insistence; tries++ {
		switch {
		case a.refusedAsBefore(word):
			return word, true
		case !a.mayRefuse(q, word):
			return word, false
		}
		if !controlled {
			accepts, full = a.controlled(ctx, word)
		}
		before := word
		switch {
		case !accepts:
			return word, false
		case full: // and perhaps was when it closed
			word = a.exchange(ctx, q, a.alone)
			controlled = false
			continue
		}
		if word = a.exchange(ctx, q, a.alone); sameWord(word, before) && a.hasRoom(ctx, word) {
			a.learn(word)
			return word, true
		}
		a.compare(before, word, !controlled)
		controlled = false
		told++
	}
	return word, false
}

// hasRoom reports whether the server answers others right behind a close: one that has
// turned others away might have been full again.
func (a *asker) hasRoom(ctx context.Context, word *answer) bool {
	if word.outcome != closed || !a.temper.slams.Load() && !a.lane.WasCrowded() {
		return true
	}
	accepts, full := a.controlled(ctx, word)
	return accepts && !full
}

// learn keeps how the server was shown to refuse: where it closes, a control
// alone stands between the first asking and the second from then on.
func (a *asker) learn(refusal *answer) {
	if refusal.outcome == closed {
		a.closes.Store(true)
		a.partsWell.Store(a.partsWell.Load() || refusal.goodbye)
	}
}

// refusedAsBefore reports whether a server says goodbye that was shown to mean a
// refusal by it (s2n-tls): that is as good as an alert. A mere close is not: who
// is full closes too.
func (a *asker) refusedAsBefore(got *answer) bool {
	return got.outcome == closed && got.goodbye && a.partsWell.Load()
}

// mayRefuse reports whether an answer can be how a server refuses. Some stacks
// do with alerts that mean other things (JSSE a group with unexpected_message), or
// encrypt the alert and leave out their ServerHello (picotls a scheme).
// internal_error is none of them: it tells of trouble, which can last; unless it
// answers a name that is none of the server's, or none, beside one that was accepted
// (crypto/tls, where certificates are chosen by name).
func (a *asker) mayRefuse(q inquiry, got *answer) bool {
	f := got.failure
	return got.outcome == closed || got.sealed || a.brokeOff(q, got) || f.Kind == results.KindAlert && f.Stage == results.StageHello && (f.Alert != wire.AlertName(80) || a.strange(q))
}

// brokeOff reports whether a server gives up in place of its key exchange, which it
// came to elsewhere. Some choose ECDHE before they look whether there is a curve
// in common (Mbed TLS 3 closes), or a scheme (LibreSSL says decode_error).
func (a *asker) brokeOff(q inquiry, got *answer) bool {
	f := got.failure
	asked := q.asked()
	if asked == nil || asked.until != untilKeyExchange || got.outcome != failed || f.Stage != results.StageHandshake || a.curved.Load() == nil {
		return false
	}
	return f.Kind == results.KindEOF || f.Kind == results.KindReset || f.Kind == results.KindAlert && f.Alert != wire.AlertName(80)
}

// strange reports whether an inquiry lacks the server name that the control has.
func (a *asker) strange(q inquiry) bool {
	asked, control := q.asked(), a.control.Load()
	return asked != nil && asked.stranger && control != nil && !control.stranger
}

func sameWord(a, b *answer) bool {
	return a.outcome == b.outcome && a.goodbye == b.goodbye && a.failure.Kind == b.failure.Kind && a.failure.Stage == b.failure.Stage && a.failure.Alert == b.failure.Alert
}

// worthAsking reports whether a second asking can change anything. Who closed
// without a word is there, and may have been full.
func (a *asker) worthAsking(ctx context.Context, first *answer) bool {
	switch {
	case ctx.Err() != nil, first.failure.Kind == results.KindInternal, first.failure.Kind == results.KindDeadline:
		return false
	}
	there := first.failure.Kind == results.KindEOF || first.failure.Kind == results.KindReset
	return (a.heard.isOpen() || a.insist || there) && a.present(ctx)
}

// controlled asks what was accepted before: a server that still answers that
// is alive, and its silence to other things was meant. It is to come as far as
// where the other broke off. One that closes on that is full: it is given time.
func (a *asker) controlled(ctx context.Context, other *answer) (accepts, full bool) {
	q := a.control.Load()
	if other.failure.Stage == results.StageHandshake {
		q = a.curved.Load()
	}
	if q == nil {
		return false, false
	}
	for range 2 * insistence {
		got := a.exchange(ctx, q, a.alone)
		if got.outcome == closed || got.failure.Kind == results.KindAlert {
			a.temper.slams.Store(true)
		}
		if got.outcome != closed || got.goodbye || !a.lane.TurnedAway() {
			return got.outcome == accepted, full
		}
		full = true
	}
	return false, full
}

// slowly is how one asks again after an answer. Who sent an alert was not too busy to
// answer: that is asked beside others. Where patience was asked for, a server that
// answers other things and is silent to this may be holding a refusal back: several such
// are waited for at a time.
func (a *asker) slowly(first *answer) opener {
	switch {
	case first.failure.Kind == results.KindAlert:
		return a.lane.Open
	case a.insist && a.heard.isOpen() && first.failure.Kind == results.KindTimeout:
		return func(ctx context.Context) (*dial.Conn, *results.Failure) {
			return a.lane.OpenPatiently(ctx, a.patience)
		}
	}
	return a.alone
}

func (a *asker) alone(ctx context.Context) (*dial.Conn, *results.Failure) {
	return a.lane.OpenAlone(ctx, a.patience)
}

// exchange carries one inquiry over one connection, and a question that the server
// could not read over another, in brief. Who answers that is asked in brief from
// then on.
func (a *asker) exchange(ctx context.Context, q inquiry, open opener) (got *answer) {
	if a.deaf.Load() {
		if bare := keyless(q); bare != nil {
			return a.keyed(ctx, bare, open)
		}
	}
	if got = a.exchangeAny(ctx, q, open); a.wantsShare(q, got) {
		a.withShare(ctx, q, open, got)
	}
	return got
}

// exchangeAny is exchange, but for the want of a key share.
func (a *asker) exchangeAny(ctx context.Context, q inquiry, open opener) (got *answer) {
	if a.brief.Load() {
		if short := briefOf(q); short != nil {
			q = short
		}
		return a.exchangeOnce(ctx, q, open)
	}
	got = a.exchangeOnce(ctx, q, open)
	if unread(got) {
		a.inBrief(ctx, q, open, got)
	}
	return got
}

// exchangeOnce carries one question over one connection.
func (a *asker) exchangeOnce(ctx context.Context, q inquiry, open opener) (got *answer) {
	f := a.connect(ctx, open, func(conn *dial.Conn) { got = q.put(conn) })
	if f != nil {
		got = &answer{failure: *f}
	}
	if got.settled() || got.failure.Kind == results.KindAlert {
		a.heard.open()
	}
	a.presence.hear(got)
	if got.outcome == accepted {
		a.tellChain(q, got)
		a.heedRetry(got)
		a.keepControls(q, got)
		if !a.readsLong.Load() && long(q) {
			a.readsLong.Store(true)
		}
	}
	return got
}

// tellChain tells of a chain that came with an answer.
func (a *asker) tellChain(q inquiry, got *answer) {
	if a.shown == nil || len(got.certs) == 0 {
		return
	}
	asked := q.asked()
	told := &sentChain{asked.serverName, got.certs}
	if before := a.told.Load(); before != nil && before.serverName == told.serverName && slices.EqualFunc(before.der, told.der, bytes.Equal) {
		return // as nearly always
	}
	if asked.couldSign(got.certs) {
		a.told.Store(told)
		a.shown(asked.serverName, got.certs)
	}
}

// keepControls keeps the first questions that were accepted.
func (a *asker) keepControls(q inquiry, got *answer) {
	if kx := got.keyExchange; kx != nil && kx.Group != 0 && a.curved.Load() == nil {
		if asked := q.asked(); asked != nil {
			whole := *asked
			whole.suffices = false
			a.curved.Store(&whole)
		}
	}
	if a.control.Load() == nil {
		if asked := q.asked(); asked != nil {
			hello := *asked
			hello.until = untilHello
			a.control.Store(&hello)
		}
	}
}

// opener opens a connection of the budget.
type opener func(context.Context) (*dial.Conn, *results.Failure)

// connect opens a connection for one use. One that had ended before it was used
// is none: the next takes its place.
func (a *asker) connect(ctx context.Context, open opener, use func(*dial.Conn)) *results.Failure {
	for {
		if f := a.presence.gone.Load(); f != nil {
			return f
		}
		conn, f := open(ctx)
		if f == nil {
			f = guarded(conn, use)
		}
		if f != nil || !conn.Stale() {
			return f
		}
	}
}

// guarded uses a connection and closes it. A bug of ours in that use is a failure
// of this exchange alone.
func guarded(conn *dial.Conn, use func(*dial.Conn)) (failure *results.Failure) {
	defer conn.Close()
	return guard(func() { use(conn) })
}

// opened counts the connections.
func (a *asker) opened() int {
	if a.lane == nil { // the name has no address
		return 0
	}
	return a.left + a.lane.Opened()
}

// move goes on over another lane.
func (a *asker) move(lane *dial.Lane) { a.left, a.lane = a.opened(), lane }

// put sends the hello and reads until its answer is complete.
func (q *question) put(conn *dial.Conn) *answer {
	buf := conn.Buffer() // half to write from and to read into, half to keep the answer in
	buf, kept := buf[:len(buf)/2], buf[len(buf)/2:]
	l := listener{q: q, got: new(answer)}
	l.session, l.sent, l.records = q.hello(buf)
	// A write that fails is not yet an answer: a server that refused may have
	// said so before it closed.
	_, writeErr := conn.Write(l.records)
	l.parser.Lend(kept)
	for {
		n, err := conn.Read(buf)
		if n > 0 && l.feed(buf[:n]) {
			return l.got
		}
		if l.reply != nil {
			conn.Write(l.reply) // who cannot be told will say nothing more
			l.reply = nil
		}
		if err != nil {
			if writeErr != nil {
				err = writeErr
			}
			l.end(conn.Failure(results.StageHello, err))
			return l.got
		}
	}
}

// note counts the failure of an answer and returns the answer.
func (a *asker) note(got *answer) *answer {
	if got.settled() || got.failure.Count == 0 { // or it was not asked
		return got
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failures = addFailure(a.failures, got.failure)
	return got
}

// maxFailures bounds how many different failures of one endpoint are told
// apart.
const maxFailures = 20

// addFailure counts a failure together with those of its stage and kind.
func addFailure(fs []results.Failure, f results.Failure) []results.Failure {
	for i := range fs {
		if fs[i].Stage == f.Stage && fs[i].Kind == f.Kind && fs[i].Alert == f.Alert {
			fs[i].Count += f.Count
			return fs
		}
	}
	if len(fs) < maxFailures {
		fs = append(fs, f)
	}
	return fs
}
