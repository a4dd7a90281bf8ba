// Package device compiles a graph whose variables do not change, and runs it. Where their
// values are, in the program or on the device, follows from the backend.
package device
