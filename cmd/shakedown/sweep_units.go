// Units: a systemd service and timer and a crontab line for a sweep, with the
// flags that it was given.

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// printUnits prints them so that they run as they stand: with absolute paths,
// and nothing taken from an environment that cron does not have.
func (a *app) printUnits(f *sweepFlags) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	args, err := a.unitArgs(f)
	if err != nil {
		return err
	}
	command := append([]string{program, "sweep"}, args...)
	delay := max(f.jitter, 10*time.Minute)
	_, err = fmt.Fprintf(a.stdout, `# /etc/systemd/system/shakedown-sweep.service
[Unit]
Description=TLS sweep of %s
Documentation=man:shakedown-sweep(1)
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=%s
Nice=10
NoNewPrivileges=yes
PrivateTmp=yes

# /etc/systemd/system/shakedown-sweep.timer
[Unit]
Description=TLS sweep of %s, daily

[Timer]
OnCalendar=*-*-* 04:17:00
RandomizedDelaySec=%d
Persistent=yes

[Install]
WantedBy=timers.target

# crontab: mails only what matters
17 4 * * * %s
`, unitText(f.inventory), unitCommand(command), unitText(f.inventory), int(delay.Seconds()),
		cronCommand(append([]string{program, "sweep", "--quiet"}, args...)))
	return err
}

// unitArgs repeats the flags of a sweep that are worth repeating.
func (a *app) unitArgs(f *sweepFlags) ([]string, error) {
	name, err := a.storeName(f.store)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(name, "://") {
		if name, err = filepath.Abs(name); err != nil {
			return nil, err
		}
	}
	inventory, err := filepath.Abs(f.inventory)
	if err != nil {
		return nil, err
	}
	args := []string{"--inventory", inventory, "--store", name, "--resume"}
	for _, p := range f.profiles {
		args = append(args, "--profile", p)
	}
	for flag, value := range map[string]string{"--prometheus": f.prometheus, "--on-change": f.onChange} {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	if f.minDaysLeft > 0 {
		args = append(args, "--min-days-left", fmt.Sprint(f.minDaysLeft))
	}
	if f.deadline > 0 {
		args = append(args, "--deadline", f.deadline.String())
	}
	return args, nil
}

// unitText keeps a text on its line, without systemd's specifiers.
func unitText(s string) string {
	return strings.NewReplacer("%", "%%", "\n", " ").Replace(s)
}

// unitCommand quotes words for ExecStart (systemd.service(5), "Command lines").
func unitCommand(words []string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$")
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if e := escape.Replace(w); e != w || w == "" || strings.ContainsAny(w, " \t';") {
			quoted[i] = `"` + e + `"`
		}
	}
	return strings.Join(quoted, " ")
}

// cronCommand quotes words for sh, and % for cron, which takes it for the end of
// the command.
func cronCommand(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strings.ReplaceAll(shellQuote(w), "%", `\%`)
	}
	return strings.Join(quoted, " ")
}
