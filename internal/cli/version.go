package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/internal/version"
)

func versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say what the program was built from, and what the CPU offers",
		Long: `Print the version, the commit and whether files differed from it, the version of Go,
the system, the cores, and the instruction sets that the CPU has and that the backend cpu
has kernels for, the best first. inception --version prints the same.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return printJSON(cmd.OutOrStdout(), version.Read())
			}
			return printVersion(cmd.OutOrStdout())
		},
	}
	addJSON(cmd, &asJSON)
	return cmd
}

func printVersion(out io.Writer) error {
	_, err := fmt.Fprintln(out, version.Read())
	return err
}
