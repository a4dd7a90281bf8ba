// Package explain draws what speaks for a class in a photograph: a map beside it and over it
// with the scale of the colours (Draw), and many of these on a page (WritePage).
package explain
