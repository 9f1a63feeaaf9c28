// The help topic schema: what records and inventories look like, for machines.

package main

import (
	"io"

	"github.com/spf13/cobra"

	"shakedown/results/schema"
)

func schemaTopic() *cobra.Command {
	topic := topicOf("schema", "The JSON Schema of records and inventories (help schema inventory: of inventories alone)", schema.All)
	topic.AddCommand(topicOf("inventory", "The JSON Schema of an inventory file", schema.Inventory))
	return topic
}

// topicOf is a help topic that prints a text as it is.
func topicOf(name, short, text string) *cobra.Command {
	topic := &cobra.Command{Use: name, Short: short}
	topic.SetHelpFunc(func(cmd *cobra.Command, _ []string) { io.WriteString(cmd.OutOrStdout(), text) })
	return topic
}
