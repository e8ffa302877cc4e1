// Package cel evaluates the part of the Common Expression Language that a when expression of a step can use. Such an
// expression has no variables (references are replaced before), so this is literals, operators, string methods,
// conversions and the list macros. Types are checked when a value is used, not before. What is not here ends in an
// error that names it.
package cel

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// EvaluateBool is the value of the expression, which must be true or false.
func EvaluateBool(source string) (bool, error) {
	value, err := evaluate(source)
	if err != nil {
		return false, fmt.Errorf("CEL expression %q: %w", source, err)
	}
	result, isBool := value.(bool)
	if !isBool {
		return false, fmt.Errorf("CEL expression %q: the value is of type %s, not bool", source, typeName(value))
	}
	return result, nil
}

func evaluate(source string) (any, error) {
	root, err := parse(source)
	if err != nil {
		return nil, err
	}
	return root(nil)
}

func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "null_type"
	case bool:
		return "bool"
	case int64:
		return "int"
	case uint64:
		return "uint"
	case float64:
		return "double"
	case string:
		return "string"
	case []any:
		return "list"
	default:
		return "map"
	}
}

func noOverload(operator string, values ...any) error {
	names := make([]string, len(values))
	for i, value := range values {
		names[i] = typeName(value)
	}
	return fmt.Errorf("found no matching overload for %s applied to (%s)", operator, strings.Join(names, ", "))
}

var (
	errOverflow   = errors.New("integer overflow")
	errDivideZero = errors.New("division by zero")
)

func negate(operator string, value any) (any, error) {
	switch operand := value.(type) {
	case bool:
		if operator == "!" {
			return !operand, nil
		}
	case int64:
		if operator == "-" {
			if operand == math.MinInt64 {
				return nil, errOverflow
			}
			return -operand, nil
		}
	case float64:
		if operator == "-" {
			return -operand, nil
		}
	}
	return nil, noOverload(operator, value)
}

// operate applies a binary operator other than && and ||.
func operate(operator string, a, b any) (any, error) {
	switch operator {
	case "==":
		return equal(a, b), nil
	case "!=":
		return !equal(a, b), nil
	case "<", "<=", ">", ">=":
		return compare(operator, a, b)
	case "in":
		return contained(a, b)
	case "[]":
		return element(a, b)
	default:
		return arithmetic(operator, a, b)
	}
}

// equal compares numbers by value over their types, and is false for values of different types.
func equal(a, b any) bool {
	if order, comparable := compareNumbers(a, b); comparable {
		return order == 0
	}
	switch left := a.(type) {
	case []any:
		right, isList := b.([]any)
		if !isList || len(left) != len(right) {
			return false
		}
		for i := range left {
			if !equal(left[i], right[i]) {
				return false
			}
		}
		return true
	case mapping:
		right, isMap := b.(mapping)
		if !isMap || len(left) != len(right) {
			return false
		}
		for _, entry := range left {
			other, found := right.find(entry.key)
			if !found || !equal(entry.value, other) {
				return false
			}
		}
		return true
	case nil, bool, string:
		switch b.(type) {
		case nil, bool, string:
			return a == b
		}
	}
	return false
}

// compareNumbers orders two numbers of any types; NaN and what is no number is not comparable.
func compareNumbers(a, b any) (order int, comparable bool) {
	switch left := a.(type) {
	case int64:
		switch right := b.(type) {
		case int64:
			return sign(left, right), true
		case uint64:
			if left < 0 {
				return -1, true
			}
			return sign(uint64(left), right), true
		case float64:
			return sign(float64(left), right), !math.IsNaN(right)
		}
	case uint64:
		switch right := b.(type) {
		case uint64:
			return sign(left, right), true
		case float64:
			return sign(float64(left), right), !math.IsNaN(right)
		case int64:
			order, comparable = compareNumbers(b, a)
			return -order, comparable
		}
	case float64:
		switch right := b.(type) {
		case float64:
			return sign(left, right), !math.IsNaN(left) && !math.IsNaN(right)
		case int64, uint64:
			order, comparable = compareNumbers(b, a)
			return -order, comparable
		}
	}
	return 0, false
}

func sign[T int64 | uint64 | float64 | string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

func compare(operator string, a, b any) (any, error) {
	order, comparable := compareNumbers(a, b)
	if !comparable {
		left, isText := a.(string)
		right, bothText := b.(string)
		leftBool, isBool := a.(bool)
		rightBool, bothBool := b.(bool)
		switch {
		case isText && bothText:
			order = sign(left, right)
		case isBool && bothBool:
			order = sign(boolNumber(leftBool), boolNumber(rightBool))
		default:
			return nil, noOverload(operator, a, b)
		}
	}
	switch operator {
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	default:
		return order >= 0, nil
	}
}

func boolNumber(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func contained(item, container any) (any, error) {
	switch all := container.(type) {
	case []any:
		for _, candidate := range all {
			if equal(item, candidate) {
				return true, nil
			}
		}
		return false, nil
	case mapping:
		_, found := all.find(item)
		return found, nil
	default:
		return nil, noOverload("in", item, container)
	}
}

func element(container, index any) (any, error) {
	switch all := container.(type) {
	case []any:
		position, isInt := index.(int64)
		if !isInt {
			return nil, noOverload("[]", container, index)
		}
		if position < 0 || position >= int64(len(all)) {
			return nil, fmt.Errorf("index out of bounds: %d", position)
		}
		return all[position], nil
	case mapping:
		if value, found := all.find(index); found {
			return value, nil
		}
		return nil, fmt.Errorf("no such key: %v", index)
	default:
		return nil, noOverload("[]", container, index)
	}
}

func arithmetic(operator string, a, b any) (any, error) {
	switch left := a.(type) {
	case int64:
		if right, same := b.(int64); same {
			return intArithmetic(operator, left, right)
		}
	case uint64:
		if right, same := b.(uint64); same {
			return uintArithmetic(operator, left, right)
		}
	case float64:
		if right, same := b.(float64); same {
			return doubleArithmetic(operator, left, right)
		}
	case string:
		if right, same := b.(string); same && operator == "+" {
			return left + right, nil
		}
	case []any:
		if right, same := b.([]any); same && operator == "+" {
			return append(append([]any{}, left...), right...), nil
		}
	}
	return nil, noOverload(operator, a, b)
}

func intArithmetic(operator string, a, b int64) (any, error) {
	switch operator {
	case "+":
		if sum := a + b; (sum > a) == (b > 0) {
			return sum, nil
		}
	case "-":
		if difference := a - b; (difference < a) == (b > 0) {
			return difference, nil
		}
	case "*":
		if a == 0 || b == 0 {
			return int64(0), nil
		}
		product := a * b
		if product/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64) {
			return product, nil
		}
	default:
		if b == 0 {
			return nil, errDivideZero
		}
		if a != math.MinInt64 || b != -1 {
			if operator == "/" {
				return a / b, nil
			}
			return a % b, nil
		}
	}
	return nil, errOverflow
}

func uintArithmetic(operator string, a, b uint64) (any, error) {
	switch operator {
	case "+":
		if sum := a + b; sum >= a {
			return sum, nil
		}
	case "-":
		if a >= b {
			return a - b, nil
		}
	case "*":
		if product := a * b; a == 0 || product/a == b {
			return product, nil
		}
	default:
		if b == 0 {
			return nil, errDivideZero
		}
		if operator == "/" {
			return a / b, nil
		}
		return a % b, nil
	}
	return nil, errOverflow
}

func doubleArithmetic(operator string, a, b float64) (any, error) {
	switch operator {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "/":
		return a / b, nil
	default:
		return nil, noOverload(operator, a, b)
	}
}
