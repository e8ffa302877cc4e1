package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// References that only a running pod can resolve: results and artifacts of the steps before.
var (
	stepResultReference   = regexp.MustCompile(`\$\(steps\.([^.()$\s]+)\.results\.([^()$\s]+)\)`)
	stepArtifactReference = regexp.MustCompile(`\$\(steps\.([^.()$\s]+)\.(inputs|outputs)(?:\.([^.()$\s]+))?\)`)
	arrayIndex            = regexp.MustCompile(`^(.*)\[(\*|[0-9]+)\]$`)
)

// maxReferencedSize is more than the command line of a process can hold on Linux.
const maxReferencedSize = 2 << 20

// stepFiles resolves references from the files under stepsDir (/tekton/steps).
type stepFiles struct {
	stepsDir string
	// refused is the first thing that an earlier step put where a file was wanted: the step must not run on a guess.
	refused error
}

// read reads a file of an earlier step. The link below stepsDir is the init container's (the mount is read-only); what
// lies beneath the directory that it names is the other step's.
func (f *stepFiles) read(step string, parts ...string) ([]byte, error) {
	metadataDir, err := os.Readlink(filepath.Join(f.stepsDir, "step-"+filepath.Base(step)))
	if err != nil {
		return nil, err
	}
	content, err := metadataFile(metadataDir, parts...).read(maxReferencedSize)
	var refused *refusedError
	var oversized *oversizedError
	if f.refused == nil && (errors.As(err, &refused) || errors.As(err, &oversized)) {
		f.refused = err
	}
	return content, err
}

// resultValue is a result as a step wrote it: a JSON list or map of strings, or any text.
type resultValue struct {
	text   string
	list   []string
	object map[string]string
}

// parseResultValue never fails: what is not a list or a map of strings is a text; a JSON string is unquoted.
func parseResultValue(content []byte) resultValue {
	if len(content) == 0 {
		return resultValue{}
	}
	switch content[0] {
	case '[':
		var list []string
		if json.Unmarshal(content, &list) == nil {
			return resultValue{list: list}
		}
	case '{':
		var object map[string]string
		if json.Unmarshal(content, &object) == nil {
			return resultValue{object: object}
		}
	}
	var text string
	if json.Unmarshal(content, &text) == nil {
		return resultValue{text: text}
	}
	return resultValue{text: string(content)}
}

// resolveResult is the value of a match of stepResultReference. isList tells R[*], which stands for several arguments.
func (f *stepFiles) resolveResult(match []string) (text string, list []string, isList bool, err error) {
	step, selector := match[1], match[2]
	name, key, _ := strings.Cut(selector, ".")
	if strings.Contains(key, ".") {
		return "", nil, false, errors.New("want steps.<stepName>.results.<resultName>, and at most one .<key>")
	}
	index := ""
	if parts := arrayIndex.FindStringSubmatch(name); parts != nil {
		name, index = parts[1], parts[2]
	}
	content, err := f.read(step, "results", filepath.Base(name))
	if err != nil {
		return "", nil, false, err
	}
	value := parseResultValue(content)
	switch {
	case key != "":
		text, found := value.object[key]
		if !found {
			return "", nil, false, fmt.Errorf("the result has no key %q", key)
		}
		return text, nil, false, nil
	case index == "*":
		if value.list == nil {
			return "", nil, false, errors.New("the result is not an array")
		}
		return "", value.list, true, nil
	case index != "":
		position, err := strconv.Atoi(index)
		if err != nil || position >= len(value.list) {
			return "", nil, false, fmt.Errorf("the result has no element %s", index)
		}
		return value.list[position], nil, false, nil
	case value.list != nil || value.object != nil:
		// Upstream gives an empty text here; the JSON the step wrote says more.
		return string(content), nil, false, nil
	default:
		return value.text, nil, false, nil
	}
}

// artifact is one input or output of a step, as far as references need it. Field order is the order of the JSON given
// to commands.
type artifact struct {
	Name   string `json:"name"`
	Values []struct {
		Digest map[string]string `json:"digest,omitempty"`
		URI    string            `json:"uri,omitempty"`
	} `json:"values"`
}

func (f *stepFiles) resolveArtifact(match []string) (string, error) {
	step, side, name := match[1], match[2], match[3]
	content, err := f.read(step, provenanceFile)
	if err != nil {
		return "", err
	}
	var sides map[string][]artifact
	if err := json.Unmarshal(content, &sides); err != nil {
		return "", err
	}
	for _, candidate := range sides[side] {
		if name == "" || candidate.Name == name {
			values, err := json.Marshal(candidate.Values)
			return string(values), err
		}
	}
	return "", fmt.Errorf("values for %s not found", match[0])
}

// expand replaces the references in text. What cannot be resolved stays, and is told on stderr.
// With a list the result is several arguments; elsewhere a list must not occur.
func (f *stepFiles) expand(text string, allowList bool) []string {
	if match := stepResultReference.FindStringSubmatch(text); allowList && match != nil && match[0] == text {
		if _, list, isList, err := f.resolveResult(match); err == nil && isList {
			return list
		}
	}
	text = replaceAll(stepResultReference, text, func(match []string) (string, error) {
		value, _, isList, err := f.resolveResult(match)
		if isList {
			err = errors.New(`value must be in "$(steps.<step-name>.results.<result-name>[*])" format, when using array results`)
		}
		return value, err
	})
	return []string{f.expandArtifacts(text)}
}

func (f *stepFiles) expandArtifacts(text string) string {
	return replaceAll(stepArtifactReference, text, f.resolveArtifact)
}

// expandText is expand where only one text makes sense.
func (f *stepFiles) expandText(text string) string {
	return f.expand(text, false)[0]
}

func (f *stepFiles) expandList(texts []string) []string {
	var expanded []string
	for _, text := range texts {
		expanded = append(expanded, f.expand(text, true)...)
	}
	return expanded
}

// replaceAll replaces in one pass, so that a value that looks like a reference is not resolved again.
func replaceAll(reference *regexp.Regexp, text string, resolve func(match []string) (string, error)) string {
	if !strings.Contains(text, "$(steps.") {
		return text
	}
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		value, err := resolve(reference.FindStringSubmatch(found))
		if err != nil {
			log.Printf("Error while substituting %s: %v", found, err)
			return found
		}
		return value
	})
}

// expandEnv replaces references in the values of the environment.
func (f *stepFiles) expandEnv(environment []string) []string {
	expanded := make([]string, len(environment))
	for i, variable := range environment {
		name, value, found := strings.Cut(variable, "=")
		if found {
			value = f.expandText(value)
			variable = name + "=" + value
		}
		expanded[i] = variable
	}
	return expanded
}

// expandScript returns the command to run instead if it is a lone script with artifact references: a copy with the
// values, as the scripts directory is read-only here.
func (f *stepFiles) expandScript(command []string, scriptsDir string) ([]string, error) {
	if len(command) != 1 || filepath.Dir(command[0]) != filepath.Clean(scriptsDir) {
		return command, nil
	}
	content, err := os.ReadFile(command[0])
	if err != nil {
		return command, err
	}
	expanded := f.expandArtifacts(string(content))
	if expanded == string(content) {
		return command, nil
	}
	file, err := os.CreateTemp("", "script-*")
	if err != nil {
		return command, err
	}
	_, err = file.WriteString(expanded)
	if err := errors.Join(err, file.Chmod(executableMode), file.Close()); err != nil {
		return command, err
	}
	return []string{file.Name()}, nil
}
