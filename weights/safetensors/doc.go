// Package safetensors reads and writes the safetensors format: eight bytes of
// little-endian header length, a JSON header that gives each tensor's dtype,
// shape and byte range, and the tensors' bytes, little-endian and row-major.
//
// The reader trusts nothing in a file: whatever it hands out has been checked
// against the format, and a file that breaks it is refused with an error that
// names the file, the tensor, what was expected and what was found. The writer
// stores float32 and leaves either the whole new file or the old one.
//
// Source: https://github.com/huggingface/safetensors#format
package safetensors
