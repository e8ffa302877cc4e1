package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// maxTotalSize is what the values of all results may have together: more cannot be stored with the run, and the kubelet
// would rotate the log before it is read.
const maxTotalSize = 1_500_000

// largestResult is the most that max-result-size may be.
const largestResult = 3 << 19

// Types of the lines in the sidecar's log. The first four are upstream's.
const (
	lineTaskResult   = "task"
	lineStepResult   = "step"
	lineStepArtifact = "stepArtifact"
	lineTaskArtifact = "taskArtifact"
	// lineTotal says that all results together are too much, lineEnd that nothing is missing.
	lineTotal = "total"
	lineEnd   = "end"
)

// sidecarOptions is what the results sidecar looks for. CONTRACT.md explains the fields by flag name.
type sidecarOptions struct {
	// steps are container names, in the order of the pod.
	steps       []string
	results     []string
	stepResults map[string][]string
	maxSize     int
	poll        time.Duration
	tektonDir   string
}

// sidecarLine is one line of the log.
type sidecarLine struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Type  string `json:"type"`
	// Why there is no value: what is in the way, or the size and how much there may be.
	Problem string `json:"problem,omitempty"`
	Size    int64  `json:"size,omitempty"`
	Limit   int    `json:"limit,omitempty"`
}

func newSidecarFlagSet(o *sidecarOptions, stepResults *string) *flag.FlagSet {
	set := flag.NewFlagSet("results", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&o.tektonDir, "tekton_dir", defaultTektonDir, "")
	set.Var((*commaList)(&o.results), "results", "")
	set.StringVar(stepResults, "step_results", "", "")
	set.IntVar(&o.maxSize, "max_result_size", maxMessageSize, "")
	set.DurationVar(&o.poll, "polling_interval", pollSlowest, "")
	return set
}

func parseSidecarArguments(args []string) (sidecarOptions, error) {
	var options sidecarOptions
	var stepResults string
	set := newSidecarFlagSet(&options, &stepResults)
	if err := set.Parse(args); err != nil {
		return options, err
	}
	options.steps = set.Args()
	if len(options.steps) == 0 {
		return options, errors.New("want the STEPs of the pod, got none")
	}
	if stepResults != "" {
		if err := json.Unmarshal([]byte(stepResults), &options.stepResults); err != nil {
			return options, fmt.Errorf("-step_results: %w", err)
		}
	}
	if options.maxSize < 0 || options.maxSize > largestResult {
		return options, fmt.Errorf("-max_result_size: %d is not between 0 and %d", options.maxSize, largestResult)
	}
	return options, nil
}

// tellResults waits until every step has ended and writes what they left, one JSON line each. Nothing else may be
// written to the log meanwhile: the controller reads it, standard error included.
//
// Steps end in their order, so the last one's end is everybody's. One before it that died is that one's to notice: a
// sidecar that starts after all steps may never have seen the lock held.
func tellResults(args []string, log io.Writer) error {
	options, err := parseSidecarArguments(args)
	if err != nil {
		return err
	}
	wait := waiter{wake: true, slowest: options.poll}
	last := options.run(len(options.steps)-1, "out")
	if err := wait.forStep(context.Background(), last, false, true); err != nil {
		return err
	}
	return options.write(log)
}

func (o sidecarOptions) run(index int, name string) string {
	return filepath.Join(o.tektonDir, "run", strconv.Itoa(index), name)
}

// sidecarFile is something that steps may have left, and the line that becomes of it.
type sidecarFile struct {
	file stepFileName
	line sidecarLine
}

// files are all that there may be to tell. What a step reports of itself is read where only that step can write.
func (o sidecarOptions) files() []sidecarFile {
	var files []sidecarFile
	for _, name := range o.results {
		file := stepFileName{filepath.Join(o.tektonDir, "results"), filepath.Base(name)}
		files = append(files, sidecarFile{file, sidecarLine{Name: name, Type: lineTaskResult}})
	}
	for index, step := range o.steps {
		metadata := o.run(index, "status")
		for _, name := range o.stepResults[step] {
			file := metadataFile(metadata, "results", filepath.Base(name))
			files = append(files, sidecarFile{file, sidecarLine{Name: step + "." + name, Type: lineStepResult}})
		}
		files = append(files, sidecarFile{metadataFile(metadata, provenanceFile), sidecarLine{Name: step, Type: lineStepArtifact}})
	}
	task := stepFileName{filepath.Join(o.tektonDir, filepath.Dir(provenanceFile)), filepath.Base(provenanceFile)}
	return append(files, sidecarFile{task, sidecarLine{Name: task.String(), Type: lineTaskArtifact}})
}

func (o sidecarOptions) write(log io.Writer) error {
	encoder := json.NewEncoder(log)
	encoder.SetEscapeHTML(false)
	lines, total := 0, int64(0)
	for _, item := range o.files() {
		line, found := item.read(o.maxSize)
		if !found {
			continue
		}
		if total += int64(len(line.Value)); total > maxTotalSize {
			line = sidecarLine{Type: lineTotal, Size: total, Limit: maxTotalSize}
		}
		if err := encoder.Encode(line); err != nil {
			return err
		}
		if lines++; line.Type == lineTotal {
			break
		}
	}
	return encoder.Encode(sidecarLine{Value: strconv.Itoa(lines), Type: lineEnd})
}

// read says false for a file that is not there: then there is nothing to tell.
func (f sidecarFile) read(limit int) (sidecarLine, bool) {
	content, err := f.file.read(limit)
	line := f.line
	var oversized *oversizedError
	switch {
	case errors.Is(err, os.ErrNotExist):
		return line, false
	case errors.As(err, &oversized):
		line.Size, line.Limit = oversized.size, limit
	case errors.Is(err, os.ErrPermission):
		line.Problem = err.Error() + "; let every user read it (chmod a+r)"
	case err != nil:
		line.Problem = err.Error()
	default:
		line.Value = string(content)
	}
	return line, true
}
