package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	// maxCompanionOutput bounds what is read of an answer.
	maxCompanionOutput = 4 << 20
	// maxCompanionComplaint bounds what is told of a failure.
	maxCompanionComplaint = 1 << 10
)

// companion is a program of ours beside this one, which only pods that need it get.
type companion struct {
	path string
	// flag of init that brings it.
	flag     string
	deadline time.Duration
}

// ask hands the program input on stdin and returns what it answers on stdout.
func (c companion) ask(input []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.deadline)
	defer cancel()
	command := exec.CommandContext(ctx, c.path)
	command.Env = []string{} // it needs nothing of the step
	command.Stdin = bytes.NewReader(input)
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var complaint bytes.Buffer
	command.Stderr = &complaint
	if err := command.Start(); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s is missing: the init container brings it with %s", c.path, c.flag)
		}
		return nil, err
	}
	output, readErr := io.ReadAll(io.LimitReader(stdout, maxCompanionOutput))
	if err := errors.Join(readErr, command.Wait()); err != nil {
		said := strings.ToValidUTF8(string(complaint.Bytes()[:min(complaint.Len(), maxCompanionComplaint)]), "")
		return nil, fmt.Errorf("%s: %w: %s", c.path, err, strings.TrimSpace(said))
	}
	return output, nil
}
