package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// celSuffix is what the name of the CEL evaluator has beyond this program's.
	celSuffix = "-cel"
	// celDeadline is far more than the evaluator allows itself.
	celDeadline = 30 * time.Second
)

// whenExpression guards a step. Either CEL is set, or the other three.
type whenExpression struct {
	Input    string   `json:"input"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
	CEL      string   `json:"cel"`
}

// expandWhen resolves references to the steps before.
func expandWhen(files *stepFiles, expressions []whenExpression) []whenExpression {
	var expanded []whenExpression
	for _, expression := range expressions {
		expression.Input = files.expandText(expression.Input)
		expression.CEL = files.expandText(expression.CEL)
		expression.Values = files.expandList(expression.Values)
		expanded = append(expanded, expression)
	}
	return expanded
}

// guard decides whether a step may run. evaluator is the program that knows CEL.
type guard struct {
	evaluator string
}

// allow says whether all expressions hold, the first that does not hold or cannot be evaluated deciding.
func (g guard) allow(expressions []whenExpression) (bool, error) {
	for _, expression := range expressions {
		holds, err := g.holds(expression)
		if !holds || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (g guard) holds(e whenExpression) (bool, error) {
	if e.CEL != "" {
		holds, err := g.evaluate(e.CEL)
		if err != nil {
			return false, fmt.Errorf("CEL expression %q: %w", e.CEL, err)
		}
		return holds, nil
	}
	switch e.Operator {
	case "in":
		return slices.Contains(e.Values, e.Input), nil
	case "notin":
		return !slices.Contains(e.Values, e.Input), nil
	default:
		return false, fmt.Errorf("when expression: operator %q is not one of in, notin", e.Operator)
	}
}

// evaluate has the evaluator judge one expression.
func (g guard) evaluate(expression string) (bool, error) {
	input, err := json.Marshal([]string{expression})
	if err != nil {
		return false, err
	}
	output, err := companion{g.evaluator, "-cel", celDeadline}.ask(input)
	if err != nil {
		return false, err
	}
	var outcomes []struct {
		Holds bool
		Error string
	}
	if err := json.Unmarshal(output, &outcomes); err != nil || len(outcomes) != 1 {
		return false, fmt.Errorf("%s answered %.100q", g.evaluator, output)
	}
	if outcomes[0].Error != "" {
		return false, errors.New(outcomes[0].Error)
	}
	return outcomes[0].Holds, nil
}
