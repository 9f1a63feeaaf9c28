package report

import "io"

func writeHTML(w io.Writer, d *digest) error { return nil }
