package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/seed-fb2c0fa6/inception/train"
)

// downloadBar shows the progress of a download once there is any.
type downloadBar struct {
	tag string
	out io.Writer
	bar *progressbar.ProgressBar
	// of the file that is shown
	done, total int64
}

func (b *downloadBar) show(done, total int64) {
	if done < b.done || total != b.total { // the next file
		b.end()
		b.bar = nil
	}
	b.done, b.total = done, total
	if total == 0 {
		total = -1 // shown as a count of bytes alone
	}
	if b.bar == nil {
		b.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetDescription(b.tag),
			progressbar.OptionSetWriter(b.out),
			progressbar.OptionShowBytes(true),
			progressbar.OptionSetWidth(30),
			progressbar.OptionClearOnFinish())
	}
	_ = b.bar.Set64(done)
}

func (b *downloadBar) end() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
}

// imageBar shows on a terminal how many images are done.
type imageBar struct {
	what string // is done; "evaluate" when empty
	out  io.Writer
	bar  *progressbar.ProgressBar
}

func (b *imageBar) show(done, total int) {
	if !isTerminal(b.out) {
		return
	}
	if b.bar == nil {
		b.bar = progressbar.NewOptions(total,
			progressbar.OptionSetDescription(cmp.Or(b.what, "evaluate")),
			progressbar.OptionSetWriter(b.out),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("images"),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100e6),
			progressbar.OptionClearOnFinish())
	}
	_ = b.bar.Set(done)
}

func (b *imageBar) end() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}

// trainBar shows a run's progress: as a bar on a terminal, as a line now and then
// elsewhere. What is written to it appears above the bar.
type trainBar struct {
	out  io.Writer
	bar  *progressbar.ProgressBar
	last time.Time
}

func (b *trainBar) show(p train.Progress) {
	text := fmt.Sprintf("epoch %.2f  loss %.3f  top-1 %.1f%%  %.1f images/s", p.Epoch, p.Loss, 100*p.Top1, p.ImagesPerSecond)
	if !isTerminal(b.out) {
		const pause = 30 * time.Second
		if now := time.Now(); now.Sub(b.last) >= pause || p.Step == p.Steps {
			b.last = now
			fmt.Fprintf(b.out, "step %d of %d  %s\n", p.Step, p.Steps, text)
		}
		return
	}
	if b.bar == nil {
		b.bar = progressbar.NewOptions(p.Steps,
			progressbar.OptionSetWriter(b.out),
			progressbar.OptionSetWidth(20),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish())
		_ = b.bar.Set(p.Step - 1) // where a run that resumed began
	}
	b.bar.Describe(text)
	_ = b.bar.Set(p.Step)
}

func (b *trainBar) Write(line []byte) (int, error) {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
	return b.out.Write(line)
}

func (b *trainBar) end() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
