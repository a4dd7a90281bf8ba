package shard

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Names lists what Parse finds a shard by in the environment.
func Names() []string {
	var names []string
	for _, l := range launchers() {
		names = append(names, l.name)
	}
	return append(names, auto)
}

// auto is the first launcher that has started the process.
const auto = "auto"

// A launcher starts processes, and tells each which it is by variables.
type launcher struct {
	name, variables string
	find            func(environment) (part Shard, found bool, err error)
}

// launchers are asked in this order: mpirun in a job of Slurm, or in a pod, is what has
// started the process.
func launchers() []launcher {
	return []launcher{
		{"mpi", "OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE or PMI_RANK and PMI_SIZE of mpirun", environment.mpi},
		{"slurm", "SLURM_PROCID and SLURM_NTASKS of srun or SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT of sbatch --array", environment.slurm},
		{"kubernetes", "JOB_COMPLETION_INDEX of an Indexed Job", environment.kubernetes},
	}
}

// Parse reads I/N, shard I of N counted from 0, or the name of what has started the
// processes and tells each its number by variables, which getenv returns:
//
//	mpi         OMPI_COMM_WORLD_RANK and _SIZE, or PMI_RANK and PMI_SIZE
//	slurm       SLURM_PROCID and SLURM_NTASKS, in an array for each of its tasks
//	            (SLURM_ARRAY_TASK_ID, _COUNT, _MIN and _STEP)
//	kubernetes  JOB_COMPLETION_INDEX of an Indexed Job, as kubernetes/N: N is its completions
//	auto        the first of these that is there
//
// NAME/N expects N shards.
func Parse(text string, getenv func(string) string) (Shard, error) {
	name, count, counted := strings.Cut(text, "/")
	wrong := fmt.Errorf("found the shard %q, expected I/N, which is shard I of N counted from 0, or one of %s, and /N after it where N is not in the environment", text, strings.Join(Names(), ", "))
	of := 0
	if counted {
		var err error
		if of, err = strconv.Atoi(count); err != nil {
			return Shard{}, wrong
		}
		if of < 1 {
			return Shard{}, Shard{0, of}.Check()
		}
	}
	if index, err := strconv.Atoi(name); err == nil && counted {
		s := Shard{index, of}
		return s, s.Check()
	}
	if !slices.Contains(Names(), name) {
		return Shard{}, wrong
	}
	e := environment{getenv, of}
	var variables []string
	for _, l := range launchers() {
		if name != l.name && name != auto {
			continue
		}
		variables = append(variables, l.variables)
		s, found, err := l.find(e)
		if err != nil {
			return Shard{}, fmt.Errorf("%s: %w", l.name, err)
		}
		if !found {
			continue
		}
		if counted && s.Of != of {
			return Shard{}, fmt.Errorf("%s: the environment tells of %d shards, expected %d as in %q", l.name, s.Of, of, text)
		}
		return s, nil
	}
	return Shard{}, fmt.Errorf("%q finds no shard in the environment: expected %s; give I/N", text, strings.Join(variables, ", or "))
}

// An environment is what a process finds about itself.
type environment struct {
	getenv func(string) string
	of     int // shards that are expected; 0 where nothing is said
}

// number reads a variable that must be at least `least`; missing tells that it is not set.
func (e environment) number(name string, least int) (n int, missing bool, err error) {
	text := e.getenv(name)
	if text == "" {
		return 0, true, nil
	}
	if n, err = strconv.Atoi(text); err != nil || n < least || n > math.MaxInt32 {
		return 0, false, fmt.Errorf("the variable %s is %q, expected a whole number of at least %d", name, text, least)
	}
	return n, false, nil
}

// pair reads a number and a count.
func (e environment) pair(index, count string) (Shard, bool, error) {
	i, noIndex, err := e.number(index, 0)
	n, noCount, wrong := e.number(count, 1)
	if err = errors.Join(err, wrong); err != nil || noIndex && noCount {
		return Shard{}, false, err
	}
	if noIndex || noCount {
		return Shard{}, false, fmt.Errorf("found only one of the variables %s and %s, expected both", index, count)
	}
	s := Shard{i, n}
	if err := s.Check(); err != nil {
		return Shard{}, false, fmt.Errorf("the variables %s and %s: %w", index, count, err)
	}
	return s, true, nil
}

// within returns which shard a process is that is one of several of each of the outer.
func (s Shard) within(outer Shard) Shard {
	return Shard{outer.Index*s.Of + s.Index, outer.Of * s.Of}
}

func (e environment) mpi() (Shard, bool, error) {
	s, found, err := e.pair("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")
	if err == nil && !found {
		s, found, err = e.pair("PMI_RANK", "PMI_SIZE")
	}
	if err != nil || !found {
		return s, found, err
	}
	// Each task of an array runs mpirun.
	array, isArray, err := e.array()
	if isArray {
		s = s.within(array)
	}
	return s, true, err
}

func (e environment) slurm() (Shard, bool, error) {
	array, isArray, err := e.array()
	if err != nil {
		return Shard{}, false, err
	}
	s, found, err := e.pair("SLURM_PROCID", "SLURM_NTASKS")
	switch {
	case err != nil || !isArray:
		return s, found, err
	case !found:
		return array, true, nil
	}
	return s.within(array), true, nil
}

// array is which task of a job array this is. Arrays may begin anywhere, and have steps.
func (e environment) array() (Shard, bool, error) {
	id, noID, err := e.number("SLURM_ARRAY_TASK_ID", 0)
	count, noCount, wrong := e.number("SLURM_ARRAY_TASK_COUNT", 1)
	if err = errors.Join(err, wrong); err != nil || noID && noCount {
		return Shard{}, false, err
	}
	if noID || noCount {
		return Shard{}, false, errors.New("found only one of the variables SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT, expected both")
	}
	least, _, err := e.number("SLURM_ARRAY_TASK_MIN", 0)
	step, noStep, wrong := e.number("SLURM_ARRAY_TASK_STEP", 1)
	if err = errors.Join(err, wrong); err != nil {
		return Shard{}, false, err
	}
	if noStep {
		step = 1
	}
	s := Shard{(id - least) / step, count}
	if (id-least)%step != 0 || s.Check() != nil {
		return Shard{}, false, fmt.Errorf("task %d is none of an array of %d tasks from %d in steps of %d, expected one without gaps, such as --array=0-%d", id, count, least, step, count-1)
	}
	return s, true, nil
}

func (e environment) kubernetes() (Shard, bool, error) {
	index, missing, err := e.number("JOB_COMPLETION_INDEX", 0)
	if err != nil || missing {
		return Shard{}, false, err
	}
	if e.of == 0 {
		return Shard{}, false, errors.New("JOB_COMPLETION_INDEX does not tell of how many; give kubernetes/N, where N is the Job's completions")
	}
	s := Shard{index, e.of}
	return s, true, s.Check()
}
