package hub

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	huggingface "github.com/gomlx/go-huggingface/hub"

	"github.com/seed-fb2c0fa6/inception/internal/atomicfile"
)

// pollInterval is how often the download's size and a lock held by another Fetch
// are looked at.
const pollInterval = 100 * time.Millisecond

var errInterrupted = errors.New("the connection broke before the file was complete")

// fetch downloads the file unless another Fetch just did.
func (w weightsFile) fetch(ctx context.Context, o Options) (path string, err error) {
	locks := filepath.Join(w.cache, ".locks", w.folder())
	if err := os.MkdirAll(locks, 0o755); err != nil {
		return "", err
	}
	// The lock file stays: a process may be waiting on it, and would not exclude one
	// that creates it anew.
	lock := flock.New(filepath.Join(locks, "fetch.lock"), flock.SetPermissions(0o644))
	if _, err := lock.TryLockContext(ctx, pollInterval); err != nil {
		return "", fmt.Errorf("locking %s: %w", lock.Path(), err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()

	if path, err := w.find(); !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}

	// go-huggingface works in a cache folder of its own, for this attempt only. What
	// a broken attempt leaves, or a request that outlives its context still writes,
	// is then never taken for the file, nor are its locks waited for.
	incomplete := w.in("incomplete")
	if err := os.MkdirAll(incomplete, 0o755); err != nil {
		return "", err
	}
	defer os.RemoveAll(incomplete)
	staging, err := os.MkdirTemp(incomplete, "")
	if err != nil {
		return "", err
	}
	commit, blob, sum, err := w.download(ctx, staging, o)
	if err != nil {
		return "", err
	}
	return w.publish(staging, commit, blob, sum)
}

// download puts the file below staging and compares it with what the hub states.
// It returns the commit of main, the file's path and its SHA-256 in hexadecimal.
func (w weightsFile) download(ctx context.Context, staging string, o Options) (commit, blob, sum string, err error) {
	repo := huggingface.New(w.tag).WithCacheDir(staging).WithAuth(strings.TrimSpace(os.Getenv("HF_TOKEN")))
	repo.Verbosity = 0
	if w.revision != mainRevision {
		repo.WithRevision(w.revision)
	}
	if o.Endpoint != "" {
		repo.WithEndpoint(strings.TrimSuffix(o.Endpoint, "/"))
	}
	commit, stated, err := w.describe(ctx, repo)
	if err != nil {
		return "", "", "", err
	}

	path, err := w.transfer(ctx, repo, filepath.Join(staging, w.folder(), "blobs"), stated.Size, o.Progress)
	if err != nil {
		return "", "", "", err
	}
	// go-huggingface reports a connection that broke in the body as success, with a
	// link to a blob that is not there.
	blob, err = filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = errInterrupted
	}
	if err != nil {
		return "", "", "", err
	}
	size, sum, err := digest(ctx, blob)
	if err != nil {
		return "", "", "", err
	}
	if stated.Size > 0 && size != stated.Size {
		return "", "", "", fmt.Errorf("the download has the wrong size: expected %d bytes, found %d", stated.Size, size)
	}
	if stated.LFS != nil && !strings.EqualFold(sum, stated.LFS.SHA256) {
		return "", "", "", fmt.Errorf("the download has the wrong SHA-256: expected %s, found %s", stated.LFS.SHA256, sum)
	}
	if o.Progress != nil {
		o.Progress(size, size)
	}
	return commit, blob, sum, nil
}

// describe asks the hub for the commit of main and for the file's size and
// SHA-256.
func (w weightsFile) describe(ctx context.Context, repo *huggingface.Repo) (commit string, stated huggingface.FileInfo, err error) {
	// go-huggingface requests the description without a context. When ctx ends first,
	// the request is left behind and owns repo.
	described := make(chan error, 1)
	go func() {
		// Of the calls that fetch the description, this one makes the download use it
		// instead of fetching it again, again without a context.
		_, err := repo.FileURL(w.file)
		described <- err
	}()
	select {
	case <-ctx.Done():
		return "", stated, ctx.Err()
	case err := <-described:
		if err != nil {
			return "", stated, err
		}
	}

	commit = repo.Info().CommitHash
	if !isName(commit) {
		return "", stated, fmt.Errorf("the hub's description of %s has no commit: found sha %q", w.tag, commit)
	}
	for f, err := range repo.IterFileInfos() {
		if err != nil {
			return "", stated, err
		}
		if f != nil && f.Name == w.file {
			return commit, *f, nil
		}
	}
	return "", stated, fmt.Errorf("%w at commit %s", ErrNoSuchFile, commit)
}

// transfer downloads the file and returns the path of a link to it. The bytes
// arrive in the folder blobs, whose growth is reported to progress.
func (w weightsFile) transfer(ctx context.Context, repo *huggingface.Repo, blobs string, total int64, progress func(done, total int64)) (string, error) {
	var path string
	finished := make(chan error, 1)
	go func() {
		var err error
		path, err = repo.DownloadFileCtx(ctx, w.file)
		finished <- err
	}()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var reported int64
	for {
		select {
		case err := <-finished:
			return path, err
		case <-tick.C:
			if done := folderSize(blobs); progress != nil && done > reported {
				reported = done
				progress(done, total)
			}
		}
	}
}

// folderSize is the sum of the sizes of the files in a folder, in bytes. The
// folder and its files may come and go meanwhile.
func folderSize(dir string) int64 {
	entries, _ := os.ReadDir(dir)
	var sum int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
	}
	return sum
}

// digest returns the file's size in bytes and its SHA-256 in hexadecimal, after
// forcing it to the disk: once it is published nobody compares it again.
func digest(ctx context.Context, path string) (size int64, sum string, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Sync(); err != nil {
		return 0, "", err
	}
	hash := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return 0, "", err
		}
		n, err := io.CopyN(hash, f, 4<<20)
		size += n
		if err == io.EOF {
			return size, hex.EncodeToString(hash.Sum(nil)), nil
		}
		if err != nil {
			return 0, "", err
		}
	}
}

// publish moves a complete blob to its place in the cache and makes it main's.
// Every step is one rename, made only after all that it refers to is in place and on
// the disk.
func (w weightsFile) publish(staging, commit, blob, sum string) (string, error) {
	// Python names the blob of a large file by its SHA-256 too.
	blobs, refs, snapshot := w.in("blobs"), w.in("refs"), w.snapshot(commit)
	target, err := filepath.Rel(filepath.Dir(snapshot), filepath.Join(blobs, sum))
	if err != nil {
		return "", err
	}
	link, ref := filepath.Join(staging, "link"), filepath.Join(staging, "ref")
	err = cmp.Or(
		os.Symlink(target, link),
		atomicfile.WriteBytes(ref, []byte(commit)),
		os.MkdirAll(blobs, 0o755),
		os.MkdirAll(filepath.Dir(snapshot), 0o755),
		os.MkdirAll(refs, 0o755),
	)
	if err != nil {
		return "", err
	}
	for _, step := range [][2]string{
		{blob, filepath.Join(blobs, sum)},
		{link, snapshot},
		{ref, filepath.Join(refs, w.revision)},
	} {
		if err := atomicfile.Rename(step[0], step[1]); err != nil {
			return "", err
		}
	}
	return snapshot, nil
}
