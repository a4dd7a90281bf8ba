// Package cli is the command line: one file a verb, which parses flags and calls the
// library, and where there is much to print another for that. Flags that several verbs
// have are in flags.go. Results go to stdout; progress and logs to stderr.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// The exit codes of Run.
const (
	Done   = 0
	Failed = 1 // the work failed, or a part of it
	Usage  = 2 // the arguments were wrong; nothing was done
)

// A usageError is wrong arguments.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// errReported is a failure that has been printed already.
var errReported = errors.New("a part of the work failed")

// suggestionDistance is how many letters may be wrong in the name of a command for the
// right one to be suggested.
const suggestionDistance = 2

// rootCommand is the command line without its arguments.
func rootCommand() *cobra.Command {
	var showVersion bool
	root := &cobra.Command{
		Use:   "inception",
		Short: "Classify photographs with Inception-v3, v4 and Inception-ResNet",
		Long: `Classify photographs with the networks of the paper "Inception-v4,
Inception-ResNet and the Impact of Residual Connections on Learning", train them, and
measure their errors and speed.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if showVersion && len(args) == 0 {
				return printVersion(cmd.OutOrStdout())
			}
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	root.SuggestionsMinimumDistance = suggestionDistance
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(demoCommand(), predictCommand(), featuresCommand(), nearestCommand(), fidCommand(), scoreCommand(), explainCommand(), serveCommand(), trainCommand(), evaluateCommand(), mergeCommand(), plotCommand(), describeCommand(),
		weightsCommand(), quantizeCommand(), exportCommand(), benchCommand(), reproduceCommand(), versionCommand())
	root.SetHelpCommand(helpCommand())
	root.Flags().BoolVar(&showVersion, "version", false, "print the version, and what the CPU offers")
	root.SetFlagErrorFunc(flagError)
	return root
}

// helpCommand is cobra's, but for what is no command, which is wrong usage.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say what a command does and takes",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err == nil && len(rest) > 0 {
				err = unknownCommand(about, rest[0])
			}
			if err != nil {
				return err
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

func unknownCommand(parent *cobra.Command, name string) error {
	message := fmt.Sprintf("unknown command %q", name)
	if near := parent.SuggestionsFor(name); len(near) > 0 {
		message += fmt.Sprintf(", did you mean %q?", near[0])
	}
	return usageError{errors.New(message)}
}

// Run runs the command line with the given arguments and returns its exit code.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(interruptible{ctx, stdin})
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return Done
	}
	var usage usageError
	switch {
	case errors.Is(err, errReported):
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "inception: interrupted")
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "inception: %v\nRun \"%s --help\" for what it takes.\n", err, cmd.CommandPath())
		return Usage
	default:
		fmt.Fprintf(stderr, "inception: %v\n", err)
	}
	return Failed
}
