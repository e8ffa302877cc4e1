package main

import (
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	executableMode = 0o755
	// Steps may run as other users than the init container, so what they share is open to all, as an emptyDir is.
	sharedDirMode = 0o777
)

// initOptions is what the init container has to do. Paths are absolute.
type initOptions struct {
	source      string
	destination string
	withCEL     bool
	withSpire   bool
	steps       []string
	tektonDir   string
	scripts     []placedScript
	workingDirs []string
}

type placedScript struct {
	path    string
	content []byte
}

// initialize prepares the pod: the binary, the links to the steps' directories, scripts, working directories.
func initialize(args []string) error {
	options, err := parseInitArguments(args)
	if err != nil {
		return err
	}
	if err := copyExecutable(options.source, options.destination); err != nil {
		return err
	}
	for suffix, wanted := range map[string]bool{celSuffix: options.withCEL, spireSuffix: options.withSpire} {
		if !wanted {
			continue
		}
		if err := copyExecutable(options.source+suffix, options.destination+suffix); err != nil {
			return fmt.Errorf("-%s: %w", suffix[1:], err)
		}
	}
	if err := linkSteps(options.tektonDir, options.steps); err != nil {
		return err
	}
	for _, script := range options.scripts {
		if err := placeScript(script); err != nil {
			return err
		}
	}
	for _, dir := range options.workingDirs {
		if err := makeSharedDir(dir); err != nil {
			return fmt.Errorf("-working_dir: %w", err)
		}
	}
	return nil
}

func parseInitArguments(args []string) (initOptions, error) {
	var options initOptions
	var scripts, workingDirs stringList
	var workspaceDir string
	set := flag.NewFlagSet("init", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&options.tektonDir, "tekton_dir", defaultTektonDir, "")
	set.StringVar(&workspaceDir, "workspace_dir", "/workspace", "")
	set.BoolVar(&options.withCEL, "cel", false, "")
	set.BoolVar(&options.withSpire, "spire", false, "")
	set.Var(&scripts, "script", "")
	set.Var(&workingDirs, "working_dir", "")
	if err := set.Parse(args); err != nil {
		return options, err
	}
	if set.NArg() < 2 {
		return options, fmt.Errorf("want SRC DST STEP..., got %d arguments", set.NArg())
	}
	options.source, options.destination, options.steps = set.Arg(0), set.Arg(1), set.Args()[2:]
	for _, step := range options.steps {
		if step == "" || step != filepath.Base(step) {
			return options, fmt.Errorf("step name %q: want a container name", step)
		}
	}
	var err error
	if options.scripts, err = joinScripts(options.tektonDir, scripts); err != nil {
		return options, err
	}
	options.workingDirs = resolveWorkingDirs(workspaceDir, workingDirs)
	return options, nil
}

// joinScripts puts the chunks of every script together, in the order of first mention.
func joinScripts(tektonDir string, flags []string) ([]placedScript, error) {
	var scripts []placedScript
	byPath := map[string]int{}
	for _, value := range flags {
		name, encoded, found := strings.Cut(value, "=")
		if !found {
			return nil, fmt.Errorf("-script %.60q: want NAME=BASE64 or NAME+=BASE64", value)
		}
		name, isMore := strings.CutSuffix(name, "+")
		path, err := scriptPath(tektonDir, name)
		if err != nil {
			return nil, err
		}
		content, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
		if err != nil {
			return nil, fmt.Errorf("-script %s: %w", name, err)
		}
		index, seen := byPath[path]
		switch {
		case isMore && !seen:
			return nil, fmt.Errorf("-script %s+=: there is no %s= before it", name, name)
		case !isMore && seen:
			return nil, fmt.Errorf("-script %s=: given twice; use %s+= for further chunks", name, name)
		case isMore:
			scripts[index].content = append(scripts[index].content, content...)
		default:
			byPath[path] = len(scripts)
			scripts = append(scripts, placedScript{path, content})
		}
	}
	return scripts, nil
}

func scriptPath(tektonDir, name string) (string, error) {
	if name == "" || name == "." || name == ".." {
		return "", fmt.Errorf("-script: %q is not a file name", name)
	}
	if !strings.Contains(name, "/") {
		return filepath.Join(tektonDir, "scripts", name), nil
	}
	if !filepath.IsAbs(name) || !isUnder(tektonDir, name) {
		return "", fmt.Errorf("-script %s: want a plain name, or a path under %s", name, tektonDir)
	}
	return filepath.Clean(name), nil
}

// resolveWorkingDirs drops what is not under the workspace directory: such a directory belongs to an image or a volume.
func resolveWorkingDirs(workspaceDir string, dirs []string) []string {
	var resolved []string
	for _, dir := range dirs {
		path := filepath.Clean(dir)
		if !filepath.IsAbs(path) {
			path = filepath.Join(workspaceDir, path)
		}
		if path != filepath.Clean(workspaceDir) && !isUnder(workspaceDir, path) {
			log.Printf("not making working directory %s: it is not under %s", dir, workspaceDir)
			continue
		}
		resolved = append(resolved, path)
	}
	return resolved
}

func isUnder(parent, path string) bool {
	return strings.HasPrefix(filepath.Clean(path), filepath.Clean(parent)+string(filepath.Separator))
}

// makeSharedDir makes path and its missing parents writable by every user, whatever the umask.
func makeSharedDir(path string) error {
	info, err := os.Stat(path)
	if err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory", path)
		}
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if parent := filepath.Dir(path); parent != path {
		if err := makeSharedDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, sharedDirMode); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Chmod(path, sharedDirMode)
}

func placeScript(script placedScript) error {
	if err := makeSharedDir(filepath.Dir(script.path)); err != nil {
		return err
	}
	return writeExecutable(script.path, func(file *os.File) error {
		_, err := file.Write(script.content)
		return err
	})
}

// copyExecutable copies the entrypoint into the volume that the steps run it from.
func copyExecutable(source, destination string) error {
	from, err := os.Open(source)
	if err != nil {
		return err
	}
	defer from.Close()
	return writeExecutable(destination, func(to *os.File) error {
		_, err := io.Copy(to, from)
		return err
	})
}

// writeExecutable replaces path in one rename: after a restart of the init container the old file may be running.
func writeExecutable(path string, write func(*os.File) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if err := errors.Join(write(file), file.Chmod(executableMode), file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(file.Name(), path)
}

// linkSteps makes <tekton>/steps/<i> and <tekton>/steps/<name>, the names under which steps find each other's results
// and exit codes.
func linkSteps(tektonDir string, steps []string) error {
	dir := filepath.Join(tektonDir, "steps")
	if err := os.MkdirAll(dir, sharedDirMode); err != nil {
		return err
	}
	for i, step := range steps {
		index := strconv.Itoa(i)
		target := filepath.Join(tektonDir, "run", index, "status")
		for _, name := range []string{step, index} {
			link := filepath.Join(dir, name)
			if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			if err := os.Symlink(target, link); err != nil {
				return err
			}
		}
	}
	return nil
}

// decodeScript turns a base64 file into what it encodes, in place and with its mode.
func decodeScript(path string) error {
	encoded, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	decoded, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, decoded, executableMode)
}
