// Package gallery writes an evaluation as a page to look at: the worst errors and the
// confusions with their photographs, calibration, the classes, and what many crops or an
// ensemble changed. The page needs no other file, no network and no script.
package gallery
