package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed assets
var assets embed.FS

// Policy is the Content-Security-Policy of all pages: nothing from other hosts, and no script
// or style but the files of this package.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// SetHeader sets what all pages have in the header of their answers.
func SetHeader(h http.Header) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// assetURL is where a page finds a file: with a digest, so that it may be kept for ever.
func assetURL(name string) (string, error) {
	data, err := assets.ReadFile(path.Join("assets", name))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return "page/" + name + "?" + hex.EncodeToString(sum[:8]), nil
}

// ServeAsset answers with a file that pages need; it reports whether there is one of the name.
func ServeAsset(w http.ResponseWriter, r *http.Request, name string) bool {
	data, err := assets.ReadFile(path.Join("assets", name))
	if err != nil || strings.Contains(name, "/") {
		return false
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.RawQuery != "" {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
	return true
}
