package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// takes refuses any number of arguments but that of their names.
func takes(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == len(names):
			return nil
		case len(names) == 0:
			hint := ""
			if cmd.Flags().Changed("data") {
				hint = "; put a pattern of --data in quotes, so that the shell leaves it as it is"
			}
			return usageError{fmt.Errorf("%s takes no arguments, found %s%s", verb(cmd), quoted(args), hint)}
		}
		return usageError{fmt.Errorf("%s expects %s, found %s", verb(cmd), strings.Join(names, " and "), quoted(args))}
	}
}

// takesSeveral refuses a command line without arguments.
func takesSeveral(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return usageError{fmt.Errorf("%s expects at least one %s, found %s", verb(cmd), name, quoted(args))}
	}
}

// verb is a command's path below the program.
func verb(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

func quoted(args []string) string {
	if len(args) == 0 {
		return "nothing"
	}
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%q", args), "["), "]")
}

// flagError says what a flag takes that was given something else.
func flagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return usageError{err}
	}
	expected := valueText(invalid.GetFlag().Value.Type())
	if expected == "" {
		return usageError{err}
	}
	beyond := ""
	if errors.Is(err, strconv.ErrRange) {
		beyond = ", which is out of range"
	}
	return usageError{fmt.Errorf("--%s expects %s, found %q%s", invalid.GetFlag().Name, expected, invalid.GetValue(), beyond)}
}

// valueText says what a flag of a type takes; nothing where the flag's own error does.
func valueText(kind string) string {
	switch kind {
	case "bool":
		return "true or false"
	case "duration":
		return "a duration such as 30m"
	case "float64":
		return "a number"
	case "int":
		return "a whole number"
	case "intSlice":
		return "whole numbers separated by commas"
	case "uint64":
		return "a whole number of at least 0"
	}
	return ""
}
