// Package xlabackend makes GoMLX's XLA backend for tests with the build tag xla. Only tests
// use it.
package xlabackend
