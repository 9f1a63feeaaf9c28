// Endpoint: what was observed at one address, and the certificate chains it showed.

package results

import "time"

// Answer is what was learned about a yes-or-no question. The zero Answer means
// that the question was not asked; it is left out of a record.
type Answer string

// The three answers. Silence is Unknown, never No.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// Version is a protocol version by its usual name.
type Version string

// The protocol versions.
const (
	SSLv2  Version = "SSLv2"
	SSLv3  Version = "SSLv3"
	TLSv10 Version = "TLSv1.0"
	TLSv11 Version = "TLSv1.1"
	TLSv12 Version = "TLSv1.2"
	TLSv13 Version = "TLSv1.3"
)

// Versions lists every protocol version, oldest first.
func Versions() []Version {
	return []Version{SSLv2, SSLv3, TLSv10, TLSv11, TLSv12, TLSv13}
}

// Status says how much of what was asked about an endpoint was determined.
type Status string

// The states of an endpoint.
const (
	Complete Status = "complete" // every asked fact
	Partial  Status = "partial"  // some facts
	Failed   Status = "failed"   // not one protocol version
)

// Preference says whose order of suites or groups a server follows.
type Preference string

// The preferences. PreferenceMixed is a server that keeps its own order but
// lets some of the client's wishes through (OpenSSL's PRIORITIZE_CHACHA).
const (
	PreferenceServer  Preference = "server"
	PreferenceClient  Preference = "client"
	PreferenceMixed   Preference = "mixed"
	PreferenceUnknown Preference = "unknown"
)

// Suite is a cipher suite that a server accepted.
type Suite struct {
	ID        string `json:"id"`                // "0xC02F"; six digits for an SSLv2 kind
	Name      string `json:"name"`              // IANA's; "" where the id is unregistered
	OpenSSL   string `json:"openssl,omitempty"` // absent where OpenSSL has none
	Completes Answer `json:"completes,omitempty"`
}

// Named is a group or signature scheme that a server accepted.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Endpoint is what was observed at one address of one path. In Suites, Groups
// and SignatureSchemes a version has a key if it was asked and is not No.
type Endpoint struct {
	Service    string   `json:"service"`
	Path       string   `json:"path"`
	Kind       PathKind `json:"kind,omitempty"`
	Target     string   `json:"target"`
	Address    string   `json:"address"` // "" if the name did not resolve
	ServerName string   `json:"server_name,omitempty"`
	// Targets names the paths of the instances behind this one, from the inventory.
	Targets     []string  `json:"targets,omitempty"`
	StartedAt   time.Time `json:"started_at,omitzero"`
	Status      Status    `json:"status"`
	Connections int       `json:"connections"`
	ElapsedMS   float64   `json:"elapsed_ms"`
	Failures    []Failure `json:"failures"`

	Versions         map[Version]Answer     `json:"versions,omitempty"`
	Suites           map[Version][]Suite    `json:"suites,omitempty"`
	Preference       map[Version]Preference `json:"preference,omitempty"`
	Groups           map[Version][]Named    `json:"groups,omitempty"`
	GroupPreference  map[Version]Preference `json:"group_preference,omitempty"`
	SignatureSchemes map[Version][]Named    `json:"signature_schemes,omitempty"`
	Undetermined     Undetermined           `json:"undetermined"`
	Protocol         Protocol               `json:"protocol,omitzero"`
	Chains           []Chain                `json:"chains,omitempty"`
	PathFacts        PathFacts              `json:"path_facts,omitzero"`
}

// PathFacts is what repeating a few questions showed of the servers that one
// address leads to, as far as this client was led to them; and whether they go
// on with sessions of the name's other addresses.
type PathFacts struct {
	Repeats    int        `json:"repeats,omitempty"` // usable answers to the question that was put most often
	Steadiness Steadiness `json:"steadiness,omitempty"`
	// Servers is how many different ones there are at least; absent unless drifting.
	Servers int    `json:"servers,omitempty"`
	Votes   []Vote `json:"votes,omitempty"` // the facts that differ, sorted by name
	// TicketsFrom says by address whether a session that was made there was
	// resumed here.
	TicketsFrom map[string]Answer `json:"tickets_from,omitempty"`
	// ClockSkewS is by how many seconds, in whole minutes, the Date of an HTTP answer
	// was ahead of this machine's clock; absent below five minutes, and without one.
	ClockSkewS *int `json:"clock_skew_s,omitempty"`
}

// Steadiness says how the answers to a repeated question relate.
type Steadiness string

// The kinds of steadiness. Drifting is a few stable sets of answers, each seen
// more than once: different servers. Flapping is answers that came only once
// however often was asked. Of several questions, the least steady counts.
const (
	Steady            Steadiness = "steady"
	Drifting          Steadiness = "drifting"
	Flapping          Steadiness = "flapping"
	SteadinessUnknown Steadiness = "unknown"
)

// Vote is a fact on which the answers of one address differ.
type Vote struct {
	Fact    string  `json:"fact"`    // "TLSv1.2", "TLSv1.2 certificate" (SHA-256 of the leaf), "TLSv1.3 group" …
	Answers []Tally `json:"answers"` // most frequent first
}

// Tally is how often an answer came.
type Tally struct {
	Answer string `json:"answer"`
	Count  int    `json:"count"`
}

// Undetermined lists what was asked and got no usable answer: versions, and
// ids by version; "*" stands for all that was asked.
type Undetermined struct {
	Versions         []Version            `json:"versions,omitempty"`
	Suites           map[Version][]string `json:"suites,omitempty"`
	Groups           map[Version][]string `json:"groups,omitempty"`
	SignatureSchemes map[Version][]string `json:"signature_schemes,omitempty"`
}

// IsZero reports whether nothing is undetermined.
func (u Undetermined) IsZero() bool {
	return len(u.Versions)+len(u.Suites)+len(u.Groups)+len(u.SignatureSchemes) == 0
}

// Protocol is what a server does beside choosing versions and suites.
type Protocol struct {
	ALPN                         []string `json:"alpn,omitzero"`
	ExtendedMasterSecret         Answer   `json:"extended_master_secret,omitempty"`
	EncryptThenMAC               Answer   `json:"encrypt_then_mac,omitempty"`
	SecureRenegotiation          Answer   `json:"secure_renegotiation,omitempty"`
	Compression                  Answer   `json:"compression,omitempty"`
	FallbackSCSV                 Answer   `json:"fallback_scsv,omitempty"`
	ResumptionID                 Answer   `json:"resumption_id,omitempty"`
	ResumptionTicket             Answer   `json:"resumption_ticket,omitempty"`
	ResumptionPSK                Answer   `json:"resumption_psk,omitempty"`
	EarlyData                    Answer   `json:"early_data,omitempty"`
	ClientCertificateRequested   Answer   `json:"client_certificate_requested,omitempty"`
	ClientCertificateAuthorities []string `json:"client_certificate_authorities,omitzero"`
	OCSPStaple                   Answer   `json:"ocsp_staple,omitempty"`
	SCT                          Answer   `json:"sct,omitempty"`
	// DHBits and what follows are of the DHE suites' weakest parameters. DHPrime
	// names a prime that many servers share (rfc3526-2048, ffdhe2048,
	// apache-1024 …), "unlisted" one of none of them; it is safe if (p-1)/2 is
	// prime, absent where p is too large to tell. A trivial generator is 0, 1 or
	// p-1.
	DHBits             int    `json:"dh_bits,omitempty"`
	DHPrime            string `json:"dh_prime,omitempty"`
	DHPrimeSafe        Answer `json:"dh_prime_safe,omitempty"`
	DHGeneratorTrivial Answer `json:"dh_generator_trivial,omitempty"`

	VersionIntolerant   Answer `json:"version_intolerant,omitempty"`
	SizeIntolerant      Answer `json:"size_intolerant,omitempty"`
	ExtensionIntolerant Answer `json:"extension_intolerant,omitempty"`
	// ManySuitesIntolerant is a server that must be asked with few suites at once,
	// SuiteMixIntolerant one that refuses among others what it accepts by itself: it
	// was asked for each suite by itself.
	ManySuitesIntolerant Answer `json:"many_suites_intolerant,omitempty"`
	SuiteMixIntolerant   Answer `json:"suite_mix_intolerant,omitempty"`
	// ManySchemesIntolerant is a server that refuses a long list of signature schemes
	// and reads a short one: it was asked with few.
	ManySchemesIntolerant Answer `json:"many_schemes_intolerant,omitempty"`
	// HTTP says whether what is spoken within TLS is HTTP: what ALPN chose or the
	// answer to a request tells. It is absent where nobody asked, or a server that
	// promised nothing was silent. HSTS is what the answer asks of browsers.
	HTTP Answer `json:"http,omitempty"`
	HSTS *int   `json:"hsts,omitempty"` // seconds
}

// Nobody is the server name that chains are asked for under beside the endpoint's own:
// no server can have it (RFC 6761 §6.4).
const Nobody = "nobody.invalid"

// OwnChains are those that clients of the endpoint meet. Others are shown only to who
// asks for another name, or for none.
func (e *Endpoint) OwnChains() (own []Chain) {
	for _, c := range e.Chains {
		if e.Owns(&c) {
			own = append(own, c)
		}
	}
	return own
}

// Owns reports whether clients of the endpoint meet a chain.
func (e *Endpoint) Owns(c *Chain) bool {
	if e.ServerName == "" {
		return c.ServerName != Nobody
	}
	return c.ServerName == e.ServerName
}

// Chain is one certificate chain as a server sent it, and its verdict: for the
// endpoint's own name, whatever name it was asked under.
type Chain struct {
	ServerName    string     `json:"server_name"` // that was asked for, "" for none
	Auth          string     `json:"auth"`        // RSA, ECDSA, EdDSA, DSA, ML-DSA: what the leaf's key signs with
	Certificates  []Cert     `json:"certificates"`
	Trusted       Answer     `json:"trusted"` // path, times, usages and constraints; not the name
	SelfSigned    SelfSigned `json:"self_signed"`
	HostnameMatch Answer     `json:"hostname_match,omitempty"`
	Problems      []Problem  `json:"problems"`              // sorted
	OCSPStaple    Answer     `json:"ocsp_staple,omitempty"` // sent beside this leaf; absent where it was not asked for
}

// SelfSigned says which certificate verifies with its own key.
type SelfSigned string

// SelfSignedRoot is any certificate but the leaf.
const (
	SelfSignedLeaf SelfSigned = "leaf"
	SelfSignedRoot SelfSigned = "root"
	SelfSignedNo   SelfSigned = "no"
)

// Cert describes one certificate. What could not be read is absent.
type Cert struct {
	SHA256             string    `json:"sha256"` // of DER; lower-case hex
	Subject            string    `json:"subject,omitempty"`
	Issuer             string    `json:"issuer,omitempty"`
	Serial             string    `json:"serial,omitempty"` // lower-case hex
	DNSNames           []string  `json:"dns_names,omitempty"`
	IPAddresses        []string  `json:"ip_addresses,omitempty"`
	NotBefore          time.Time `json:"not_before,omitzero"`
	NotAfter           time.Time `json:"not_after,omitzero"`
	KeyType            string    `json:"key_type,omitempty"` // RSA, ECDSA, Ed25519, Ed448, DSA, ML-DSA-44, ML-DSA-65, ML-DSA-87
	KeyBits            int       `json:"key_bits,omitempty"`
	SignatureAlgorithm string    `json:"signature_algorithm,omitempty"`
	MustStaple         bool      `json:"must_staple,omitempty"` // clients are to refuse it without an OCSP staple (RFC 7633); absent where it does not ask for that
	DER                []byte    `json:"der"`                   // base64 in JSON
}

// Problem is a fault of a certificate chain.
type Problem string

// The problems. WrongOrder, RootSent and ExtraCertificate alone do not make a
// chain untrusted.
const (
	Expired                  Problem = "expired"
	NotYetValid              Problem = "not_yet_valid"
	BadValidity              Problem = "bad_validity"
	SelfSignedProblem        Problem = "self_signed"
	UnknownAuthority         Problem = "unknown_authority"
	Incomplete               Problem = "incomplete"
	WrongOrder               Problem = "wrong_order"
	RootSent                 Problem = "root_sent"
	ExtraCertificate         Problem = "extra_certificate"
	NameMismatch             Problem = "name_mismatch"
	WeakKey                  Problem = "weak_key"
	WeakSignature            Problem = "weak_signature"
	BadSignature             Problem = "bad_signature"
	KeyMismatch              Problem = "key_mismatch"
	BadUsage                 Problem = "bad_usage"
	ConstraintViolation      Problem = "constraint_violation"
	UnknownCriticalExtension Problem = "unknown_critical_extension"
	Revoked                  Problem = "revoked"
	Malformed                Problem = "malformed"
)

// ChainFile is a chain that was judged from a file, before it is deployed.
type ChainFile struct {
	File string    `json:"file"`
	At   time.Time `json:"at,omitzero"` // what it was judged for
	Chain
}

// Finding is a profile's judgement of an observation.
type Finding struct {
	Service     string        `json:"service"`
	Path        string        `json:"path"`
	Address     string        `json:"address"`
	Profile     string        `json:"profile"`
	Rule        string        `json:"rule"`
	Status      FindingStatus `json:"status"`
	Severity    Severity      `json:"severity"`
	Expected    string        `json:"expected"`
	Observed    string        `json:"observed"`
	Citation    string        `json:"citation,omitempty"`
	Mend        string        `json:"mend,omitempty"`
	WaivedUntil string        `json:"waived_until,omitempty"` // date
	// Allowed is the name by which a gate was told to let an unknown pass.
	Allowed string `json:"allowed,omitempty"`
}

// FindingStatus is the outcome of a rule.
type FindingStatus string

// The outcomes. FindingUnknown never lets a gate open by itself.
const (
	FindingFail          FindingStatus = "fail"
	FindingWarn          FindingStatus = "warn"
	FindingUnknown       FindingStatus = "unknown"
	FindingPass          FindingStatus = "pass"
	FindingNotApplicable FindingStatus = "not_applicable"
)

// Severity is how much a finding matters.
type Severity string

// The severities, worst first.
const (
	High   Severity = "high"
	Medium Severity = "medium"
	Low    Severity = "low"
	Info   Severity = "info"
)
