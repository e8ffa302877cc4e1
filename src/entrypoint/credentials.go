package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const (
	homeDirMode  = 0o700
	homeFileMode = 0o600
)

// credentialNames are what may lie in the credentials directory and belongs into a home directory.
var credentialNames = []string{".docker", ".gitconfig", ".git-credentials", ".ssh"}

// credentialFlags are the secrets that the pod's service account brings, as `secret=target` or secret names.
type credentialFlags struct {
	basicGit stringList
	sshGit   stringList
	// requireKnownHosts refuses SSH keys whose secret has no known_hosts.
	requireKnownHosts bool
	basicDocker       stringList
	dockerConfig      stringList
	dockerCfg         stringList
}

// secretTarget is a secret and the URL or host it is for.
type secretTarget struct {
	secret string
	target string
}

func parseSecretTargets(flagName string, values []string, targetsUnique bool) ([]secretTarget, error) {
	var targets []secretTarget
	seen := map[string]bool{}
	for _, value := range values {
		secret, target, found := strings.Cut(value, "=")
		if !found || secret == "" || target == "" {
			return nil, fmt.Errorf("-%s: expect entries of the form secret=url, got: %v", flagName, value)
		}
		if targetsUnique && seen[target] {
			return nil, fmt.Errorf("-%s: multiple entries for url: %v", flagName, target)
		}
		seen[target] = true
		targets = append(targets, secretTarget{secret, target})
	}
	return targets, nil
}

// secretStore reads the secrets that are mounted into the step.
type secretStore struct {
	dir string
}

func (s secretStore) read(secret, key string) (string, error) {
	content, err := os.ReadFile(filepath.Join(s.dir, secret, key))
	return string(content), err
}

func (s secretStore) readLogin(secret string) (username, password string, err error) {
	username, err = s.read(secret, "username")
	if err != nil {
		return "", "", err
	}
	password, err = s.read(secret, "password")
	return username, password, err
}

// credentialFile is a file to write, relative to the credentials directory.
type credentialFile struct {
	path    string
	content string
}

// credentialFiles turns the flags into files. dir is where they will lie: .ssh/config names its keys by path.
func credentialFiles(flags credentialFlags, secrets secretStore, dir string) ([]credentialFile, error) {
	docker, err := dockerFiles(flags, secrets)
	if err != nil {
		return nil, err
	}
	basic, err := basicGitFiles(flags, secrets)
	if err != nil {
		return nil, err
	}
	ssh, err := sshGitFiles(flags, secrets, dir)
	if err != nil {
		return nil, err
	}
	return joined(append(append(docker, basic...), ssh...)), nil
}

// joined makes one of files with the same path.
func joined(files []credentialFile) []credentialFile {
	var all []credentialFile
	for _, file := range files {
		index := slices.IndexFunc(all, func(other credentialFile) bool { return other.path == file.path })
		if index < 0 {
			all = append(all, file)
		} else {
			all[index].content += file.content
		}
	}
	return all
}

func writeCredentialFiles(dir string, files []credentialFile) error {
	for _, file := range files {
		path := filepath.Join(dir, file.path)
		if err := os.MkdirAll(filepath.Dir(path), sharedDirMode); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(file.content), homeFileMode); err != nil {
			return err
		}
	}
	return nil
}

// setUpCredentials writes the secrets' credentials to the credentials directory and from there to the home directory,
// where git, ssh and docker look. A bad flag or an unreadable secret is an error; files that cannot be written are only
// told, as the step may not need them.
func setUpCredentials(o stepOptions) error {
	dir := o.tekton("creds")
	files, err := credentialFiles(o.credentials, secretStore{o.tekton("creds-secrets")}, dir)
	if err != nil {
		return err
	}
	if err := writeCredentialFiles(dir, files); err != nil {
		log.Printf("Error initializing credentials: %s", err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil
	}
	home, err := homeDir()
	if err != nil {
		log.Printf("non-fatal error copying credentials: %q", err)
		return nil
	}
	for _, name := range credentialNames {
		if err := copyTree(filepath.Join(dir, name), filepath.Join(home, name)); err != nil {
			log.Printf("warning: unsuccessful cred copy: %q from %q to %q: %v", name, dir, home, err)
		}
	}
	return nil
}

// homeDir is $HOME, or what /etc/passwd says of the user.
func homeDir() (string, error) {
	if home := os.Getenv("HOME"); home != "" {
		return home, nil
	}
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return "", fmt.Errorf("error getting the user's home directory: %w", err)
	}
	uid := strconv.Itoa(os.Getuid())
	for _, line := range strings.Split(string(passwd), "\n") {
		if fields := strings.Split(line, ":"); len(fields) >= 6 && fields[2] == uid && fields[5] != "" {
			return fields[5], nil
		}
	}
	return "", fmt.Errorf("error getting the user's home directory: HOME is not set and uid %s is not in /etc/passwd", uid)
}

// copyTree copies a file or directory, following links. A missing source is fine.
func copyTree(source, destination string) error {
	info, err := os.Stat(source)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("unable to read source file info: %w", err)
	}
	if !info.IsDir() {
		return copyFile(source, destination)
	}
	if err := makeHomeDir(destination); err != nil {
		return fmt.Errorf("unable to create destination directory: %w", err)
	}
	entries, err := os.ReadDir(source)
	if err != nil {
		return fmt.Errorf("unable to read subdirectories of source: %w", err)
	}
	for _, entry := range entries {
		if err := copyTree(filepath.Join(source, entry.Name()), filepath.Join(destination, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// makeHomeDir makes a directory for credentials. One that is a link leads them where an earlier step wants them.
func makeHomeDir(path string) error {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
		return &refusedError{path, "a symbolic link", "a directory"}
	}
	return os.MkdirAll(path, homeDirMode)
}

func copyFile(source, destination string) error {
	from, err := os.Open(source)
	if err != nil {
		return fmt.Errorf("unable to open source: %w", err)
	}
	defer from.Close()
	// An earlier step may have put a link or a pipe into a home directory that steps share.
	to, err := os.OpenFile(destination, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, homeFileMode)
	if err != nil {
		return fmt.Errorf("unable to open destination: %w", err)
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("error copying from source to destination: %w", err)
	}
	return nil
}
