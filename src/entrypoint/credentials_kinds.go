package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// dockerLogin is an entry of a Docker configuration file.
type dockerLogin struct {
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	Auth     string `json:"auth"`
	Email    string `json:"email,omitempty"`
}

// dockerFiles merges all Docker secrets into one configuration; for a registry named twice, -basic-docker wins over
// -docker-config, and that over -docker-cfg.
func dockerFiles(flags credentialFlags, secrets secretStore) ([]credentialFile, error) {
	type configuration struct {
		Auths map[string]dockerLogin `json:"auths"`
	}
	merged := configuration{map[string]dockerLogin{}}
	merge := func(flagName, secret string, logins map[string]dockerLogin, err error) error {
		for registry, login := range logins {
			merged.Auths[registry] = login
		}
		if err != nil {
			return fmt.Errorf("-%s: secret %s: %w", flagName, secret, err)
		}
		return nil
	}
	for _, secret := range flags.dockerCfg {
		var logins map[string]dockerLogin
		err := readJSON(secrets, secret, ".dockercfg", &logins)
		if err := merge("docker-cfg", secret, logins, err); err != nil {
			return nil, err
		}
	}
	for _, secret := range flags.dockerConfig {
		var config configuration
		err := readJSON(secrets, secret, ".dockerconfigjson", &config)
		if err := merge("docker-config", secret, config.Auths, err); err != nil {
			return nil, err
		}
	}
	targets, err := parseSecretTargets("basic-docker", flags.basicDocker, true)
	if err != nil {
		return nil, err
	}
	for _, target := range targets {
		username, password, err := secrets.readLogin(target.secret)
		login := dockerLogin{username, password, base64.StdEncoding.EncodeToString([]byte(username + ":" + password)), "not@val.id"}
		if err := merge("basic-docker", target.secret, map[string]dockerLogin{target.target: login}, err); err != nil {
			return nil, err
		}
	}
	if len(merged.Auths) == 0 {
		return nil, nil
	}
	content, err := json.Marshal(merged)
	return []credentialFile{{".docker/config.json", string(content)}}, err
}

func readJSON(secrets secretStore, secret, key string, into any) error {
	content, err := secrets.read(secret, key)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(content), into)
}

// basicGitFiles is git's configuration and credential store for logins by name and password.
func basicGitFiles(flags credentialFlags, secrets secretStore) ([]credentialFile, error) {
	targets, err := parseSecretTargets("basic-git", flags.basicGit, true)
	if err != nil || len(targets) == 0 {
		return nil, err
	}
	// git takes the first login that fits: one for a whole host must not be hidden by one of its repositories.
	// Sorted by hand: there are a few, and a sort of the library's for them adds a kilobyte to every pod.
	for end := range targets {
		for at := end; at > 0 && pathLength(targets[at].target) < pathLength(targets[at-1].target); at-- {
			targets[at], targets[at-1] = targets[at-1], targets[at]
		}
	}
	var config, store strings.Builder
	config.WriteString("[credential]\n\thelper = store\n")
	for _, target := range targets {
		username, password, err := secrets.readLogin(target.secret)
		if err != nil {
			return nil, fmt.Errorf("-basic-git: secret %s: %w", target.secret, err)
		}
		address, err := url.Parse(target.target)
		if err != nil {
			return nil, fmt.Errorf("-basic-git: secret %s: %w", target.secret, err)
		}
		fmt.Fprintf(&config, "[credential %q]\n\tusername = %s\n", target.target, strings.ReplaceAll(username, `\`, `\\`))
		// Without it git ignores the path, and two repositories of one host could not have different logins.
		if strings.Trim(address.Path, "/") != "" {
			config.WriteString("\tuseHttpPath = true\n")
		}
		address.User = url.UserPassword(username, password)
		store.WriteString(address.String() + "\n")
	}
	return []credentialFile{{".gitconfig", config.String()}, {".git-credentials", store.String()}}, nil
}

// pathLength is 0 for the URL of a whole host, else 1.
func pathLength(target string) int {
	address, err := url.Parse(target)
	if err != nil || strings.Trim(address.Path, "/") == "" {
		return 0
	}
	return 1
}

// sshTarget is a host, or one repository on it.
type sshTarget struct {
	host, port string
	// repository is the path without slashes around it; empty for all of the host.
	repository string
}

func parseSSHTarget(text string) sshTarget {
	text = strings.TrimPrefix(text, "ssh://")
	text = strings.TrimPrefix(text, "git@")
	address, repository, _ := strings.Cut(text, "/")
	host, port := splitHostPort(address)
	return sshTarget{host, port, strings.Trim(repository, "/")}
}

// alias is the name under which ssh knows the host with the key of one repository.
func (t sshTarget) alias(secret string) string {
	if t.repository == "" {
		return t.host
	}
	return t.host + "-" + strings.NewReplacer("/", "-", " ", "-").Replace(t.repository) + "-" + secret
}

// spellings are the addresses under which people know the repository.
func (t sshTarget) spellings() []string {
	return []string{"git@" + t.host + ":" + t.repository, "ssh://git@" + t.host + "/" + t.repository, "ssh://git@" + t.host + ":" + t.port + "/" + t.repository}
}

// rewrite has git reach the repository through the alias, however its address is written.
func (t sshTarget) rewrite(alias string) string {
	var text strings.Builder
	to := "ssh://git@" + alias + "/" + t.repository
	fmt.Fprintf(&text, "[url %q]\n", to)
	for _, written := range t.spellings() {
		fmt.Fprintf(&text, "\tinsteadOf = %s\n", written)
	}
	if !strings.HasSuffix(t.repository, ".git") {
		fmt.Fprintf(&text, "[url %q]\n", to+".git")
		for _, written := range t.spellings() {
			fmt.Fprintf(&text, "\tinsteadOf = %s.git\n", written)
		}
	}
	return text.String()
}

// nameCharacters is what names of repositories are made of.
const nameCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._"

// keepNeighbours leaves the addresses of repositories alone whose names only begin like this one: insteadOf replaces
// beginnings, the longest that fits, so each character that may follow gets a longer one that changes nothing.
func (t sshTarget) keepNeighbours() string {
	var text strings.Builder
	ends := []string{".git"}
	if !strings.HasSuffix(t.repository, ".git") {
		ends = []string{"", ".git"}
	}
	for _, written := range t.spellings() {
		for _, end := range ends {
			for _, next := range nameCharacters {
				other := strings.TrimSuffix(written, ".git") + end + string(next)
				fmt.Fprintf(&text, "[url %q]\n\tinsteadOf = %s\n", other, other)
			}
		}
	}
	return text.String()
}

// sshGitFiles is ssh's configuration: a key per secret, several keys per host, known hosts where the secrets have them.
// ssh knows hosts only: a key for one repository goes by an alias of the host, to which git's configuration leads.
func sshGitFiles(flags credentialFlags, secrets secretStore, dir string) ([]credentialFile, error) {
	targets, err := parseSecretTargets("ssh-git", flags.sshGit, false)
	if err != nil || len(targets) == 0 {
		return nil, err
	}
	var files []credentialFile
	var aliases, knownHosts []string
	var rewrites, neighbours strings.Builder
	hosts := map[string]sshTarget{}
	keys := map[string][]string{}
	for _, target := range targets {
		key, err := secrets.read(target.secret, "ssh-privatekey")
		if err != nil {
			return nil, fmt.Errorf("-ssh-git: secret %s: %w", target.secret, err)
		}
		known, err := secrets.read(target.secret, "known_hosts")
		switch {
		case err == nil && strings.TrimSpace(known) != "":
			knownHosts = append(knownHosts, known)
		case flags.requireKnownHosts:
			return nil, fmt.Errorf(`-ssh-git: secret %s: Git SSH Secret must have "known_hosts" included when feature flag "require-git-ssh-secret-known-hosts" is set to true`, target.secret)
		}
		file := ".ssh/id_" + target.secret
		if identity := (credentialFile{file, key}); !slices.Contains(files, identity) {
			files = append(files, identity)
		}
		host := parseSSHTarget(target.target)
		alias := host.alias(target.secret)
		if _, seen := hosts[alias]; !seen {
			hosts[alias] = host
			aliases = append(aliases, alias)
			if host.repository != "" {
				rewrites.WriteString(host.rewrite(alias))
				neighbours.WriteString(host.keepNeighbours())
			}
		}
		keys[alias] = append(keys[alias], filepath.Join(dir, file))
	}
	var config strings.Builder
	for _, alias := range aliases {
		host := hosts[alias]
		fmt.Fprintf(&config, "Host %s\n    HostName %s\n    Port %s\n", alias, host.host, host.port)
		if host.repository != "" {
			// Without it ssh offers an agent's keys first, and the forge takes the first that it knows at all.
			config.WriteString("    IdentitiesOnly yes\n")
		}
		for _, key := range keys[alias] {
			fmt.Fprintf(&config, "    IdentityFile %s\n", key)
		}
	}
	files = append(files, credentialFile{".ssh/config", config.String()})
	if rewrites.Len() > 0 {
		files = append(files, credentialFile{".gitconfig", rewrites.String() + neighbours.String()})
	}
	if len(knownHosts) > 0 {
		files = append(files, credentialFile{".ssh/known_hosts", strings.Join(knownHosts, "\n")})
	}
	return files, nil
}

// splitHostPort takes host, host:port, [v6]:port; the port defaults to ssh's.
func splitHostPort(target string) (host, port string) {
	if inner, isBracketed := strings.CutPrefix(target, "["); isBracketed {
		if address, port, found := strings.Cut(inner, "]:"); found {
			return address, port
		}
		return target, "22"
	}
	if strings.Count(target, ":") == 1 {
		host, port, _ := strings.Cut(target, ":")
		return host, port
	}
	return target, "22"
}
