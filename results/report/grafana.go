// A dashboard for Grafana that reads the names of prometheus.go.

package report

import _ "embed"

// Grafana is the dashboard as JSON, to be imported as it is.
//
//go:embed grafana.json
var Grafana string
