package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// dashboard is what Grafana reads of the panels.
type dashboard struct {
	Panels []struct {
		ID      int
		Title   string
		Targets []struct{ Expr string }
		GridPos struct{ X, Y, W, H int }
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(Grafana), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// The dashboard asks for names that are written, and for every one of them.
func TestGrafanaNames(t *testing.T) {
	written := map[string]bool{}
	for _, f := range promFamilies() {
		written["shakedown_"+f[0]] = true
	}
	asked, taken := map[string]bool{}, map[[2]int]string{}
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			for _, name := range regexp.MustCompile(`shakedown_\w+`).FindAllString(target.Expr, -1) {
				asked[name] = true
				if !written[name] {
					t.Errorf("%s asks for %s, which is not written", p.Title, name)
				}
			}
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s lies on %q or beyond the edge at %d, %d", p.Title, other, x, y)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
	for name := range written {
		if !asked[name] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// Every panel's expressions give data in a real Prometheus that scrapes a report.
func TestGrafanaInPrometheus(t *testing.T) {
	runs := append(decisionRuns(), verdictRun())
	server := startPrometheus(t, rendered(t, "prometheus", Options{}, runs...))
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			expr := strings.ReplaceAll(target.Expr, "$service", ".*")
			if n, err := server.query(expr); err != nil || n == 0 {
				t.Errorf("%s: %s gives %d series: %v", p.Title, expr, n, err)
			}
		}
	}
	if _, err := server.query("shakedown_("); err == nil {
		t.Error("an expression that is none is taken: nothing was tested")
	}
}

// prometheus is a real one, by its address.
type prometheus string

// startPrometheus starts one that scrapes a text, and waits until it has it.
func startPrometheus(t *testing.T, text string) prometheus {
	t.Helper()
	name, err := exec.LookPath("prometheus")
	if err != nil {
		t.Fatal("no prometheus here, which shows whether the dashboard works: bench/lab/install.sh prometheus")
	}
	scraped := make(chan bool, 100)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, text)
		select {
		case scraped <- true:
		default:
		}
	}))
	t.Cleanup(target.Close)
	folder := t.TempDir()
	config := fmt.Sprintf("scrape_configs: [{job_name: report, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{targets: [%q]}]}]\n", target.Listener.Addr())
	if err := os.WriteFile(filepath.Join(folder, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, "--config.file="+filepath.Join(folder, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+address)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { cancel(); <-ended })
	for range 3 { // by the third, the first is stored
		select {
		case <-scraped:
		case err := <-ended:
			ended <- err
			t.Fatalf("prometheus ended: %v\n%s", err, stderr.String())
		case <-ctx.Done():
			t.Fatal("prometheus does not scrape")
		}
	}
	return prometheus(address)
}

// freeAddress is one that nobody listened on a moment ago: Prometheus does not
// tell which it took if it is left to choose.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// query counts the series that an expression gives.
func (p prometheus) query(expr string) (int, error) {
	answer, err := http.Get("http://" + string(p) + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	var r struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	if err := json.NewDecoder(answer.Body).Decode(&r); err != nil {
		return 0, err
	}
	if r.Status != "success" {
		return 0, fmt.Errorf("%s: %s", r.Status, r.Error)
	}
	return len(r.Data.Result), nil
}
