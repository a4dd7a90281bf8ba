package weights

import "github.com/seed-fb2c0fa6/inception/weights/tensorfile"

// OfFile is a checkpoint of an open file that is in no folder.
func OfFile(name string, file tensorfile.File) (*Checkpoint, error) {
	return newCheckpoint(name, Format{Name: "memory"}, file)
}
