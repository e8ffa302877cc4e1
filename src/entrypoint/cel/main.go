// Command entrypoint-cel evaluates CEL expressions for the entrypoint of a step: a JSON list of expressions on stdin, a
// JSON list of outcomes on stdout, in the same order. It is a program of its own so that the entrypoint, which goes
// into every pod, stays small; CONTRACT.md says when it comes along.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"cel.dev/cel-go/cel"
)

const (
	// maxInputSize is more than the arguments of a process may hold, and with them the expressions.
	maxInputSize = 4 << 20
	// costLimit is in cel-go's own units: about one per operation.
	costLimit = 1_000_000
	// timeLimit ends what the cost does not count.
	timeLimit           = 2 * time.Second
	interruptCheckEvery = 100
)

// outcome is what an expression comes to: whether it holds, or why that is not known.
type outcome struct {
	Holds bool   `json:"holds"`
	Error string `json:"error,omitempty"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "entrypoint-cel: %v\n", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	input, err := io.ReadAll(io.LimitReader(in, maxInputSize+1))
	if err != nil {
		return err
	}
	if len(input) > maxInputSize {
		return fmt.Errorf("the expressions have more than %d bytes", maxInputSize)
	}
	var expressions []string
	if err := json.Unmarshal(input, &expressions); err != nil {
		return fmt.Errorf("want a JSON list of expressions on stdin: %w", err)
	}
	outcomes := make([]outcome, 0, len(expressions))
	for _, expression := range expressions {
		holds, err := evaluate(expression)
		result := outcome{Holds: holds}
		if err != nil {
			result.Error = err.Error()
		}
		outcomes = append(outcomes, result)
	}
	return json.NewEncoder(out).Encode(outcomes)
}

// evaluate type-checks and evaluates one expression, without variables: those have been replaced in its text.
func evaluate(expression string) (bool, error) {
	environment, err := cel.NewEnv()
	if err != nil {
		return false, err
	}
	syntax, issues := environment.Compile(expression)
	if err := issues.Err(); err != nil {
		return false, err
	}
	program, err := environment.Program(syntax, cel.CostLimit(costLimit), cel.InterruptCheckFrequency(interruptCheckEvery))
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeLimit)
	defer cancel()
	value, _, err := program.ContextEval(ctx, map[string]any{})
	if ctx.Err() != nil {
		return false, fmt.Errorf("it takes longer than %v", timeLimit)
	}
	if err != nil {
		return false, err
	}
	holds, isBool := value.Value().(bool)
	if !isBool {
		return false, errors.New("it is not evaluated to a boolean, but to a value of type " + value.Type().TypeName())
	}
	return holds, nil
}
