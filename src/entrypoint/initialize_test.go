package main

import (
	"bytes"
	"encoding/base64"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func modeOf(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestInitPreparesThePod(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077)) // a strict umask must not lock other users out
	dir := t.TempDir()
	tekton, workspace := filepath.Join(dir, "tekton"), filepath.Join(dir, "workspace")
	for _, name := range []string{"tekton/bin", "workspace/there"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"-tekton_dir", tekton, "-workspace_dir", workspace,
		"-script", "script-0-x=" + encode("#!/bin/sh\n"), "-script", "script-0-x+=" + encode("echo hi\n"),
		"-script", tekton + "/debug/scripts/debug-continue=" + encode("#!/bin/sh\n"),
		"-working_dir", "a/b", "-working_dir", workspace + "/there/c", "-working_dir", "../escape", "-working_dir", "/usr/elsewhere", "-working_dir", ".",
		binary, filepath.Join(tekton, "bin", "entrypoint"), "step-a", "step-unnamed-1"}
	for _, run := range []string{"first", "after a restart"} {
		if err := initialize(args); err != nil {
			t.Fatalf("%s: %v", run, err)
		}
	}
	for name, want := range map[string]string{"0": "0", "step-a": "0", "1": "1", "step-unnamed-1": "1"} {
		if got, err := os.Readlink(filepath.Join(tekton, "steps", name)); err != nil || got != filepath.Join(tekton, "run", want, "status") {
			t.Errorf("steps/%s -> %s (%v)", name, got, err)
		}
	}
	for name, want := range map[string]string{"scripts/script-0-x": "#!/bin/sh\necho hi\n", "debug/scripts/debug-continue": "#!/bin/sh\n"} {
		path := filepath.Join(tekton, name)
		content, err := os.ReadFile(path)
		if err != nil || string(content) != want || modeOf(t, path) != 0o755 {
			t.Errorf("%s: %q, mode %o (%v)", name, content, modeOf(t, path), err)
		}
	}
	for name, want := range map[string]os.FileMode{"a": 0o777, "a/b": 0o777, "there": 0o700, "there/c": 0o777} {
		if got := modeOf(t, filepath.Join(workspace, name)); got != want {
			t.Errorf("%s: mode %o, want %o", name, got, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "escape")); err == nil {
		t.Error("a working directory outside of the workspace was made")
	}
	original, _ := os.ReadFile(binary)
	copied, err := os.ReadFile(filepath.Join(tekton, "bin", "entrypoint"))
	if err != nil || !bytes.Equal(original, copied) || modeOf(t, filepath.Join(tekton, "bin", "entrypoint")) != 0o755 {
		t.Errorf("the binary was not copied: %v", err)
	}
	if leftover, _ := filepath.Glob(filepath.Join(tekton, "*", ".tmp-*")); leftover != nil {
		t.Errorf("left over: %v", leftover)
	}
}

func TestInitRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"no destination", []string{"src"}, "want SRC DST STEP..., got 1 arguments"},
		{"no name", []string{"-script", "abc", "s", "d"}, `-script "abc": want NAME=BASE64 or NAME+=BASE64`},
		{"empty name", []string{"-script", "=aGk=", "s", "d"}, `-script: "" is not a file name`},
		{"not base64", []string{"-script", "n=!", "s", "d"}, "-script n: illegal base64 data at input byte 0"},
		{"more of nothing", []string{"-script", "n+=aGk=", "s", "d"}, "-script n+=: there is no n= before it"},
		{"twice", []string{"-script", "n=aGk=", "-script", "n=aGk=", "s", "d"}, "-script n=: given twice; use n+= for further chunks"},
		{"relative path", []string{"-script", "../n=aGk=", "s", "d"}, "-script ../n: want a plain name, or a path under /tekton"},
		{"path elsewhere", []string{"-script", "/tekton/../etc/n=aGk=", "s", "d"}, "-script /tekton/../etc/n: want a plain name, or a path under /tekton"},
		{"step is a path", []string{"s", "d", "../x"}, `step name "../x": want a container name`},
		{"unknown flag", []string{"-x", "s", "d"}, "flag provided but not defined: -x"},
		{"no source", []string{"/no/such/file", t.TempDir() + "/d"}, "open /no/such/file: no such file or directory"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := initialize(row.args); err == nil || err.Error() != row.want {
				t.Errorf("got %v, want %s", err, row.want)
			}
		})
	}
}

// Chunks may be cut anywhere between bytes.
func TestScriptChunksGiveTheScriptBack(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for range 200 {
		script := make([]byte, random.Intn(300))
		random.Read(script)
		var flags []string
		for rest, name := script, "s="; len(rest) > 0 || name == "s="; name = "s+=" {
			size := min(len(rest), 1+random.Intn(100))
			flags = append(flags, name+base64.StdEncoding.EncodeToString(rest[:size]))
			rest = rest[size:]
		}
		scripts, err := joinScripts("/tekton", flags)
		if err != nil || len(scripts) != 1 || !bytes.Equal(scripts[0].content, script) {
			t.Fatalf("%v: %v", flags, err)
		}
	}
}

func TestSmallSubcommands(t *testing.T) {
	p := newPod(t)
	p.write("script", encode("#!/bin/sh\necho hi\n"))
	for _, row := range []struct {
		name   string
		args   []string
		exit   int
		stderr string
	}{
		{"decode-script", []string{"decode-script", p.path("script")}, 0, ""},
		{"decode-script of what is not base64", []string{"decode-script", p.path("script")}, 1, "entrypoint decode-script: "},
		{"cp", []string{"cp", p.path("script"), p.path("copy")}, 0, ""},
		{"cp with one argument", []string{"cp", "a"}, 1, "entrypoint cp: want SRC and DST, got 1 arguments"},
		{"unknown", []string{"frobnicate"}, 1, "entrypoint frobnicate: unknown subcommand"},
		{"help", []string{"--help"}, 0, "-wait_file files"},
	} {
		run := p.start(nil, row.args...)
		if exit := run.end(); exit != row.exit || !strings.Contains(run.stderr.String(), row.stderr) {
			t.Errorf("%s: exit %d, stderr %q", row.name, exit, run.stderr)
		}
	}
	if got := p.read("copy"); got != "#!/bin/sh\necho hi\n" {
		t.Errorf("copy %q", got)
	}
}
