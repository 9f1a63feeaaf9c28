// Trial: from samples to the records of a path.

package bench

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"syscall"
	"time"

	"shakedown/bench/client"
	"shakedown/bench/stats"
	"shakedown/results"
	"shakedown/scanner/wire"
)

// trial gathers what the blocks of one path give.
type trial struct {
	path   Path
	plan   Plan
	record results.Trial

	blocks   int // finished
	all      phases
	only     *results.Phases // of the only block; nil if there are more
	lag      stats.Histogram
	shapes   map[client.Shape]int
	failures map[results.Failure]*results.Failure // by what they have in common
	cpu      time.Duration
	wall     time.Duration
	made     int // handshakes, warm-up included: what cpu was spent on

	declined int            // handshakes that the server did not resume, though it could have
	dry      int            // those for which there was nothing left to offer
	waited   int            // connections that waited for a slot
	leaves   map[uint64]int // certificates by mark: in how many of the handshakes that were looked at
}

// fits reports whether a handshake was made, and of the shape that was asked.
func (t *trial) fits(s *client.Sample) bool {
	return s.Failure == nil && s.Done != 0 && t.path.Ask.Fits(s.Shape, s.Resume)
}

// phases are the histograms of a handshake's parts.
type phases struct {
	connect, serverHello, handshake, firstByte, total stats.Histogram
}

func newTrial(plan Plan, path Path, at time.Time) *trial {
	t := &trial{
		path: path, plan: plan, shapes: map[client.Shape]int{}, failures: map[results.Failure]*results.Failure{}, leaves: map[uint64]int{},
	}
	t.record = results.Trial{
		Service: path.Service, Path: path.Name, Kind: path.Kind, Target: path.Target,
		ServerName: path.ServerName,
		Trial:      trialID(path, plan, at), StartedAt: at.UTC(),
		Loop: plan.Loop, OfferedRate: plan.Rate, Connections: plan.Connections,
		Client: string(plan.Client), Asked: path.Ask.Record(), ResumeRatio: path.Ask.Resume,
	}
	if plan.Ramp.on() {
		t.record.Ramp = &results.Ramp{FromRate: plan.Ramp.From, ToRate: plan.Ramp.To}
	}
	if path.Failure == nil {
		t.record.Address = path.Address.String()
	}
	return t
}

// trialID is short, and another one for each path, shape and run.
func trialID(path Path, plan Plan, at time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%v\x00%d\x00%d",
		path.Service, path.Name, path.Address, path.Ask, plan.Seed, at.UnixNano()))
	return hex.EncodeToString(sum[:6])
}

// add counts one sample that was due in a block.
func (t *trial) add(s *client.Sample, block *phases) {
	r := &t.record
	r.Due++
	if s.Start != 0 && t.plan.Loop == results.OpenLoop {
		t.lag.Record(s.Start - s.Ready)
	}
	if s.Ready > s.Due {
		t.waited++
	}
	switch {
	case s.Failure != nil:
		t.fail(*s.Failure)
		return
	case s.Done == 0:
		r.Abandoned++
		return
	}
	t.shapes[s.Shape]++
	if s.Leaf != 0 {
		t.leaves[s.Leaf]++
	}
	if !t.fits(s) {
		r.OtherShape++
		t.unresumed(s)
		return
	}
	r.Handshakes++
	block.add(s)
}

// unresumed counts why a handshake that was to be resumed was not.
func (t *trial) unresumed(s *client.Sample) {
	switch {
	case !s.Resume || s.Shape.Resumed:
	case s.Offered:
		t.declined++
	default:
		t.dry++
	}
}

// fail counts a failure with others of its stage, kind and alert. Of their
// details the first is kept.
func (t *trial) fail(f results.Failure) {
	key := results.Failure{Stage: f.Stage, Kind: f.Kind, Alert: f.Alert}
	if same := t.failures[key]; same != nil {
		same.Count++
		return
	}
	f.Count = 1
	t.failures[key] = &f
}

func (p *phases) add(s *client.Sample) {
	end := s.Done
	p.connect.Record(s.Connected - s.Start)
	p.serverHello.Record(s.ServerHello - s.Hello)
	p.handshake.Record(s.Done - s.Hello)
	if s.FirstByte != 0 {
		p.firstByte.Record(s.FirstByte - s.Request)
		end = s.FirstByte
	}
	p.total.Record(end - s.Due)
}

func (p *phases) merge(other *phases) {
	p.connect.Merge(&other.connect)
	p.serverHello.Merge(&other.serverHello)
	p.handshake.Merge(&other.handshake)
	p.firstByte.Merge(&other.firstByte)
	p.total.Merge(&other.total)
}

func (p *phases) reset() {
	for _, h := range []*stats.Histogram{&p.connect, &p.serverHello, &p.handshake, &p.firstByte, &p.total} {
		h.Reset()
	}
}

func (p *phases) record() results.Phases {
	return results.Phases{
		Connect: p.connect.Dist(), ServerHello: p.serverHello.Dist(), Handshake: p.handshake.Dist(),
		FirstByte: p.firstByte.Dist(), Total: p.total.Dist(),
	}
}

// finish makes the trial's record. why is what is wrong with it beyond what its
// own numbers show.
func (t *trial) finish(processors int, why ...string) *results.Trial {
	r := &t.record
	r.DurationS = (time.Duration(t.blocks) * t.plan.block()).Seconds()
	if r.DurationS > 0 {
		r.AchievedRate = float64(r.Handshakes) / r.DurationS
	}
	r.Negotiated = t.negotiated()
	r.Failures = t.failed()
	if t.only != nil { // to write histograms costs as much as a hundred handshakes
		r.Phases = *t.only
	} else {
		r.Phases = t.all.record()
	}
	if t.made > 0 {
		r.Generator.CPUPerHandshakeUS = float64(t.cpu.Microseconds()) / float64(t.made)
	}
	if t.wall > 0 {
		r.Generator.CPUShare = t.cpu.Seconds() / t.wall.Seconds() / float64(max(processors, 1))
	}
	if t.lag.N() > 0 {
		p99 := float64(t.lag.Quantile(0.99)) / 1e3
		r.Generator.LagP99US = &p99
	}
	r.Notes = t.notes()
	r.InvalidWhy = append(append([]string{}, why...), t.doubts()...)
	r.Valid = len(r.InvalidWhy) == 0
	return r
}

// negotiated lists shapes, the most frequent first.
func (t *trial) negotiated() []results.ShapeCount {
	list := []results.ShapeCount{}
	for shape, n := range t.shapes {
		list = append(list, results.ShapeCount{Shape: shape.Record(), Count: n})
	}
	slices.SortFunc(list, func(a, b results.ShapeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(fmt.Sprint(a.Shape), fmt.Sprint(b.Shape)))
	})
	return list
}

// failed lists failures, the most frequent first.
func (t *trial) failed() []results.Failure {
	list := []results.Failure{}
	for _, f := range t.failures {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(a, b results.Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Alert, b.Alert))
	})
	return list
}

// Limits beyond which a trial is no measurement of its path.
const (
	minHandshakes    = 20
	maxOtherShare    = 0.01 // of handshakes due
	maxOursShare     = 0.001
	maxFailedShare   = 0.05 // the times of the rest would flatter the path
	maxCPUShare      = 0.90
	maxLag           = 2 * time.Millisecond
	maxLagOfMedian   = 0.5 // of the handshake's median
	maxLagOfInterval = 0.5 // of the time between arrivals: what began that late met no other of ours
	maxLateShare     = 0.01
)

// doubts says in plain sentences why the numbers are not a measurement of the
// path.
func (t *trial) doubts() (why []string) {
	r := &t.record
	say := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	share := func(n int) float64 { return float64(n) / float64(max(r.Due, 1)) }
	failed, ours := 0, 0
	for _, f := range r.Failures {
		failed += f.Count
		if f.Kind == results.KindInternal {
			ours += f.Count
		}
	}
	switch {
	case r.Handshakes == 0:
		say("no handshake of the asked shape was completed%s%s", worst(r.Failures), t.remedy())
	case r.Handshakes < minHandshakes:
		say("only %d handshakes of the asked shape: fewer than %d say nothing", r.Handshakes, minHandshakes)
	}
	if s := share(r.OtherShape); s > maxOtherShare {
		say("%.1f %% of the handshakes negotiated another shape than was asked%s", 100*s, t.unresumedWhy())
	}
	if s := share(failed + r.Abandoned); s > maxFailedShare && r.Handshakes > 0 {
		say("%.1f %% of the handshakes failed or were abandoned%s: the times of the others flatter the path", 100*s, worst(r.Failures))
	}
	if s := share(t.waited); s > maxLateShare && t.plan.Loop == results.OpenLoop && t.plan.short == 0 {
		say("the path did not keep pace with %s connections a second: %.0f %% of them waited, as %d were in flight already, so their times are those of a queue; ask for a lower rate, or allow more by --concurrency where the network is slow",
			t.plan.offered(), 100*s, t.plan.Connections)
	}
	saturated := t.saturation()
	if share(ours) > maxOursShare {
		saturated = append([]string{fmt.Sprintf("%.1f %% of the handshakes failed on this machine (%s)", 100*share(ours), ownFault(r.Failures))}, saturated...)
	}
	r.Generator.Saturated = len(saturated) > 0
	return append(why, saturated...)
}

// remedy says what to ask otherwise where an alert tells it, for the end of a
// sentence.
func (t *trial) remedy() string {
	says := func(alert string) bool {
		return slices.ContainsFunc(t.record.Failures, func(f results.Failure) bool { return f.Alert == alert })
	}
	switch {
	case says("protocol_version") && t.path.Ask.Version == wire.TLS12:
		return "; if the server has no TLS 1.2, ask with --tls 1.3"
	case says("protocol_version"):
		return "; if the server has no TLS 1.3, ask with --tls 1.2"
	case says("certificate_required"):
		return "; it wants a client's certificate: give --client-cert and --client-key"
	case says("unrecognized_name"):
		return "; it does not serve that name: give another by --sni"
	}
	return ""
}

// unresumedWhy tells of handshakes that were to be resumed, for the end of a
// sentence.
func (t *trial) unresumedWhy() string {
	var parts []string
	if t.declined > 0 {
		parts = append(parts, fmt.Sprintf("%s the server did not resume the session that it was offered", times(t.declined)))
	}
	if t.dry > 0 {
		hint := "the server left neither a ticket nor a session id"
		if t.path.Ask.Version != wire.TLS12 {
			hint = "tickets were wanting; some servers hand them out only with the first response: --request /"
		}
		parts = append(parts, fmt.Sprintf("%s there was nothing to resume (%s)", times(t.dry), hint))
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// notes says what a reader must know of a trial beside its numbers.
func (t *trial) notes() (notes []string) {
	if len(t.leaves) < 2 {
		return nil
	}
	marks := slices.SortedFunc(maps.Keys(t.leaves), func(a, b uint64) int {
		return cmp.Or(cmp.Compare(t.leaves[b], t.leaves[a]), cmp.Compare(a, b))
	})
	all, parts := 0, []string(nil)
	for _, m := range marks[:min(len(marks), 4)] {
		parts = append(parts, fmt.Sprintf("%016x… in %d", m, t.leaves[m]))
	}
	for _, n := range t.leaves {
		all += n
	}
	return []string{fmt.Sprintf("the server showed %d different certificates in the %d handshakes that were looked at (SHA-256 %s)",
		len(t.leaves), all, strings.Join(parts, ", "))}
}

// saturation says where the generator was, or may have been, the limit.
func (t *trial) saturation() (why []string) {
	r := &t.record
	say := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	if r.Generator.CPUShare > maxCPUShare {
		say("the generator used %.0f %% of its processor time: it may have been the limit, not the server", 100*r.Generator.CPUShare)
	}
	if t.plan.short > 0 && (t.plan.Loop == results.ClosedLoop || float64(t.waited) > maxLateShare*float64(r.Due)) {
		say("the limit of open files allows %d connections in flight, not %d: allow more by ulimit -n", t.plan.Connections, t.plan.short)
	}
	if t.lag.N() == 0 {
		return why
	}
	allowed := max(maxLag,
		time.Duration(maxLagOfMedian*float64(t.all.handshake.Quantile(0.5))), // total has the lag in it
		time.Duration(maxLagOfInterval*float64(time.Second)/t.plan.peak()))
	if late := t.lag.Above(allowed); moreThanChance(late, t.lag.N(), maxLateShare) {
		say("the generator was late: %.1f %% of connections began more than %v after they could have: leave this machine to it, or run it by chrt -r 1",
			100*float64(late)/float64(t.lag.N()), allowed.Round(time.Microsecond))
	}
	return why
}

// moreThanChance reports whether so many of n show that more than a share of
// all are such: two late ones of a hundred do not yet show more than one in a
// hundred. Two standard deviations of the binomial.
func moreThanChance(count, n int64, share float64) bool {
	expected := share * float64(n)
	return float64(count) > expected+2*math.Sqrt(expected)
}

// worst describes the most frequent failure, for the end of a sentence.
func worst(failures []results.Failure) string {
	if len(failures) == 0 {
		return ""
	}
	return fmt.Sprintf(" (mostly %s: %s)", failures[0].Stage, cmp.Or(failures[0].Detail, string(failures[0].Kind)))
}

// ownFault describes a failure of our own, with the mend where it is known.
func ownFault(failures []results.Failure) string {
	i := slices.IndexFunc(failures, func(f results.Failure) bool { return f.Kind == results.KindInternal })
	switch text := failures[i].Detail; {
	case strings.Contains(text, syscall.EADDRNOTAVAIL.Error()):
		return text + ": no port is free, as each is kept for a minute after its connection has ended; use a lower rate, more source addresses (--source) or --close rst"
	case strings.Contains(text, syscall.EMFILE.Error()):
		return text + ": allow more by ulimit -n, or fewer connections in flight by --concurrency"
	default:
		return text
	}
}
