// Package server answers HTTP requests with classifiers: the Open Inference Protocol, version
// 2 (package oip), the KServe protocol's version 1, and pictures by curl. A row of the table of
// endpoints is one of them.
package server
