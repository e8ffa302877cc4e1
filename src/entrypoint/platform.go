package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"sort"
	"strings"
)

// commandHead is the command without its arguments: the entrypoint flag, or this platform's entry of the controller's
// map of image commands.
func commandHead(entrypoint, platformCommands string) ([]string, error) {
	if entrypoint != "" {
		return []string{entrypoint}, nil
	}
	if platformCommands == "" {
		return nil, fmt.Errorf("no command: neither -entrypoint nor the variable %s is set", platformCommandsVariable)
	}
	var commands map[string][]string
	if err := json.Unmarshal([]byte(platformCommands), &commands); err != nil {
		return nil, fmt.Errorf("%s: %w", platformCommandsVariable, err)
	}
	return commandForPlatform(commands, runtime.GOOS+"/"+runtime.GOARCH)
}

// commandForPlatform prefers the exact platform, then the only entry that differs by CPU variant: image indexes name
// arm64 both as linux/arm64 and as linux/arm64/v8.
func commandForPlatform(commands map[string][]string, platform string) ([]string, error) {
	if command, found := commands[platform]; found {
		return command, nil
	}
	if command, found := commands[platform+"/v8"]; found && strings.HasSuffix(platform, "/arm64") {
		return command, nil
	}
	var all, variants []string
	for name := range commands {
		all = append(all, name)
		if strings.HasPrefix(name, platform+"/") {
			variants = append(variants, name)
		}
	}
	if len(variants) == 1 {
		return commands[variants[0]], nil
	}
	sort.Strings(all)
	return nil, fmt.Errorf("could not find command for platform %q; the image has %s", platform, strings.Join(all, ", "))
}
