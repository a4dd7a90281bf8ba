// Package atomicfile is the one way to write a file that is whole or absent, also after
// a process that was killed or a power failure.
package atomicfile
