package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A step holds a lock beside its post file for as long as it lives. The kernel wakes who waits for the lock, across
// containers, on read-only mounts and even if the step is killed.

func lockOf(postFile string) string { return postFile + ".lock" }

// holdLock makes the lock of a step. The file gets its name only when it is locked, so that its existence means a
// living step or a dead one, never one to come. Closing the file gives the lock up.
func holdLock(postFile string) (*os.File, error) {
	file, err := os.CreateTemp(filepath.Dir(postFile), ".lock-*")
	if err != nil {
		return nil, err
	}
	// Readable for the users of other steps.
	err = errors.Join(file.Chmod(0o644), syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), os.Rename(file.Name(), lockOf(postFile)))
	if err != nil {
		os.Remove(file.Name())
		file.Close()
		return nil, err
	}
	return file, nil
}

// lockWatch tells when a lock is given up.
type lockWatch struct {
	released <-chan struct{}
	spent    bool
	// wasHeld: the lock was held when the watch began, so locks are shared between these containers (in some sandboxes
	// they are not).
	wasHeld bool
}

// watchLock returns nil if the lock is not there. The file is the other step's, which may have made anything of it.
func watchLock(path string) *lockWatch {
	file, err := stepFileName{filepath.Dir(path), filepath.Base(path)}.open()
	if err != nil {
		return nil
	}
	wasHeld := errors.Is(syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
	released := make(chan struct{})
	go func() {
		defer close(released)
		defer file.Close()
		for syscall.Flock(int(file.Fd()), syscall.LOCK_SH) == syscall.EINTR {
			continue
		}
	}()
	return &lockWatch{released: released, wasHeld: wasHeld}
}

func (w *lockWatch) sleep(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-w.released:
		w.spent = true
		return nil
	case <-timer.C:
		return nil
	}
}

// isSpent says that the lock has been given up and will wake nobody again.
func (w *lockWatch) isSpent() bool { return w.spent }

// close leaves the goroutine to the lock; it ends with the step that holds it, or with this process.
func (w *lockWatch) close() {}
