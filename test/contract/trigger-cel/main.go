// Command trigger-cel says what cel-go makes of expressions about an event: the oracle of trigger-cel.test.ts. On stdin
// JSON {variables, expressions}; on stdout a list of {value} or {error}, in the same order.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
)

type question struct {
	Variables   map[string]any `json:"variables"`
	Expressions []string       `json:"expressions"`
}

type outcome struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

func main() {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fail(err)
	}
	anyMap := cel.MapType(cel.StringType, cel.DynType)
	environment, err := cel.NewEnv(
		ext.Strings(), ext.Encoders(), ext.Sets(), ext.Lists(), ext.Math(),
		cel.Variable("body", anyMap), cel.Variable("header", anyMap), cel.Variable("extensions", anyMap),
		cel.Variable("requestURL", cel.StringType),
	)
	if err != nil {
		fail(err)
	}
	outcomes := make([]outcome, 0, len(asked.Expressions))
	for _, expression := range asked.Expressions {
		value, err := evaluate(environment, expression, asked.Variables)
		if err != nil {
			outcomes = append(outcomes, outcome{Error: err.Error()})
			continue
		}
		outcomes = append(outcomes, outcome{Value: value})
	}
	if err := json.NewEncoder(os.Stdout).Encode(outcomes); err != nil {
		fail(err)
	}
}

func evaluate(environment *cel.Env, expression string, variables map[string]any) (json.RawMessage, error) {
	syntax, issues := environment.Compile(expression)
	if err := issues.Err(); err != nil {
		return nil, err
	}
	program, err := environment.Program(syntax)
	if err != nil {
		return nil, err
	}
	value, _, err := program.Eval(variables)
	if err != nil {
		return nil, err
	}
	if types.IsError(value) {
		return nil, fmt.Errorf("%v", value)
	}
	native, err := value.ConvertToNative(reflect.TypeOf(&structpb.Value{}))
	if err != nil {
		return nil, err
	}
	return protojson.Marshal(native.(*structpb.Value))
}

func fail(err error) {
	fmt.Fprintf(os.Stderr, "trigger-cel: %v\n", err)
	os.Exit(1)
}
