// The help topic grafana: a dashboard of what --prometheus writes.

package main

import (
	"github.com/spf13/cobra"

	"shakedown/results/report"
)

func grafanaTopic() *cobra.Command {
	return topicOf("grafana", "A Grafana dashboard (JSON) of what --prometheus files hold", report.Grafana)
}
