package main

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// What makes a file appear in a directory: created, renamed into it (the kubelet swaps a link), filled.
const watchEvents = syscall.IN_CREATE | syscall.IN_MOVED_TO | syscall.IN_CLOSE_WRITE | syscall.IN_MODIFY | syscall.IN_DELETE_SELF

// dirWatch tells when something changes in a directory.
type dirWatch struct {
	file *os.File
}

func watchDir(dir string) (*dirWatch, error) {
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	if _, err := syscall.InotifyAddWatch(fd, dir, watchEvents); err != nil {
		syscall.Close(fd)
		return nil, os.NewSyscallError("inotify_add_watch", err)
	}
	return &dirWatch{os.NewFile(uintptr(fd), "inotify")}, nil
}

func (w *dirWatch) close() { w.file.Close() }

func (w *dirWatch) sleep(ctx context.Context, duration time.Duration) error {
	if w.file.SetReadDeadline(time.Now().Add(duration)) != nil {
		return sleepFor(ctx, min(duration, pollSlowest))
	}
	stop := context.AfterFunc(ctx, func() { w.file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var events [4096]byte
	if _, err := w.file.Read(events[:]); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		// Never seen; the caller must not spin.
		time.Sleep(min(duration, pollSlowest))
	}
	return ctx.Err()
}
