// What is published of devices for keys and of load balancers: figures that were
// read, not measured, each with its source.

package capacity

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"shakedown/results"
)

//go:embed published.json
var publishedJSON []byte

// published are the figures of published.json.
type published struct {
	KeyDevices struct {
		Source   string
		Clusters []cluster
	} `json:"key_devices"`
	Billing struct {
		Source string
		Units  []struct {
			Unit  string
			Each  float64
			Opens bool // whether the load balancer opens TLS
		}
	}
}

// cluster is how many signatures a second so many HSMs make.
type cluster struct {
	Type, Key string
	HSMs      int
	Signs     float64
}

func figures() (p published) {
	if err := json.Unmarshal(publishedJSON, &p); err != nil {
		panic("capacity: " + err.Error()) // it is a part of the program
	}
	return p
}

// HSMs are the types of which it is published what they sign.
func HSMs() (types []string) {
	for _, c := range figures().KeyDevices.Clusters {
		if !slices.Contains(types, c.Type) {
			types = append(types, c.Type)
		}
	}
	return types
}

// keyDevice is what a load takes of the device that keys lie in.
func keyDevice(load results.Load, scheme string) *results.KeyDevice {
	d := &results.KeyDevice{Signs: load.Rate * (1 - load.ResumeRatio), Key: keyOf(scheme)}
	needed := d.Signs / (1 - load.Headroom)
	switch {
	case load.Signs > 0:
		n := countOf(needed / load.Signs)
		take(d, n, float64(n)*load.Signs, load.Spare)
		d.Device, d.Source = "device", "as was given"
	case load.HSM == "":
		d.Why = "what it signs was not said: --hsm, --signs"
	case d.Key == "":
		d.Device, d.Why = load.HSM, "not known which key signed: bench --signature asks for one"
	default:
		d.Device = load.HSM
		fromCluster(d, needed, load)
	}
	return d
}

// keyOf is the key that figures are published for, by what it signs with.
func keyOf(scheme string) string {
	switch {
	case scheme == "ecdsa_secp256r1_sha256":
		return "EC P-256"
	case strings.HasPrefix(scheme, "rsa_"):
		return "RSA-2048"
	}
	return ""
}

// take says that so many devices are enough, which sign so much.
func take(d *results.KeyDevice, n int, signs float64, spare int) {
	n += spare
	d.Count, d.Holds = &n, signs
}

// fromCluster takes the smallest cluster of which it is published that it signs as
// much.
func fromCluster(d *results.KeyDevice, needed float64, load results.Load) {
	all := figures()
	d.Source = all.KeyDevices.Source
	most := cluster{}
	for _, c := range all.KeyDevices.Clusters {
		if c.Type != load.HSM || c.Key != d.Key {
			continue
		}
		if most = c; c.Signs >= needed {
			take(d, c.HSMs, c.Signs, load.Spare)
			return
		}
	}
	d.Why = fmt.Sprintf("%.4g signatures a second are more than is published of %d, %.4g", needed, most.HSMs, most.Signs)
}

// billed is what AWS counts the new connections of a kind in.
func billed(kind results.PathKind, rate float64) (all []results.Billed) {
	opens := kind == results.LBTerminated || kind == results.LBReencrypted
	if !opens && kind != results.Passthrough {
		return nil
	}
	billing := figures().Billing
	for _, u := range billing.Units {
		if u.Opens == opens {
			all = append(all, results.Billed{Unit: u.Unit, Each: u.Each, Count: rate / u.Each, Source: billing.Source})
		}
	}
	return all
}
