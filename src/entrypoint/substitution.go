package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// reference is what only a running pod can resolve: `$(steps.STEP.results.SELECTOR)`, or `$(steps.STEP.inputs)` and
// `.outputs`, where the selector is the name of one artifact. It is taken apart by hand: package regexp would make the
// binary a tenth larger.
type reference struct {
	text     string
	step     string
	kind     string
	selector string
}

const (
	referenceStart = "$(steps."
	kindResults    = "results"
	kindInputs     = "inputs"
	kindOutputs    = "outputs"
)

// referenceAt is the reference that text begins with, if it does.
func referenceAt(text string) (reference, bool) {
	body, found := strings.CutPrefix(text, referenceStart)
	body, _, closed := strings.Cut(body, ")")
	if !found || !closed || strings.ContainsAny(body, "($ \t\n\f\r") {
		return reference{}, false
	}
	step, rest, _ := strings.Cut(body, ".")
	kind, selector, hasSelector := strings.Cut(rest, ".")
	isResult := kind == kindResults && selector != ""
	isArtifact := (kind == kindInputs || kind == kindOutputs) && hasSelector == (selector != "") && !strings.Contains(selector, ".")
	if step == "" || !isResult && !isArtifact {
		return reference{}, false
	}
	return reference{text[:len(referenceStart)+len(body)+1], step, kind, selector}, true
}

// cutIndex takes `name[*]` and `name[3]` apart; the index is empty where there is none.
func cutIndex(name string) (rest, index string) {
	open := strings.LastIndexByte(name, '[')
	if open < 0 || !strings.HasSuffix(name, "]") {
		return name, ""
	}
	index = name[open+1 : len(name)-1]
	if index != "*" && (index == "" || strings.Trim(index, "0123456789") != "") {
		return name, ""
	}
	return name[:open], index
}

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

// resolveResult is the value of a result. isList tells R[*], which stands for several arguments.
func (f *stepFiles) resolveResult(r reference) (text string, list []string, isList bool, err error) {
	name, key, _ := strings.Cut(r.selector, ".")
	if strings.Contains(key, ".") {
		return "", nil, false, errors.New("want steps.<stepName>.results.<resultName>, and at most one .<key>")
	}
	name, index := cutIndex(name)
	content, err := f.read(r.step, "results", filepath.Base(name))
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

func (f *stepFiles) resolveArtifact(r reference) (string, error) {
	content, err := f.read(r.step, provenanceFile)
	if err != nil {
		return "", err
	}
	var sides map[string][]artifact
	if err := json.Unmarshal(content, &sides); err != nil {
		return "", err
	}
	for _, candidate := range sides[r.kind] {
		if r.selector == "" || candidate.Name == r.selector {
			values, err := json.Marshal(candidate.Values)
			return string(values), err
		}
	}
	return "", fmt.Errorf("values for %s not found", r.text)
}

// expand replaces the references in text. What cannot be resolved stays, and is told on stderr.
// With a list the result is several arguments; elsewhere a list must not occur.
func (f *stepFiles) expand(text string, allowList bool) []string {
	if r, found := referenceAt(text); allowList && found && r.kind == kindResults && r.text == text {
		if _, list, isList, err := f.resolveResult(r); err == nil && isList {
			return list
		}
	}
	return []string{replaceAll(text, func(r reference) (string, error) {
		if r.kind != kindResults {
			return f.resolveArtifact(r)
		}
		value, _, isList, err := f.resolveResult(r)
		if isList {
			err = errors.New(`value must be in "$(steps.<step-name>.results.<result-name>[*])" format, when using array results`)
		}
		return value, err
	})}
}

// expandArtifacts replaces the references to artifacts alone: in scripts a shell may mean something else by the others.
func (f *stepFiles) expandArtifacts(text string) string {
	return replaceAll(text, func(r reference) (string, error) {
		if r.kind == kindResults {
			return r.text, nil
		}
		return f.resolveArtifact(r)
	})
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
func replaceAll(text string, resolve func(reference) (string, error)) string {
	var replaced strings.Builder
	for {
		start := strings.Index(text, referenceStart)
		if start < 0 {
			replaced.WriteString(text)
			return replaced.String()
		}
		replaced.WriteString(text[:start])
		text = text[start:]
		found, isReference := referenceAt(text)
		if !isReference {
			replaced.WriteString(text[:len(referenceStart)])
			text = text[len(referenceStart):]
			continue
		}
		value, err := resolve(found)
		if err != nil {
			log.Printf("Error while substituting %s: %v", found.text, err)
			value = found.text
		}
		replaced.WriteString(value)
		text = text[len(found.text):]
	}
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
