package cel

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// mapping is a map literal in its order.
type mapping []mapEntry

type mapEntry struct{ key, value any }

func (m mapping) find(key any) (any, bool) {
	for _, entry := range m {
		if equal(entry.key, key) {
			return entry.value, true
		}
	}
	return nil, false
}

func listNode(items []node) node {
	return func(s *scope) (any, error) {
		values := make([]any, len(items))
		for i, item := range items {
			value, err := item(s)
			if err != nil {
				return nil, err
			}
			values[i] = value
		}
		return values, nil
	}
}

func mapNode(keys, values []node) node {
	return func(s *scope) (any, error) {
		result := mapping{}
		for i := range keys {
			key, err := keys[i](s)
			if err != nil {
				return nil, err
			}
			value, err := values[i](s)
			if err != nil {
				return nil, err
			}
			switch key.(type) {
			case bool, int64, uint64, string:
			default:
				return nil, fmt.Errorf("unsupported key type: %s", typeName(key))
			}
			if _, found := result.find(key); found {
				return nil, fmt.Errorf("duplicate map key: %v", key)
			}
			result = append(result, mapEntry{key, value})
		}
		return result, nil
	}
}

// function is one overload set. Methods are functions of their receiver.
type function struct {
	arguments int
	asMethod  bool
	asGlobal  bool
	call      func(arguments []any) (any, error)
}

var functions = map[string]function{
	"size":       {1, true, true, size},
	"matches":    {2, true, true, textFunction("matches", matches)},
	"startsWith": {2, true, false, textFunction("startsWith", predicate(strings.HasPrefix))},
	"endsWith":   {2, true, false, textFunction("endsWith", predicate(strings.HasSuffix))},
	"contains":   {2, true, false, textFunction("contains", predicate(strings.Contains))},
	"int":        {1, false, true, toInt},
	"uint":       {1, false, true, toUint},
	"double":     {1, false, true, toDouble},
	"string":     {1, false, true, toText},
	"bool":       {1, false, true, toBool},
	"dyn":        {1, false, true, func(arguments []any) (any, error) { return arguments[0], nil }},
}

// callNode fails already when the expression is read if there is no such function.
func callNode(name string, arguments []node, isMethod bool) (node, error) {
	called, found := functions[name]
	if !found || isMethod && !called.asMethod || !isMethod && !called.asGlobal || called.arguments != len(arguments) {
		given := len(arguments)
		if isMethod {
			given--
		}
		return nil, fmt.Errorf("function %s with %d arguments is not supported in when expressions of steps", name, given)
	}
	return func(s *scope) (any, error) {
		values := make([]any, len(arguments))
		for i, argument := range arguments {
			value, err := argument(s)
			if err != nil {
				return nil, err
			}
			values[i] = value
		}
		return called.call(values)
	}, nil
}

func size(arguments []any) (any, error) {
	switch value := arguments[0].(type) {
	case string:
		return int64(utf8.RuneCountInString(value)), nil
	case []any:
		return int64(len(value)), nil
	case mapping:
		return int64(len(value)), nil
	default:
		return nil, noOverload("size", value)
	}
}

func textFunction(name string, apply func(a, b string) (any, error)) func([]any) (any, error) {
	return func(arguments []any) (any, error) {
		a, isText := arguments[0].(string)
		b, bothText := arguments[1].(string)
		if !isText || !bothText {
			return nil, noOverload(name, arguments...)
		}
		return apply(a, b)
	}
}

func predicate(holds func(a, b string) bool) func(a, b string) (any, error) {
	return func(a, b string) (any, error) { return holds(a, b), nil }
}

func matches(text, pattern string) (any, error) {
	expression, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	return expression.MatchString(text), nil
}

func toInt(arguments []any) (any, error) {
	switch value := arguments[0].(type) {
	case int64:
		return value, nil
	case uint64:
		if value <= math.MaxInt64 {
			return int64(value), nil
		}
		return nil, errOverflow
	case float64:
		if value > math.MinInt64 && value < math.MaxInt64 {
			return int64(value), nil
		}
		return nil, errOverflow
	case string:
		return strconv.ParseInt(value, 10, 64)
	default:
		return nil, noOverload("int", value)
	}
}

func toUint(arguments []any) (any, error) {
	switch value := arguments[0].(type) {
	case uint64:
		return value, nil
	case int64:
		if value >= 0 {
			return uint64(value), nil
		}
		return nil, errOverflow
	case float64:
		if value >= 0 && value < math.MaxUint64 {
			return uint64(value), nil
		}
		return nil, errOverflow
	case string:
		return strconv.ParseUint(value, 10, 64)
	default:
		return nil, noOverload("uint", value)
	}
}

func toDouble(arguments []any) (any, error) {
	switch value := arguments[0].(type) {
	case float64:
		return value, nil
	case int64:
		return float64(value), nil
	case uint64:
		return float64(value), nil
	case string:
		return strconv.ParseFloat(value, 64)
	default:
		return nil, noOverload("double", value)
	}
}

func toText(arguments []any) (any, error) {
	switch value := arguments[0].(type) {
	case string:
		return value, nil
	case bool:
		return strconv.FormatBool(value), nil
	case int64:
		return strconv.FormatInt(value, 10), nil
	case uint64:
		return strconv.FormatUint(value, 10), nil
	case float64:
		return strconv.FormatFloat(value, 'g', -1, 64), nil
	default:
		return nil, noOverload("string", value)
	}
}

func toBool(arguments []any) (any, error) {
	switch value := arguments[0].(type) {
	case bool:
		return value, nil
	case string:
		return strconv.ParseBool(value)
	default:
		return nil, noOverload("bool", value)
	}
}

func isMacro(name string) bool {
	switch name {
	case "all", "exists", "exists_one", "map", "filter":
		return true
	}
	return false
}

func macroNode(name string, base node, variable string, body node) node {
	return func(s *scope) (any, error) {
		value, err := base(s)
		if err != nil {
			return nil, err
		}
		var items []any
		switch container := value.(type) {
		case []any:
			items = container
		case mapping:
			for _, entry := range container {
				items = append(items, entry.key)
			}
		default:
			return nil, noOverload(name, value)
		}
		if name == "map" {
			return transform(items, variable, body, s)
		}
		return selectItems(name, items, variable, body, s)
	}
}

func transform(items []any, variable string, body node, outer *scope) (any, error) {
	results := make([]any, len(items))
	for i, item := range items {
		result, err := body(&scope{variable, item, outer})
		if err != nil {
			return nil, err
		}
		results[i] = result
	}
	return results, nil
}

// selectItems counts the items for which body holds. As with && and ||, an item that settles all or exists outweighs
// errors of others.
func selectItems(name string, items []any, variable string, body node, outer *scope) (any, error) {
	selected := []any{}
	var failure error
	for _, item := range items {
		holds, err := evaluateBool(body, &scope{variable, item, outer}, name)
		switch {
		case err != nil && failure == nil:
			failure = err
		case err == nil && holds:
			selected = append(selected, item)
			if name == "exists" {
				return true, nil
			}
		case err == nil && name == "all":
			return false, nil
		}
	}
	if failure != nil {
		return nil, failure
	}
	switch name {
	case "all":
		return true, nil
	case "exists":
		return false, nil
	case "exists_one":
		return len(selected) == 1, nil
	default:
		return selected, nil
	}
}
