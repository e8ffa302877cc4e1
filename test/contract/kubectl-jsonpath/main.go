// Command kubectl-jsonpath says what client-go's JSONPath, which is kubectl's, makes of templates: the oracle of
// jsonpath.test.ts. On stdin a JSON list of {template, input, allowMissingKeys}; on stdout a list of {text} or {error},
// in the same order.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/client-go/util/jsonpath"
)

type question struct {
	Template         string `json:"template"`
	Input            any    `json:"input"`
	AllowMissingKeys bool   `json:"allowMissingKeys"`
}

type outcome struct {
	Text  string `json:"text"`
	Error string `json:"error,omitempty"`
}

func main() {
	var questions []question
	decoder := json.NewDecoder(os.Stdin)
	decoder.UseNumber()
	if err := decoder.Decode(&questions); err != nil {
		fail(err)
	}
	outcomes := make([]outcome, 0, len(questions))
	for _, asked := range questions {
		text, err := evaluate(asked)
		if err != nil {
			outcomes = append(outcomes, outcome{Error: err.Error()})
			continue
		}
		outcomes = append(outcomes, outcome{Text: text})
	}
	if err := json.NewEncoder(os.Stdout).Encode(outcomes); err != nil {
		fail(err)
	}
}

func evaluate(asked question) (string, error) {
	path := jsonpath.New("asked").AllowMissingKeys(asked.AllowMissingKeys)
	if err := path.Parse(asked.Template); err != nil {
		return "", err
	}
	var text bytes.Buffer
	if err := path.Execute(&text, numbered(asked.Input)); err != nil {
		return "", err
	}
	return text.String(), nil
}

// numbered makes whole numbers int64 and others float64, as kubectl reads objects.
func numbered(value any) any {
	switch value := value.(type) {
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		number, _ := value.Float64()
		return number
	case []any:
		for index := range value {
			value[index] = numbered(value[index])
		}
	case map[string]any:
		for key := range value {
			value[key] = numbered(value[key])
		}
	}
	return value
}

func fail(err error) {
	fmt.Fprintf(os.Stderr, "kubectl-jsonpath: %v\n", err)
	os.Exit(1)
}
