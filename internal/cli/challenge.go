package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed-fb2c0fa6/inception/dataset"
	"github.com/seed-fb2c0fa6/inception/dataset/ilsvrc"
)

// challengeFlags are the flags of `evaluate` for the files of ILSVRC-2012.
type challengeFlags struct {
	synsets     string
	groundTruth string
	blacklist   string
	submission  string
}

func (f *challengeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.synsets, "synsets", "", "`file` with the number of each synset of ILSVRC-2012; DATA has no class folders then")
	flags.StringVar(&f.groundTruth, "ground-truth", "", "`file` with the class of each photograph of ILSVRC-2012, in the order of their names")
	flags.StringVar(&f.blacklist, "blacklist", "", "`file` with the numbers of photographs to leave out")
	addSubmission(cmd, &f.submission)
}

func (f *challengeFlags) check() error {
	if f.synsets == "" && (f.groundTruth != "" || f.submission != "") {
		return usageError{errors.New("--ground-truth and --submission need the numbers of the classes; name them with --synsets")}
	}
	return nil
}

// open opens the photographs, with class folders or as ILSVRC-2012 has them.
func (f *challengeFlags) open(ctx context.Context, path string, o dataset.Options) (*dataset.Set, error) {
	if f.synsets != "" {
		var err error
		o.Flat = true
		if o.Classes, err = ilsvrc.ReadSynsets(f.synsets); err != nil {
			return nil, fmt.Errorf("--synsets: %w", err)
		}
		if f.groundTruth != "" {
			if o.Labels, err = ilsvrc.ReadGroundTruth(f.groundTruth, o.Classes); err != nil {
				return nil, fmt.Errorf("--ground-truth: %w", err)
			}
		}
	}
	return dataset.Open(ctx, path, o)
}

// excluded returns the indexes of the photographs to leave out.
func (f *challengeFlags) excluded(set *dataset.Set) ([]int, error) {
	if f.blacklist == "" {
		return nil, nil
	}
	exclude, err := ilsvrc.ReadBlacklist(f.blacklist, set)
	if err != nil {
		return nil, fmt.Errorf("--blacklist: %w", err)
	}
	return exclude, nil
}
