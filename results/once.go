// Once: records of many endpoints in little memory.

package results

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
)

// Once keeps what many records have alike once: ten thousand endpoints of an
// estate are set up in few ways, and what rules say of them are the same few
// sentences. Records that went through it share maps and slices: they are to be
// read, and not to be changed. The zero value is ready; it is not safe for
// concurrent use.
type Once struct {
	parts map[[sha256.Size]byte]any
	texts map[string]string
}

// Record gives a record that says the same.
func (o *Once) Record(r Record) Record {
	switch r := r.(type) {
	case *Endpoint:
		return o.Endpoint(r)
	case *Finding:
		return o.Finding(r)
	case *LastKnown:
		known := *r
		if known.Endpoint != nil {
			known.Endpoint = o.Endpoint(known.Endpoint)
		}
		return &known
	}
	return r
}

// Endpoint gives an endpoint that says the same.
func (o *Once) Endpoint(e *Endpoint) *Endpoint {
	like := alike(o, &Endpoint{
		Kind: e.Kind, Status: e.Status, ServerName: e.ServerName,
		Versions: e.Versions, Suites: e.Suites, Preference: e.Preference, Groups: e.Groups, GroupPreference: e.GroupPreference,
		SignatureSchemes: e.SignatureSchemes, Undetermined: e.Undetermined, Protocol: e.Protocol,
	})
	light := *e
	light.Kind, light.Status, light.ServerName = like.Kind, like.Status, like.ServerName
	light.Versions, light.Suites, light.Preference, light.Groups, light.GroupPreference = like.Versions, like.Suites, like.Preference, like.Groups, like.GroupPreference
	light.SignatureSchemes, light.Undetermined, light.Protocol = like.SignatureSchemes, like.Undetermined, like.Protocol
	light.Failures, light.PathFacts = alike(o, e.Failures), alike(o, e.PathFacts)
	light.Service, light.Targets = o.text(e.Service), alike(o, e.Targets)
	light.Chains = alike(o, o.chains(e.Chains))
	return &light
}

// chains shares certificates: those of an issuer come with many leaves.
func (o *Once) chains(chains []Chain) []Chain {
	light := slices.Clone(chains)
	for i := range light {
		light[i].Certificates = slices.Clone(light[i].Certificates)
		for j, c := range light[i].Certificates {
			light[i].Certificates[j] = alike(o, c)
		}
	}
	return light
}

// Finding gives a finding that says the same.
func (o *Once) Finding(f *Finding) *Finding {
	light := *f
	for _, text := range []*string{
		&light.Service, &light.Path, &light.Address, &light.Profile, &light.Rule, (*string)(&light.Status), (*string)(&light.Severity),
		&light.Expected, &light.Observed, &light.Citation, &light.Mend,
	} {
		*text = o.text(*text)
	}
	return &light
}

func (o *Once) text(s string) string {
	if was, there := o.texts[s]; there {
		return was
	}
	if o.texts == nil {
		o.texts = map[string]string{}
	}
	o.texts[s] = s
	return s
}

// alike gives the first part that says the same, as JSON has it.
func alike[T any](o *Once, part T) T {
	text, err := json.Marshal(part)
	if err != nil {
		return part
	}
	key := sha256.Sum256(fmt.Appendf(text, "%T", part))
	if was, same := o.parts[key].(T); same {
		return was
	}
	if o.parts == nil {
		o.parts = map[[sha256.Size]byte]any{}
	}
	o.parts[key] = part
	return part
}
