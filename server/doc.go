// Package server answers HTTP requests with classifiers: the Open Inference Protocol, version
// 2 (package oip), the protocol of TensorFlow Serving and of KServe's version 1 (package
// tfserving), pictures by curl, and a page for people (package page). A row of the table of
// endpoints is one of them.
package server
