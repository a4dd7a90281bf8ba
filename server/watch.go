package server

import (
	"context"
	"time"
)

// Watch looks at the source and the files of models again and again, until the context ends,
// and loads what is new or has changed. It asks the files themselves, so that it works in
// containers and on network file systems, whose changes are told to nobody.
func (r *Repository) Watch(ctx context.Context, every time.Duration) {
	var last string
	for {
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return
		}
		message := ""
		if err := r.refresh(ctx, false); err != nil && ctx.Err() == nil {
			message = err.Error()
		}
		if message != "" && message != last {
			r.options.Log.Error("watching models", "error", message)
		}
		last = message
	}
}
