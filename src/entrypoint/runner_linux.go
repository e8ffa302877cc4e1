package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"
)

const (
	hermeticVariable     = "TEKTON_HERMETIC"
	resourceNameVariable = "TEKTON_RESOURCE_NAME"

	// copyDelay bounds the wait for the end of a copied stream that a daemon of the command keeps open.
	copyDelay = 10 * time.Second
)

// invocation is one command to run as the step.
type invocation struct {
	command     []string
	environment []string
	stdoutPath  string
	stderrPath  string
	hermetic    bool
}

// run runs the command in a process group of its own, with this process's signals forwarded to the group. When the
// context ends the group is killed and the context's error returned. A command that fails gives an *exec.ExitError.
func (i invocation) run(ctx context.Context) error {
	if len(i.command) == 0 {
		return nil
	}
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	defer func() {
		signal.Stop(signals)
		close(signals)
	}()

	command := exec.CommandContext(ctx, i.command[0], i.command[1:]...)
	command.Env = i.environment
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = copyDelay
	if i.hermetic {
		isolate(command.SysProcAttr)
	}
	closeStreams, err := i.connect(command)
	if err != nil {
		return err
	}
	defer closeStreams()
	if err := command.Start(); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	go forward(signals, command.Process.Pid)
	err = command.Wait()
	if errors.Is(err, exec.ErrWaitDelay) && command.ProcessState.Success() {
		err = nil
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// connect gives the command this process's streams, copied to files where asked.
func (i invocation) connect(command *exec.Cmd) (closeAll func(), err error) {
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	var files []*os.File
	closeAll = func() {
		for _, file := range files {
			file.Close()
		}
	}
	for _, stream := range []struct {
		path   string
		target *io.Writer
	}{{i.stdoutPath, &command.Stdout}, {i.stderrPath, &command.Stderr}} {
		if stream.path == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(stream.path), sharedDirMode); err != nil {
			closeAll()
			return nil, fmt.Errorf("error creating parent directory: %w", err)
		}
		file, err := openCopy(stream.path)
		if err != nil {
			closeAll()
			return nil, fmt.Errorf("error opening %s: %w", stream.path, err)
		}
		files = append(files, file)
		*stream.target = io.MultiWriter(*stream.target, file)
	}
	return closeAll, nil
}

// isolate takes the network away. The other namespaces are what makes that possible and useful; all users and groups
// are mapped as they are.
func isolate(attributes *syscall.SysProcAttr) {
	attributes.Cloneflags = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER
	everyone := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1<<32 - 1}}
	attributes.UidMappings = everyone
	attributes.GidMappings = everyone
	attributes.GidMappingsEnableSetgroups = true // package managers call setgroups
}

// forward passes signals on to the command's process group until the channel is closed.
func forward(signals <-chan os.Signal, pid int) {
	for received := range signals {
		switch received {
		case syscall.SIGCHLD:
			if os.Getpid() == 1 {
				reapOrphans(pid)
			}
		case syscall.SIGURG: // the Go runtime's own, for preemption
		default:
			if number, ok := received.(syscall.Signal); ok {
				_ = syscall.Kill(-pid, number)
			}
		}
	}
}

// reapOrphans reaps processes that were left to PID 1, but never the command itself: os/exec waits for that.
// It looks at who has exited without reaping first, and stops at the command.
func reapOrphans(command int) {
	const pAll, wNoWait = 0, 0x1000000
	for {
		// siginfo_t on 64-bit Linux: three ints and padding, then si_pid.
		var info struct {
			header [4]int32
			pid    int32
			rest   [27]int32
		}
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, pAll, 0, uintptr(unsafe.Pointer(&info)),
			syscall.WEXITED|syscall.WNOHANG|wNoWait, 0, 0)
		if errno != 0 || info.pid == 0 || int(info.pid) == command {
			return
		}
		if reaped, err := syscall.Wait4(int(info.pid), nil, syscall.WNOHANG, nil); err != nil || reaped <= 0 {
			return
		}
	}
}
