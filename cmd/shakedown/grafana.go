// The help topic grafana: a dashboard of what --prometheus writes.

package main

import (
	"github.com/spf13/cobra"

	"shakedown/results/report"
)

func grafanaTopic(a *app) *cobra.Command {
	return topicOf(a, "grafana", "A Grafana dashboard (JSON) of what --prometheus files hold", report.Grafana)
}
