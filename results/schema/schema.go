// Package schema publishes the JSON Schema (draft 2020-12) of the records and
// of the inventory file, for those who read the one or write the other with
// tools of their own. It checks nothing itself: the decoder and the inventory's
// reader do.
package schema

import _ "embed"

// All takes any record of this version, and an inventory too. It is made from
// the Go types of package results with their comments, and from Inventory, by
// the test of this package (go test ./results/schema -update), so it cannot lag
// behind.
//
//go:embed schema.json
var All string

// Inventory takes an inventory file, read as JSON: for editors.
//
//go:embed inventory.json
var Inventory string
