package cel

import "fmt"

// node is a part of an expression that gives a value under the variables of the macros around it.
type node func(variables *scope) (any, error)

// scope is the chain of macro variables.
type scope struct {
	name  string
	value any
	outer *scope
}

func (s *scope) find(name string) (any, bool) {
	for ; s != nil; s = s.outer {
		if s.name == name {
			return s.value, true
		}
	}
	return nil, false
}

const maxDepth = 250

type parser struct {
	tokens []token
	next   int
	depth  int
}

// parse reads a whole expression.
func parse(source string) (node, error) {
	tokens, err := tokenize(source)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	root, err := p.conditional()
	if err != nil {
		return nil, err
	}
	if !p.at(tokenEnd, "") {
		return nil, p.unexpected("the end")
	}
	return root, nil
}

func (p *parser) peek() token { return p.tokens[p.next] }

func (p *parser) at(kind tokenKind, text string) bool {
	current := p.peek()
	return current.kind == kind && (kind == tokenEnd || current.text == text)
}

func (p *parser) accept(operator string) bool {
	if !p.at(tokenOperator, operator) {
		return false
	}
	p.next++
	return true
}

func (p *parser) expect(operator string) error {
	if !p.accept(operator) {
		return p.unexpected(fmt.Sprintf("%q", operator))
	}
	return nil
}

func (p *parser) unexpected(want string) error {
	current := p.peek()
	if current.kind == tokenEnd {
		return fmt.Errorf("at %d: want %s, got the end", current.at, want)
	}
	return fmt.Errorf("at %d: want %s, got %q", current.at, want, current.text)
}

// conditional is `a ? b : c`, the lowest level.
func (p *parser) conditional() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("at %d: nested too deeply", p.peek().at)
	}
	defer func() { p.depth-- }()
	condition, err := p.binary(0)
	if err != nil || !p.accept("?") {
		return condition, err
	}
	yes, err := p.binary(0)
	if err != nil {
		return nil, err
	}
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	no, err := p.conditional()
	if err != nil {
		return nil, err
	}
	return func(s *scope) (any, error) {
		value, err := condition(s)
		if err != nil {
			return nil, err
		}
		holds, isBool := value.(bool)
		switch {
		case !isBool:
			return nil, noOverload("?:", value)
		case holds:
			return yes(s)
		default:
			return no(s)
		}
	}, nil
}

// levels are the binary operators from loose to tight.
var levels = [][]string{{"||"}, {"&&"}, {"==", "!=", "<=", ">=", "<", ">", "in"}, {"+", "-"}, {"*", "/", "%"}}

func (p *parser) binary(level int) (node, error) {
	if level == len(levels) {
		return p.unary()
	}
	left, err := p.binary(level + 1)
	if err != nil {
		return nil, err
	}
	for {
		operator := p.operatorOf(level)
		if operator == "" {
			return left, nil
		}
		right, err := p.binary(level + 1)
		if err != nil {
			return nil, err
		}
		left = binaryNode(operator, left, right)
	}
}

func (p *parser) operatorOf(level int) string {
	for _, operator := range levels[level] {
		if p.accept(operator) {
			return operator
		}
		if operator == "in" && p.at(tokenName, "in") {
			p.next++
			return operator
		}
	}
	return ""
}

func binaryNode(operator string, left, right node) node {
	if operator == "&&" || operator == "||" {
		return logicNode(operator, left, right)
	}
	return func(s *scope) (any, error) {
		a, err := left(s)
		if err != nil {
			return nil, err
		}
		b, err := right(s)
		if err != nil {
			return nil, err
		}
		return operate(operator, a, b)
	}
}

// logicNode decides by either side: an error on one does not matter if the other settles it.
func logicNode(operator string, left, right node) node {
	settling := operator == "||"
	return func(s *scope) (any, error) {
		a, errA := evaluateBool(left, s, operator)
		if errA == nil && a == settling {
			return settling, nil
		}
		b, errB := evaluateBool(right, s, operator)
		if errB == nil && b == settling {
			return settling, nil
		}
		if errA != nil {
			return nil, errA
		}
		return !settling, errB
	}
}

func evaluateBool(n node, s *scope, operator string) (bool, error) {
	value, err := n(s)
	if err != nil {
		return false, err
	}
	result, isBool := value.(bool)
	if !isBool {
		return false, noOverload(operator, value)
	}
	return result, nil
}

func (p *parser) unary() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("at %d: nested too deeply", p.peek().at)
	}
	defer func() { p.depth-- }()
	for _, operator := range []string{"!", "-"} {
		if p.accept(operator) {
			operand, err := p.unary()
			if err != nil {
				return nil, err
			}
			return func(s *scope) (any, error) {
				value, err := operand(s)
				if err != nil {
					return nil, err
				}
				return negate(operator, value)
			}, nil
		}
	}
	return p.member()
}

// member is a primary with `.name`, `.method(...)` and `[index]` after it.
func (p *parser) member() (node, error) {
	base, err := p.primary()
	for err == nil {
		switch {
		case p.accept("."):
			base, err = p.selection(base)
		case p.accept("["):
			var index node
			if index, err = p.conditional(); err == nil {
				base, err = binaryNode("[]", base, index), p.expect("]")
			}
		default:
			return base, nil
		}
	}
	return nil, err
}

func (p *parser) selection(base node) (node, error) {
	if p.peek().kind != tokenName {
		return nil, p.unexpected("a name")
	}
	name := p.peek().text
	p.next++
	if !p.accept("(") {
		return binaryNode("[]", base, constant(name)), nil
	}
	if isMacro(name) {
		return p.macro(name, base)
	}
	arguments, err := p.list(")")
	if err != nil {
		return nil, err
	}
	return callNode(name, append([]node{base}, arguments...), true)
}

// macro is `list.all(x, condition)` and its like; maps are gone through by key.
func (p *parser) macro(name string, base node) (node, error) {
	if p.peek().kind != tokenName {
		return nil, p.unexpected("a variable name")
	}
	variable := p.peek().text
	p.next++
	if err := p.expect(","); err != nil {
		return nil, err
	}
	body, err := p.conditional()
	if err != nil {
		return nil, err
	}
	return macroNode(name, base, variable, body), p.expect(")")
}

func (p *parser) list(end string) ([]node, error) {
	var items []node
	for !p.accept(end) {
		if len(items) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
			if end == "]" && p.accept(end) {
				break
			}
		}
		item, err := p.conditional()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func (p *parser) primary() (node, error) {
	current := p.peek()
	switch current.kind {
	case tokenString:
		p.next++
		return constant(current.text), nil
	case tokenInt, tokenUint, tokenDouble:
		p.next++
		return constant(current.number), nil
	case tokenName:
		p.next++
		return p.named(current)
	}
	switch {
	case p.accept("("):
		inner, err := p.conditional()
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	case p.accept("["):
		items, err := p.list("]")
		return listNode(items), err
	case p.accept("{"):
		return p.mapLiteral()
	}
	return nil, p.unexpected("a value")
}

func (p *parser) named(name token) (node, error) {
	switch name.text {
	case "true", "false":
		return constant(name.text == "true"), nil
	case "null":
		return constant(nil), nil
	}
	if p.accept("(") {
		arguments, err := p.list(")")
		if err != nil {
			return nil, err
		}
		return callNode(name.text, arguments, false)
	}
	return func(s *scope) (any, error) {
		if value, found := s.find(name.text); found {
			return value, nil
		}
		return nil, fmt.Errorf("at %d: undeclared reference to %q", name.at, name.text)
	}, nil
}

func (p *parser) mapLiteral() (node, error) {
	var keys, values []node
	for !p.accept("}") {
		if len(keys) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
			if p.accept("}") {
				break
			}
		}
		key, err := p.conditional()
		if err != nil {
			return nil, err
		}
		if err := p.expect(":"); err != nil {
			return nil, err
		}
		value, err := p.conditional()
		if err != nil {
			return nil, err
		}
		keys, values = append(keys, key), append(values, value)
	}
	return mapNode(keys, values), nil
}

func constant(value any) node {
	return func(*scope) (any, error) { return value, nil }
}
