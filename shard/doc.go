// Package shard divides a list of photographs among processes that know nothing of each
// other, on one machine or on many, and joins what they have found: each writes a file, and
// the files together are as good as one run, or an error that names what is wrong with them.
//
//	part, err := shard.Parse("slurm", os.Getenv) // 2/7
//	from, to := part.Range(len(photographs))
//	...
//	joined, err := shard.Join("predictions", paths)
//	err = joined.Each(func(record json.RawMessage) error { ... }) // in the order of the list
package shard
