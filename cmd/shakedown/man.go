// The hidden verb man: manual pages made from the help, for packaging.

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func manCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write manual pages, one for each verb",
		Hidden: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("man wants one folder to write the pages to: shakedown man DIR")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("making the folder for manual pages: %w", err)
			}
			undated := time.Unix(0, 0).UTC() // pages of one version are alike, whenever they are made
			head := &doc.GenManHeader{Title: "SHAKEDOWN", Section: "1", Date: &undated, Source: "shakedown " + version, Manual: "User Commands"}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			return doc.GenManTree(root, head, args[0])
		},
	}
}
