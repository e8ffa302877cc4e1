package cel

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenString
	tokenInt
	tokenUint
	tokenDouble
	tokenOperator
)

type token struct {
	kind   tokenKind
	text   string // the name, the operator, or the string's value
	number any    // int64, uint64 or float64
	at     int
}

var operators = []string{"&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ".", ",", "(", ")", "[", "]", "{", "}"}

// tokenize splits source into tokens, the last of which is tokenEnd.
func tokenize(source string) ([]token, error) {
	var tokens []token
	for at := 0; at < len(source); {
		switch c := source[at]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			at++
		case strings.HasPrefix(source[at:], "//"):
			for at < len(source) && source[at] != '\n' {
				at++
			}
		case isStringStart(source[at:]):
			next, size, err := readString(source[at:])
			if err != nil {
				return nil, fmt.Errorf("at %d: %w", at, err)
			}
			tokens = append(tokens, token{kind: tokenString, text: next, at: at})
			at += size
		case isNameStart(c):
			end := at
			for end < len(source) && (isNameStart(source[end]) || isDigit(source[end])) {
				end++
			}
			tokens = append(tokens, token{kind: tokenName, text: source[at:end], at: at})
			at = end
		case isDigit(c) || c == '.' && at+1 < len(source) && isDigit(source[at+1]):
			next, size, err := readNumber(source[at:])
			if err != nil {
				return nil, fmt.Errorf("at %d: %w", at, err)
			}
			next.at = at
			tokens = append(tokens, next)
			at += size
		default:
			operator := operatorAt(source[at:])
			if operator == "" {
				return nil, fmt.Errorf("at %d: unexpected character %q", at, firstRune(source[at:]))
			}
			tokens = append(tokens, token{kind: tokenOperator, text: operator, at: at})
			at += len(operator)
		}
	}
	return append(tokens, token{kind: tokenEnd, at: len(source)}), nil
}

func firstRune(text string) rune {
	r, _ := utf8.DecodeRuneInString(text)
	return r
}

func operatorAt(text string) string {
	for _, operator := range operators {
		if strings.HasPrefix(text, operator) {
			return operator
		}
	}
	return ""
}

func isNameStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isStringStart(text string) bool {
	if text[0] == 'r' || text[0] == 'R' {
		text = text[1:]
	}
	return text != "" && (text[0] == '"' || text[0] == '\'')
}

// readString reads a string literal: single, double or triple quotes, with an r before them for no escapes.
func readString(text string) (value string, size int, err error) {
	rest := text
	raw := rest[0] == 'r' || rest[0] == 'R'
	if raw {
		rest = rest[1:]
	}
	quote := rest[:1]
	triple := strings.HasPrefix(rest, quote+quote+quote)
	if triple {
		quote = rest[:3]
	}
	rest = rest[len(quote):]
	var built strings.Builder
	for rest != "" {
		if after, ends := strings.CutPrefix(rest, quote); ends {
			return built.String(), len(text) - len(after), nil
		}
		if rest[0] == '\n' && !triple {
			break
		}
		if rest[0] != '\\' {
			built.WriteByte(rest[0])
			rest = rest[1:]
			continue
		}
		if raw {
			built.WriteByte('\\')
			rest = rest[1:]
			continue
		}
		rest, err = readEscape(rest[1:], &built)
		if err != nil {
			return "", 0, err
		}
	}
	return "", 0, fmt.Errorf("string without its end: %.20s", text)
}

const simpleEscapes = "a\ab\bf\fn\nr\rt\tv\v\\\\''\"\"``??"

// readEscape reads what follows a backslash and returns the rest.
func readEscape(text string, into *strings.Builder) (string, error) {
	if text == "" {
		return "", fmt.Errorf("backslash at the end")
	}
	for i := 0; i < len(simpleEscapes); i += 2 {
		if text[0] == simpleEscapes[i] {
			into.WriteByte(simpleEscapes[i+1])
			return text[1:], nil
		}
	}
	digits, base, skip := 0, 16, 1
	switch text[0] {
	case 'x', 'X':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	case '0', '1', '2', '3':
		digits, base, skip = 3, 8, 0
	}
	if digits == 0 || len(text) < skip+digits {
		return "", fmt.Errorf("escape \\%.3s is not known", text)
	}
	code, err := strconv.ParseUint(text[skip:skip+digits], base, 32)
	if err != nil || code > utf8.MaxRune || code >= 0xd800 && code < 0xe000 {
		return "", fmt.Errorf("escape \\%s is not a character", text[:skip+digits])
	}
	into.WriteRune(rune(code))
	return text[skip+digits:], nil
}

func readNumber(text string) (token, int, error) {
	end, isDouble, isHex := 0, false, strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0X")
	if isHex {
		end = 2
	}
	for end < len(text) {
		c := text[end] | 0x20
		switch {
		case isDigit(text[end]) || isHex && c >= 'a' && c <= 'f':
		case !isHex && text[end] == '.' && end+1 < len(text) && isDigit(text[end+1]):
			isDouble = true
		case !isHex && c == 'e':
			isDouble = true
			if end+1 < len(text) && (text[end+1] == '+' || text[end+1] == '-') {
				end++
			}
		default:
			return parseNumber(text[:end], isDouble, strings.HasPrefix(text[end:], "u") || strings.HasPrefix(text[end:], "U"))
		}
		end++
	}
	return parseNumber(text, isDouble, false)
}

func parseNumber(digits string, isDouble, isUnsigned bool) (token, int, error) {
	switch {
	case isDouble:
		number, err := strconv.ParseFloat(digits, 64)
		return token{kind: tokenDouble, text: digits, number: number}, len(digits), err
	case isUnsigned:
		number, err := strconv.ParseUint(digits, 0, 64)
		return token{kind: tokenUint, text: digits, number: number}, len(digits) + 1, err
	default:
		base := 10
		if len(digits) > 1 && (digits[1] == 'x' || digits[1] == 'X') {
			base, digits = 16, digits[2:]
			number, err := strconv.ParseInt(digits, base, 64)
			return token{kind: tokenInt, text: digits, number: number}, len(digits) + 2, err
		}
		number, err := strconv.ParseInt(digits, base, 64)
		return token{kind: tokenInt, text: digits, number: number}, len(digits), err
	}
}
