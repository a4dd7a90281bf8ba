package shard

import (
	"strings"
	"testing"
)

// TestParse reads shards as people write them, and as launchers tell them.
func TestParse(t *testing.T) {
	for _, c := range []struct {
		text, environment, want string // a shard, or a part of the error
	}{
		{"0/1", "", "0/1"},
		{"6/7", "", "6/7"},
		{"7/7", "", "0 to 6: shards are counted from 0"},
		{"-1/7", "", "0 to 6"},
		{"0/0", "", "at least 1"},
		{"1/-3", "", "at least 1"},
		{"", "", `found the shard ""`},
		{"3", "", `found the shard "3"`},
		{"1/2/3", "", "I/N"},
		{"one/3", "", "slurm"},
		{"mpi", "", "OMPI_COMM_WORLD_RANK"},
		{"mpi", "OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4", "2/4"},
		{"mpi", "PMI_RANK=1 PMI_SIZE=3 SLURM_PROCID=0 SLURM_NTASKS=1", "1/3"},
		{"mpi", "PMI_RANK=1 PMI_SIZE=3 SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=2 SLURM_ARRAY_TASK_MIN=0", "4/6"},
		{"mpi", "PMI_RANK=1", "only one of the variables PMI_RANK and PMI_SIZE"},
		{"mpi", "PMI_RANK=x PMI_SIZE=3", `PMI_RANK is "x"`},
		{"mpi", "PMI_RANK=3 PMI_SIZE=3", "PMI_RANK and PMI_SIZE: found shard 3 of 3"},
		{"mpi/4", "PMI_RANK=1 PMI_SIZE=3", "3 shards, expected 4"},
		{"slurm", "SLURM_PROCID=5 SLURM_NTASKS=8", "5/8"},
		{"slurm", "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=4", "3/4"},
		{"slurm", "SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=4 SLURM_ARRAY_TASK_STEP=1 SLURM_PROCID=0 SLURM_NTASKS=1", "3/4"},
		{"slurm", "SLURM_ARRAY_TASK_ID=14 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_STEP=2", "2/3"},
		{"slurm", "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=0 SLURM_PROCID=1 SLURM_NTASKS=4", "9/12"},
		{"slurm", "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=1", "without gaps"},
		{"slurm", "SLURM_ARRAY_TASK_ID=7", "SLURM_ARRAY_TASK_COUNT"},
		{"slurm", "SLURM_PROCID=-1 SLURM_NTASKS=2", `"-1"`},
		{"slurm", "JOB_COMPLETION_INDEX=1", "SLURM_PROCID"},
		{"kubernetes/5", "JOB_COMPLETION_INDEX=4", "4/5"},
		{"kubernetes", "JOB_COMPLETION_INDEX=4", "kubernetes/N"},
		{"kubernetes/4", "JOB_COMPLETION_INDEX=4", "0 to 3"},
		{"auto", "SLURM_PROCID=5 SLURM_NTASKS=8", "5/8"},
		{"auto", "SLURM_PROCID=0 SLURM_NTASKS=1 OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4", "2/4"},
		{"auto/5", "JOB_COMPLETION_INDEX=0", "0/5"},
		{"auto", "", "JOB_COMPLETION_INDEX"},
	} {
		variables := map[string]string{}
		for _, v := range strings.Fields(c.environment) {
			name, value, _ := strings.Cut(v, "=")
			variables[name] = value
		}
		s, err := Parse(c.text, func(name string) string { return variables[name] })
		got := s.String()
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != c.want || !strings.Contains(got, c.want) {
			t.Errorf("%q with %q: %s, want %s", c.text, c.environment, got, c.want)
		}
	}
}

// TestRange has parts that differ by one at most and follow each other.
func TestRange(t *testing.T) {
	for n := range 30 {
		for of := 1; of < 12; of++ {
			at := 0
			for i := range of {
				from, to := Shard{i, of}.Range(n)
				if from != at || to-from != n/of && to-from != n/of+1 {
					t.Errorf("shard %d/%d of %d is [%d,%d) after %d", i, of, n, from, to, at)
				}
				at = to
			}
			if at != n {
				t.Errorf("%d shards of %d have %d", of, n, at)
			}
		}
	}
	if got := (Shard{2, 7}).Path("a.b/results.jsonl"); got != "a.b/results-00002-of-00007.jsonl" {
		t.Error(got)
	}
	if got := (Shard{0, 1}).Path("results"); got != "results-00000-of-00001" {
		t.Error(got)
	}
}
