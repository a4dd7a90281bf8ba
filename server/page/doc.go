// Package page shows a server to people: a page that classifies pictures, and the
// documentation of the API. Both are plain HTML that needs no script and no other host; a
// script adds dropping and pasting, and shows each picture's classes as soon as they are
// there. It knows of no model and no listener.
package page
