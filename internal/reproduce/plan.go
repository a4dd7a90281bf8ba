package reproduce

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
)

// A plan is what all that is in a folder has in common: what was asked for when it was
// begun, and the accounts of the stages by their names.
type plan struct {
	Data, Train, Test string
	Precision         string
	Seeds, Images     int
	Accounts          map[string]*account
}

const planName = "plan.json"

// readPlan goes on with the plan in a folder, or begins one in a folder that is absent or
// empty.
func readPlan(c Config, all []stage) (*plan, error) {
	p := &plan{Data: c.Data, Train: c.Train, Test: c.Test, Precision: c.Precision, Seeds: c.Seeds, Images: c.Images, Accounts: map[string]*account{}}
	path := filepath.Join(c.Folder, planName)
	switch data, err := os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist):
		if err := vacant(c.Folder); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	default:
		begun := &plan{}
		if err := json.Unmarshal(data, begun); err != nil {
			return nil, fmt.Errorf("%s: %w; name another folder", path, err)
		}
		if err := begun.same(p); err != nil {
			return nil, fmt.Errorf("%s was begun with %w; ask for the same to go on, or name another folder", c.Folder, err)
		}
		p = begun
	}
	share := 1.0
	if c.Budget > 0 {
		share = float64(c.Budget) / float64(budgetOf(all))
	}
	for _, s := range all {
		if p.Accounts[s.name] == nil {
			p.Accounts[s.name] = &account{}
		}
		// More may be given to what was spent.
		p.Accounts[s.name].Budget = time.Duration(share * float64(s.budget))
	}
	return p, nil
}

// same returns an error that names what a plan has otherwise.
func (p *plan) same(asked *plan) error {
	for _, d := range []struct{ flag, was, is string }{
		{"--data", p.Data, asked.Data}, {"--split", p.Train, asked.Train}, {"--test-split", p.Test, asked.Test},
		{"--precision", p.Precision, asked.Precision},
		{"--seeds", fmt.Sprint(p.Seeds), fmt.Sprint(asked.Seeds)}, {"--images", fmt.Sprint(p.Images), fmt.Sprint(asked.Images)},
	} {
		if d.was != d.is {
			return fmt.Errorf("%s %s, found %s", d.flag, d.was, d.is)
		}
	}
	return nil
}

func (p *plan) write(folder string) error { return writeJSON(filepath.Join(folder, planName), p) }

// vacant refuses a folder in which something else is.
func vacant(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("the folder %s is not empty (%s is in it), expected an empty one, or that of a reproduction to go on with; name another", folder, entries[0].Name())
	}
	return err
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, data)
}

// readJSON reports whether there is such a file.
func readJSON(path string, v any) (bool, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w; remove it to do its work again", path, err)
	}
	return true, nil
}
