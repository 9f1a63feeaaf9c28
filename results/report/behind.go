// What lies behind an answer: several servers at one address, and suites that
// are chosen but not carried through.

package report

import (
	"fmt"
	"strings"

	"shakedown/results"
	"shakedown/results/contrast"
)

// behindWords says what repeating questions showed of an address; nothing where
// all answers were alike.
func behindWords(e *endpoint) string {
	f := e.PathFacts
	var facts []string
	for _, v := range f.Votes {
		facts = append(facts, voteWords(v))
	}
	switch f.Steadiness {
	case results.Drifting:
		return fmt.Sprintf("at least %d different servers behind one address: %s", f.Servers, list(facts, 3))
	case results.Flapping:
		return "answers change from one connection to the next: " + list(facts, 3)
	}
	return ""
}

// voteWords tells one fact's answers, the most frequent first.
func voteWords(v results.Vote) string {
	var answers []string
	for _, a := range v.Answers {
		answers = append(answers, fmt.Sprintf("%s ×%d", shortened(clean(a.Answer)), a.Count))
	}
	return clean(v.Fact) + " " + list(answers, 3)
}

// shortened keeps a fingerprint from filling a line.
func shortened(answer string) string {
	const most = 40
	if len(answer) > most {
		return answer[:12] + "…"
	}
	return answer
}

// incompleteWords names the suites that the server chooses and then fails on.
func incompleteWords(e *endpoint) string {
	var names []string
	for _, v := range versionsIn(e.Suites) {
		for _, s := range e.Suites[v] {
			if s.Completes == results.No {
				names = append(names, fmt.Sprintf("%s (%s)", clean(suiteLabel(s)), clean(string(v))))
			}
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "chosen, but no handshake completes: " + list(names, 3)
}

func suiteLabel(s results.Suite) string {
	for _, name := range []string{s.OpenSSL, s.Name} {
		if strings.TrimSpace(name) != "" {
			return name
		}
	}
	return s.ID
}

// moreUnknown lists what else is unknown of an endpoint: facts of the protocol,
// completions, and what lies behind the address.
func moreUnknown(e *endpoint) (words []string) {
	for _, q := range contrast.ProtocolQuestions() {
		if q.Of(e.Protocol).Text == string(results.Unknown) {
			words = append(words, q.Name)
		}
	}
	if e.Protocol.ALPN == nil && e.Protocol.SizeIntolerant != "" { // the protocol was asked for
		words = append(words, "ALPN")
	}
	n := 0
	for _, suites := range e.Suites {
		for _, s := range suites {
			if s.Completes == results.Unknown {
				n++
			}
		}
	}
	if n > 0 {
		words = append(words, "whether "+plural(n, "suite")+" can be completed")
	}
	if e.PathFacts.Steadiness == results.SteadinessUnknown {
		words = append(words, "whether one server answers")
	}
	if from := sessionsFrom(e, results.Unknown); len(from) > 0 {
		words = append(words, "whether sessions of "+list(from, 3)+" go on here")
	}
	return words
}
