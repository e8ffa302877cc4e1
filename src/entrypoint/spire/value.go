package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// signedText is what upstream signs of a value: the text that a JSON string stands for, lists and (by key) maps of
// strings joined with commas, anything else as it is.
func signedText(value string) string {
	switch {
	case value == "":
		return ""
	case value[0] == '[':
		var list []string
		if json.Unmarshal([]byte(value), &list) == nil {
			return strings.Join(list, ",")
		}
	case value[0] == '{':
		var object map[string]string
		if json.Unmarshal([]byte(value), &object) == nil {
			var parts []string
			for _, key := range slices.Sorted(maps.Keys(object)) {
				parts = append(parts, key, object[key])
			}
			return strings.Join(parts, ",")
		}
	}
	var text string
	if json.Unmarshal([]byte(value), &text) == nil {
		return text
	}
	return value
}
