// Prints how Go writes a Task, Pipeline or StepAction as JSON: the fields of every struct in their order, with what is
// left out when empty. Signatures of trusted resources are over that text. From the repository's root:
//
//	cd hack/one-node/go/tkn && GOFLAGS=-mod=mod go run ../../../signed-forms/main.go > ../../../../src/resolvers/trust/forms.json
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
)

// A field is its name, "?" when omitempty, "0" when omitzero, and its type.
type field [3]string

var structs = map[string][]field{}
var marshaler = reflect.TypeFor[json.Marshaler]()

func typeName(t reflect.Type) string {
	switch {
	case t.Implements(marshaler) || reflect.PointerTo(t).Implements(marshaler):
		if t.Kind() == reflect.Pointer {
			return "*" + typeName(t.Elem())
		}
		return "~" + t.Name()
	case t.Kind() == reflect.Pointer:
		return "*" + typeName(t.Elem())
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return "string"
	case t.Kind() == reflect.Slice:
		return "[]" + typeName(t.Elem())
	case t.Kind() == reflect.Map:
		return "{}" + typeName(t.Elem())
	case t.Kind() == reflect.Struct:
		return structName(t)
	case t.Kind() == reflect.String:
		return "string"
	case t.Kind() == reflect.Bool:
		return "bool"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64:
		return "number"
	}
	panic(t.String())
}

func structName(t reflect.Type) string {
	parts := strings.Split(t.PkgPath(), "/")
	name := strings.Join(parts[max(0, len(parts)-2):], "/") + "." + t.Name()
	if _, seen := structs[name]; !seen {
		structs[name] = []field{}
		structs[name] = fieldsOf(t)
	}
	return name
}

type found struct {
	field
	depth int
}

func collect(t reflect.Type, depth int) []found {
	var all []found
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "-" || !f.IsExported() {
			continue
		}
		if f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct {
			all = append(all, collect(f.Type, depth+1)...)
			continue
		}
		if tag == "" {
			tag = f.Name
		}
		flags := ""
		for _, option := range strings.Split(options, ",") {
			flags += map[string]string{"omitempty": "?", "omitzero": "0"}[option]
		}
		all = append(all, found{field{tag, flags, typeName(f.Type)}, depth})
	}
	return all
}

// Of embedded structs' fields with one name, the outermost counts.
func fieldsOf(t reflect.Type) []field {
	all := collect(t, 0)
	shallowest := map[string]int{}
	for _, f := range all {
		if depth, seen := shallowest[f.field[0]]; !seen || f.depth < depth {
			shallowest[f.field[0]] = f.depth
		}
	}
	fields := []field{}
	for _, f := range all {
		if shallowest[f.field[0]] == f.depth {
			fields = append(fields, f.field)
		}
	}
	return fields
}

func main() {
	roots := map[string]string{}
	for name, object := range map[string]any{
		"tekton.dev/v1 Task":            v1.Task{},
		"tekton.dev/v1 Pipeline":        v1.Pipeline{},
		"tekton.dev/v1beta1 Task":       v1beta1.Task{},
		"tekton.dev/v1beta1 Pipeline":   v1beta1.Pipeline{},
		"tekton.dev/v1beta1 StepAction": v1beta1.StepAction{},
	} {
		roots[name] = structName(reflect.TypeOf(object))
	}
	text := func(value any) string {
		bytes, err := json.Marshal(value)
		if err != nil {
			panic(err)
		}
		return string(bytes)
	}
	names := make([]string, 0, len(structs))
	for name := range structs {
		names = append(names, name)
	}
	sort.Strings(names)
	lines := make([]string, 0, len(names))
	for _, name := range names {
		lines = append(lines, fmt.Sprintf("    %s: %s", text(name), text(structs[name])))
	}
	fmt.Fprintf(os.Stdout, "{\n  \"roots\": %s,\n  \"structs\": {\n%s\n  }\n}\n", text(roots), strings.Join(lines, ",\n"))
}
