package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
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

// sshGitFiles is ssh's configuration: a key per secret, several keys per host, known hosts where the secrets have them.
func sshGitFiles(flags credentialFlags, secrets secretStore, dir string) ([]credentialFile, error) {
	targets, err := parseSecretTargets("ssh-git", flags.sshGit, false)
	if err != nil || len(targets) == 0 {
		return nil, err
	}
	var files []credentialFile
	var hosts, knownHosts []string
	keysByHost := map[string][]string{}
	for _, target := range targets {
		key, err := secrets.read(target.secret, "ssh-privatekey")
		if err != nil {
			return nil, fmt.Errorf("-ssh-git: secret %s: %w", target.secret, err)
		}
		if known, err := secrets.read(target.secret, "known_hosts"); err == nil && known != "" {
			knownHosts = append(knownHosts, known)
		}
		file := ".ssh/id_" + target.secret
		files = append(files, credentialFile{file, key})
		if _, seen := keysByHost[target.target]; !seen {
			hosts = append(hosts, target.target)
		}
		keysByHost[target.target] = append(keysByHost[target.target], filepath.Join(dir, file))
	}
	var config strings.Builder
	for _, target := range hosts {
		host, port := splitHostPort(target)
		fmt.Fprintf(&config, "Host %s\n    HostName %s\n    Port %s\n", host, host, port)
		for _, key := range keysByHost[target] {
			fmt.Fprintf(&config, "    IdentityFile %s\n", key)
		}
	}
	files = append(files, credentialFile{".ssh/config", config.String()})
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
