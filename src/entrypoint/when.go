package main

import (
	"fmt"
	"slices"

	"tektite/entrypoint/cel"
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

// allow says whether all expressions hold.
func allow(expressions []whenExpression) (bool, error) {
	for _, expression := range expressions {
		holds, err := expression.holds()
		if !holds || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (e whenExpression) holds() (bool, error) {
	if e.CEL != "" {
		return cel.EvaluateBool(e.CEL)
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
