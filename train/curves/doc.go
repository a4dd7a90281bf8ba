// Package curves draws how training went, from the metrics.csv of its runs: loss and
// errors by epoch, as the paper's figures 21-26 do.
package curves
