package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// A step may make anything of the places that it can write to: links to files that only a later step has, pipes,
// devices, files without end. Whatever lies in such a place is read by the functions of this file and by nothing else.

// oPath (O_PATH) opens the name of a file without opening the file: pipes do not block, devices do not notice.
const oPath = 0x200000

// refusedError tells that a step put something else where a file is wanted.
type refusedError struct {
	path string
	kind string
	want string
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("%s is %s, not %s", e.path, e.kind, e.want)
}

// oversizedError tells that a file is larger than what may be read of it.
type oversizedError struct {
	path  string
	size  int64
	limit int
}

func (e *oversizedError) Error() string {
	return fmt.Sprintf("%s has %d bytes, more than the %d that are read", e.path, e.size, e.limit)
}

// fileKinds are the words for what is no regular file, by the type bits of its mode.
var fileKinds = map[uint32]string{
	syscall.S_IFLNK:  "a symbolic link",
	syscall.S_IFIFO:  "a named pipe",
	syscall.S_IFSOCK: "a socket",
	syscall.S_IFCHR:  "a device",
	syscall.S_IFBLK:  "a device",
	syscall.S_IFDIR:  "a directory",
	syscall.S_IFREG:  "a file",
}

func kindOf(info syscall.Stat_t) string { return fileKinds[info.Mode&syscall.S_IFMT] }

// openAt is openat(2), relative to an open directory.
func openAt(dir int, name string, flags int) (int, error) {
	for {
		fd, err := syscall.Openat(dir, name, flags|syscall.O_CLOEXEC, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// stepFileName is a file that a step may have made: base is a directory that only the kubelet and the init container
// can change (a mount of the pod), path leads on from there through directories that belong to the step.
type stepFileName struct {
	base string
	path string
}

func (n stepFileName) String() string { return filepath.Join(n.base, n.path) }

// parent opens the directory that holds the file. It takes one component after the other from the directory before, so
// that a link is never followed, whatever is swapped meanwhile.
func (n stepFileName) parent() (dir int, err error) {
	dir, err = openAt(atWorkingDir, n.base, oPath|syscall.O_DIRECTORY)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: n.base, Err: err}
	}
	between := filepath.Dir(n.path)
	if between == "." {
		return dir, nil
	}
	path := n.base
	for _, component := range strings.Split(between, string(filepath.Separator)) {
		path = filepath.Join(path, component)
		next, err := openAt(dir, component, oPath|syscall.O_DIRECTORY|syscall.O_NOFOLLOW)
		if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) {
			kind := kindBelow(dir, component)
			syscall.Close(dir)
			return -1, &refusedError{path, kind, "a directory"}
		}
		syscall.Close(dir)
		if err != nil {
			return -1, &os.PathError{Op: "open", Path: path, Err: err}
		}
		dir = next
	}
	return dir, nil
}

// atWorkingDir is AT_FDCWD.
const atWorkingDir = -100

// kindBelow is what an entry of a directory is, in words.
func kindBelow(dir int, name string) string {
	info, err := statBelow(dir, name)
	if err != nil {
		return "gone"
	}
	return kindOf(info)
}

func statBelow(dir int, name string) (info syscall.Stat_t, err error) {
	fd, err := openAt(dir, name, oPath|syscall.O_NOFOLLOW)
	if err != nil {
		return info, err
	}
	defer syscall.Close(fd)
	return info, syscall.Fstat(fd, &info)
}

// stat looks at the file itself, not at what a link names.
func (n stepFileName) stat() (info syscall.Stat_t, err error) {
	dir, err := n.parent()
	if err != nil {
		return info, err
	}
	defer syscall.Close(dir)
	info, err = statBelow(dir, filepath.Base(n.path))
	if err != nil {
		err = &os.PathError{Op: "stat", Path: n.String(), Err: err}
	}
	return info, err
}

// open opens a regular file, and nothing else, without ever blocking.
func (n stepFileName) open() (*os.File, error) {
	dir, err := n.parent()
	if err != nil {
		return nil, err
	}
	defer syscall.Close(dir)
	name := filepath.Base(n.path)
	info, err := statBelow(dir, name)
	if err == nil && info.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, &refusedError{n.String(), kindOf(info), "a regular file"}
	}
	fd, err := openAt(dir, name, syscall.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_NOCTTY)
	if errors.Is(err, syscall.ELOOP) {
		return nil, &refusedError{n.String(), "a symbolic link", "a regular file"}
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: n.String(), Err: err}
	}
	// It may have been swapped since it was looked at.
	if err = syscall.Fstat(fd, &info); err == nil && info.Mode&syscall.S_IFMT != syscall.S_IFREG {
		err = &refusedError{n.String(), kindOf(info), "a regular file"}
	}
	if err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), n.String()), nil
}

// read returns the content of a regular file of at most limit bytes. The error is a *refusedError for anything else
// than a file, an *oversizedError for a larger one, and os.ErrNotExist for none.
func (n stepFileName) read(limit int) ([]byte, error) {
	file, err := n.open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > int64(limit) {
		return nil, &oversizedError{n.String(), info.Size(), limit}
	}
	content, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err == nil && len(content) > limit {
		return nil, &oversizedError{n.String(), int64(len(content)), limit}
	}
	return content, err
}

// openCopy opens a file to append a stream to, made when it is not there. An earlier step may have put a link in its
// place, which would lead what this step writes over a file that only this step can reach, or a pipe, which would hang it.
func openCopy(path string) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_APPEND | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	file, err := os.OpenFile(path, flags, 0o644)
	switch {
	case errors.Is(err, syscall.ELOOP):
		return nil, &refusedError{path, "a symbolic link", "a regular file"}
	case errors.Is(err, syscall.ENXIO):
		return nil, &refusedError{path, "a pipe or a socket", "a regular file"}
	case err != nil:
		return nil, err
	}
	var info syscall.Stat_t
	if err := syscall.Fstat(int(file.Fd()), &info); err != nil || info.Mode&syscall.S_IFMT != syscall.S_IFREG {
		file.Close()
		return nil, errors.Join(err, &refusedError{path, kindOf(info), "a regular file"})
	}
	return file, nil
}

// writeShared writes a file that steps of other users read, whatever the umask. A step may have put a pipe or a link in
// its place, which would block the write or lead it elsewhere: that is taken away.
func writeShared(path string, content []byte) error {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	const flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	file, err := os.OpenFile(path, flags, sharedFileMode)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	chmodErr := file.Chmod(sharedFileMode)
	if errors.Is(chmodErr, os.ErrPermission) {
		chmodErr = nil // another user's file that could be written is shared enough
	}
	return errors.Join(err, chmodErr, file.Close())
}
