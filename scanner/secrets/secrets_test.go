package secrets

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// trace reads RFC 8448's recorded handshake.
func trace(t *testing.T) map[string][]byte {
	text, err := os.ReadFile("testdata/rfc8448-3.txt")
	if err != nil {
		t.Fatal(err)
	}
	v := map[string][]byte{}
	for line := range strings.Lines(string(text)) {
		if name, digits, ok := strings.Cut(strings.TrimSpace(line), " "); ok && line[0] != '#' {
			v[name] = unhex(t, digits)
		}
	}
	return v
}

func unhex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The whole recorded handshake, as the client sees it: the server's flight opens
// and verifies, and every record that a client sends comes out as recorded.
func TestRecordedHandshake(t *testing.T) {
	v := trace(t)
	suite, _ := Lookup(0x1301)
	var k Schedule
	for range 2 { // a Schedule can be used again
		k.Start(suite)
		k.Write(v["client_hello"])
		k.Write(v["server_hello"])
		k.Agree(v["shared"])
		var client, server Half
		must(t, k.Key(&server, Server))
		must(t, k.Key(&client, Client))

		typ, flight, err := server.Open(bytes.Clone(v["server_flight_record"]))
		if err != nil || typ != 22 || !bytes.Equal(flight, v["server_flight"]) {
			t.Fatalf("the server's flight: type %d, %x, %v", typ, flight, err)
		}
		finished := len(flight) - 36
		k.Write(flight[:finished])
		must(t, k.Verify(Server, flight[finished+4:]))
		k.Write(flight[finished:])
		k.Master()
		verify := append([]byte{20, 0, 0, 32}, k.Finished(Client)...)
		if got := client.Seal(nil, 22, verify); !bytes.Equal(got, v["client_finished_record"]) {
			t.Errorf("client Finished %x, want %x", got, v["client_finished_record"])
		}

		must(t, k.Key(&server, Server))
		must(t, k.Key(&client, Client))
		if typ, _, err := server.Open(bytes.Clone(v["ticket_record"])); err != nil || typ != 22 {
			t.Errorf("the ticket: type %d, %v", typ, err)
		}
		if typ, data, err := server.Open(bytes.Clone(v["server_data_record"])); err != nil || typ != 23 || !bytes.Equal(data, v["data"]) {
			t.Errorf("the server's data: type %d, %x, %v", typ, data, err)
		}
		if got := client.Seal(nil, 23, v["data"]); !bytes.Equal(got, v["client_data_record"]) {
			t.Errorf("client data %x, want %x", got, v["client_data_record"])
		}
		if got := client.Seal(nil, 21, []byte{1, 0}); !bytes.Equal(got, v["client_alert_record"]) {
			t.Errorf("client close_notify %x, want %x", got, v["client_alert_record"])
		}
	}
}

func TestWrongFinished(t *testing.T) {
	v := trace(t)
	suite, _ := Lookup(0x1301)
	var k Schedule
	k.Start(suite)
	k.Write(v["client_hello"])
	k.Write(v["server_hello"])
	k.Agree(v["shared"])
	flight := v["server_flight"]
	finished := len(flight) - 36
	k.Write(flight[:finished])
	good := bytes.Clone(flight[finished+4:])
	for _, bad := range [][]byte{nil, good[:31], append(bytes.Clone(good), 0), flip(good, 0), flip(good, 31)} {
		if k.Verify(Server, bad) != ErrFinished {
			t.Errorf("verify_data %x passed", bad)
		}
	}
	must(t, k.Verify(Server, good))
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

// The test vectors of the TLS 1.2 PRF that went round on the TLS working group's
// list (https://www.ietf.org/mail-archive/web/tls/current/msg03416.html).
func TestPRF(t *testing.T) {
	for _, c := range []struct {
		suite              uint16
		secret, seed, want string
	}{
		{0xC02F, "9bbe436ba940f017b17652849a71db35", "a0ba9f936cda311827a6f796ffd5198c",
			"e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa0" +
				"22f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66"},
		{0xC030, "b80b733d6ceefcdc71566ea48e5567df", "cd665cf6a8447dd6ff8b27555edb7465",
			"7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c9146a0e534" +
				"cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d9184259b5bf8cd" +
				"4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a26854308d5eaa3be85e0990703d73e56f"},
	} {
		suite, _ := Lookup(c.suite)
		want := unhex(t, c.want)
		got := newMAC(suite).prf(nil, unhex(t, c.secret), "test label", unhex(t, c.seed), len(want))
		if !bytes.Equal(got, want) {
			t.Errorf("0x%04X: got %x, want %x", c.suite, got, want)
		}
	}
}

// Every suite opens what it sealed, in order, and nothing else.
func TestRecordsRoundTrip(t *testing.T) {
	for _, suite := range suites {
		var k Schedule
		k.Start(suite)
		a, b := halves(t, &k)
		long := bytes.Repeat([]byte{7}, maxPlaintext)
		for _, text := range [][]byte{{}, {1}, []byte("a line"), long} {
			typ, got, err := b.Open(a.Seal(nil, 23, text))
			if err != nil || typ != 23 || !bytes.Equal(got, text) {
				t.Errorf("0x%04X: %d bytes came back as %d, type %d, %v", suite.ID, len(text), len(got), typ, err)
			}
		}
		sealed := a.Seal(nil, 23, []byte("once more"))
		for i := range sealed {
			if i == 3 || i == 4 && !suite.TLS13() || i == 1 && !suite.TLS13() || i == 2 && !suite.TLS13() {
				continue // version and length of a TLS 1.2 header are not what is authenticated, but ours
			}
			if _, _, err := b.Open(flip(sealed, i)); err == nil {
				t.Errorf("0x%04X: opened a record with byte %d changed", suite.ID, i)
			}
		}
		for n := range len(sealed) {
			if _, _, err := b.Open(bytes.Clone(sealed[:n])); err == nil {
				t.Errorf("0x%04X: opened the first %d bytes of a record", suite.ID, n)
			}
		}
		if _, got, err := b.Open(bytes.Clone(sealed)); err != nil || string(got) != "once more" {
			t.Errorf("0x%04X: the true record after forged ones: %q, %v", suite.ID, got, err)
		}
		if _, _, err := b.Open(bytes.Clone(sealed)); err == nil {
			t.Errorf("0x%04X: opened a record twice", suite.ID)
		}
	}
}

// halves gives the two ends of one direction.
func halves(t *testing.T, k *Schedule) (seal, open *Half) {
	seal, open = new(Half), new(Half)
	if k.Suite().TLS13() {
		k.Agree(make([]byte, 32))
		must(t, k.Key(seal, Client))
		must(t, k.Key(open, Client))
		return seal, open
	}
	random := make([]byte, 32)
	k.Premaster(make([]byte, 32), random, random, true)
	var other Half
	must(t, k.Keys(seal, &other, random, random))
	must(t, k.Keys(open, &other, random, random))
	return seal, open
}

// A record may not hold more than 2^14 bytes, however well it is sealed.
func TestRecordOverflow(t *testing.T) {
	for _, suite := range suites {
		var k Schedule
		k.Start(suite)
		a, b := halves(t, &k)
		if _, _, err := b.Open(a.Seal(nil, 23, make([]byte, maxPlaintext+1))); err != ErrOverflow {
			t.Errorf("0x%04X: got %v, want %v", suite.ID, err, ErrOverflow)
		}
	}
}

func TestLookup(t *testing.T) {
	if _, ok := Lookup(0xC013); ok {
		t.Error("a CBC suite was found")
	}
	if s, ok := Lookup(0x1302); !ok || s.HashSize() != 48 || !s.TLS13() {
		t.Errorf("TLS_AES_256_GCM_SHA384: %+v, %v", s, ok)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte{23, 3, 3, 0, 17}, uint8(0))
	f.Add(make([]byte, 64), uint8(3))
	f.Fuzz(func(t *testing.T, record []byte, which uint8) {
		suite := suites[int(which)%len(suites)]
		var k Schedule
		k.Start(suite)
		_, h := halves(t, &k)
		if _, text, err := h.Open(record); err == nil {
			t.Fatalf("opened %d forged bytes", len(text))
		}
	})
}

// A client's work between ServerHello and its Finished, asymmetric part apart.
func BenchmarkSchedule13(b *testing.B) {
	suite, _ := Lookup(0x1301)
	var k Schedule
	var client, server Half
	hello, flight, shared := make([]byte, 250), make([]byte, 900), make([]byte, 32)
	out := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		k.Start(suite)
		k.Write(hello)
		k.Write(hello[:90])
		k.Agree(shared)
		k.Key(&server, Server)
		k.Key(&client, Client)
		k.Write(flight)
		k.Finished(Server)
		out = client.Seal(out[:0], 22, k.Finished(Client))
	}
}
