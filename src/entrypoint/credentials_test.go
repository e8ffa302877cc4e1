package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// secretFolder holds what is mounted of the secrets that the rows name.
func secretFolder(t *testing.T) string {
	t.Helper()
	secrets := map[string]string{
		"login/username": "user", "login/password": "p@ss word",
		"domain/username": `corp\user`, "domain/password": "secret",
		"key/ssh-privatekey": "PRIVATE", "key/known_hosts": "github.com ssh-rsa AAA",
		"key2/ssh-privatekey":         "PRIVATE2",
		"registry/.dockerconfigjson":  `{"auths":{"https://a":{"username":"u","password":"p","auth":"dTpw","email":"e"},"https://shared":{"auth":"config"}}}`,
		"old/.dockercfg":              `{"https://b":{"auth":"Yg=="},"https://shared":{"auth":"cfg"}}`,
		"malformed/.dockerconfigjson": `{`,
	}
	dir := t.TempDir()
	for name, content := range secrets {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCredentialGoldens(t *testing.T) {
	dir := secretFolder(t)
	for _, row := range []struct {
		name  string
		flags credentialFlags
		want  map[string]string
		err   string
	}{
		{name: "none", want: map[string]string{}},
		{
			name:  "git by password",
			flags: credentialFlags{basicGit: stringList{"login=https://github.com", `domain=https://gitlab.com/group/repo`}},
			want: map[string]string{
				".gitconfig": "[credential]\n\thelper = store\n[credential \"https://github.com\"]\n\tusername = user\n" +
					"[credential \"https://gitlab.com/group/repo\"]\n\tusername = corp\\\\user\n\tuseHttpPath = true\n",
				".git-credentials": "https://user:p%40ss%20word@github.com\nhttps://corp%5Cuser:secret@gitlab.com/group/repo\n",
			},
		},
		{
			name:  "git by key",
			flags: credentialFlags{sshGit: stringList{"key=github.com", "key2=github.com", "key2=example.com:2222", "key=[2001:db8::1]:22022"}},
			want: map[string]string{
				".ssh/id_key":  "PRIVATE",
				".ssh/id_key2": "PRIVATE2",
				".ssh/config": "Host github.com\n    HostName github.com\n    Port 22\n    IdentityFile /tekton/creds/.ssh/id_key\n    IdentityFile /tekton/creds/.ssh/id_key2\n" +
					"Host example.com\n    HostName example.com\n    Port 2222\n    IdentityFile /tekton/creds/.ssh/id_key2\n" +
					"Host 2001:db8::1\n    HostName 2001:db8::1\n    Port 22022\n    IdentityFile /tekton/creds/.ssh/id_key\n",
				".ssh/known_hosts": "github.com ssh-rsa AAA\ngithub.com ssh-rsa AAA",
			},
		},
		{
			name:  "git by password: a login for the host comes before those of its repositories",
			flags: credentialFlags{basicGit: stringList{"domain=https://github.com/group/repo", "login=https://github.com"}},
			want: map[string]string{
				".gitconfig": "[credential]\n\thelper = store\n[credential \"https://github.com\"]\n\tusername = user\n" +
					"[credential \"https://github.com/group/repo\"]\n\tusername = corp\\\\user\n\tuseHttpPath = true\n",
				".git-credentials": "https://user:p%40ss%20word@github.com\nhttps://corp%5Cuser:secret@github.com/group/repo\n",
			},
		},
		{
			name:  "git by key of a repository, beside a login",
			flags: credentialFlags{basicGit: stringList{"login=https://github.com"}, sshGit: stringList{"key=github.com/org/a", "key2=github.com/org/b.git"}},
			want: map[string]string{
				".ssh/id_key":  "PRIVATE",
				".ssh/id_key2": "PRIVATE2",
				".ssh/config": "Host github.com-org-a-key\n    HostName github.com\n    Port 22\n    IdentitiesOnly yes\n    IdentityFile /tekton/creds/.ssh/id_key\n" +
					"Host github.com-org-b.git-key2\n    HostName github.com\n    Port 22\n    IdentitiesOnly yes\n    IdentityFile /tekton/creds/.ssh/id_key2\n",
				".gitconfig": "[credential]\n\thelper = store\n[credential \"https://github.com\"]\n\tusername = user\n" +
					"[url \"ssh://git@github.com-org-a-key/org/a\"]\n\tinsteadOf = git@github.com:org/a\n\tinsteadOf = ssh://git@github.com/org/a\n\tinsteadOf = ssh://git@github.com:22/org/a\n" +
					"[url \"ssh://git@github.com-org-a-key/org/a.git\"]\n\tinsteadOf = git@github.com:org/a.git\n\tinsteadOf = ssh://git@github.com/org/a.git\n\tinsteadOf = ssh://git@github.com:22/org/a.git\n" +
					"[url \"ssh://git@github.com-org-b.git-key2/org/b.git\"]\n\tinsteadOf = git@github.com:org/b.git\n\tinsteadOf = ssh://git@github.com/org/b.git\n\tinsteadOf = ssh://git@github.com:22/org/b.git\n" +
					sshTarget{"github.com", "22", "org/a"}.keepNeighbours() + sshTarget{"github.com", "22", "org/b.git"}.keepNeighbours(),
				".git-credentials": "https://user:p%40ss%20word@github.com\n",
				".ssh/known_hosts": "github.com ssh-rsa AAA",
			},
		},
		{name: "known hosts required", flags: credentialFlags{requireKnownHosts: true, sshGit: stringList{"key=a", "key2=b"}}, err: `-ssh-git: secret key2: Git SSH Secret must have "known_hosts" included`},
		{
			name:  "docker",
			flags: credentialFlags{basicDocker: stringList{"login=https://c"}, dockerConfig: stringList{"registry"}, dockerCfg: stringList{"old"}},
			want: map[string]string{".docker/config.json": `{"auths":{"https://a":{"username":"u","password":"p","auth":"dTpw","email":"e"},"https://b":{"auth":"Yg=="},` +
				`"https://c":{"username":"user","password":"p@ss word","auth":"dXNlcjpwQHNzIHdvcmQ=","email":"not@val.id"},"https://shared":{"auth":"config"}}}`},
		},
		{name: "no url", flags: credentialFlags{basicGit: stringList{"login"}}, err: "-basic-git: expect entries of the form secret=url, got: login"},
		{name: "url twice", flags: credentialFlags{basicDocker: stringList{"login=a", "domain=a"}}, err: "-basic-docker: multiple entries for url: a"},
		{name: "no such secret", flags: credentialFlags{sshGit: stringList{"none=a"}}, err: "-ssh-git: secret none: open "},
		{name: "not JSON", flags: credentialFlags{dockerConfig: stringList{"malformed"}}, err: "-docker-config: secret malformed: unexpected end of JSON input"},
		{name: "not a URL", flags: credentialFlags{basicGit: stringList{"login=http://[::1"}}, err: "-basic-git: secret login: parse "},
	} {
		t.Run(row.name, func(t *testing.T) {
			files, err := credentialFiles(row.flags, secretStore{dir}, "/tekton/creds")
			if row.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), row.err) {
					t.Errorf("got %v, want %s", err, row.err)
				}
				return
			}
			got := map[string]string{}
			for _, file := range files {
				got[file.path] = file.content
			}
			if err != nil || !reflect.DeepEqual(got, row.want) {
				t.Errorf("got %q (%v)\nwant %q", got, err, row.want)
			}
		})
	}
}

func TestCredentialsReachTheHomeDirectory(t *testing.T) {
	p := newPod(t)
	p.write("creds-secrets/login/username", "user")
	p.write("creds-secrets/login/password", "pass")
	p.write("creds-secrets/key/ssh-privatekey", "PRIVATE")
	p.must(os.Mkdir(p.path("creds"), 0o777))
	flags := []string{"-basic-git=login=https://github.com", "--ssh-git", "key=github.com", "-basic-docker=login=https://index.docker.io/v1/"}
	run, exit := p.step(0, nil, flags, "cat", p.path("home/.gitconfig"))
	if exit != 0 || !strings.Contains(run.stdout.String(), "helper = store") {
		t.Fatalf("exit %d, stdout %q, stderr %q", exit, run.stdout, run.stderr)
	}
	for name, mode := range map[string]os.FileMode{".git-credentials": 0o600, ".ssh": 0o700, ".ssh/id_key": 0o600, ".ssh/config": 0o600, ".docker": 0o700, ".docker/config.json": 0o600} {
		if got := modeOf(t, p.path("home/"+name)); got != mode {
			t.Errorf("%s: mode %o, want %o", name, got, mode)
		}
		if !p.exists("creds/" + name) {
			t.Errorf("%s is not in the credentials directory", name)
		}
	}
}

func TestAHomeThatCannotBeWrittenIsOnlyTold(t *testing.T) {
	p := newPod(t)
	p.write("creds/.gitconfig", "x")
	p.write("no-directory", "")
	run, exit := p.step(0, []string{"HOME=" + p.path("no-directory")}, nil, "echo", "hi")
	want := `warning: unsuccessful cred copy: ".gitconfig" from "` + p.path("creds") + `" to "` + p.path("no-directory") + `": unable to open destination: `
	if exit != 0 || !strings.Contains(run.stderr.String(), want) {
		t.Errorf("exit %d, stderr %q, want %q in it", exit, run.stderr, want)
	}
}

// Git itself says where it would go.
func TestKeysOfRepositories(t *testing.T) {
	dir := secretFolder(t)
	flags := credentialFlags{sshGit: stringList{"key=github.com/org/a", "key2=github.com/org/ab", "key=github.com/org/c.git", "key2=github.com/group"}}
	files, err := credentialFiles(flags, secretStore{dir}, "/tekton/creds")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	for _, file := range files {
		if file.path == ".gitconfig" {
			if err := os.WriteFile(filepath.Join(home, file.path), []byte(file.content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for address, want := range map[string]string{
		"git@github.com:org/a":             "ssh://git@github.com-org-a-key/org/a",
		"git@github.com:org/a.git":         "ssh://git@github.com-org-a-key/org/a.git",
		"ssh://git@github.com/org/a":       "ssh://git@github.com-org-a-key/org/a",
		"ssh://git@github.com:22/org/a":    "ssh://git@github.com-org-a-key/org/a",
		"git@github.com:org/a/":            "ssh://git@github.com-org-a-key/org/a/",
		"git@github.com:org/ab":            "ssh://git@github.com-org-ab-key2/org/ab",
		"git@github.com:org/ab.git":        "ssh://git@github.com-org-ab-key2/org/ab.git",
		"git@github.com:org/abc":           "",
		"git@github.com:org/a-b.git":       "",
		"git@github.com:org/a.github":      "",
		"git@github.com:org/a.b":           "",
		"ssh://git@github.com:22/org/a_":   "",
		"git@github.com:org/c.git":         "ssh://git@github.com-org-c.git-key/org/c.git",
		"git@github.com:org/c.gitx":        "",
		"git@github.com:group/any.git":     "ssh://git@github.com-group-key2/group/any.git",
		"ssh://git@github.com/group2/any":  "",
		"git@github.com:other/org/a":       "",
		"https://github.com/org/a":         "",
		"git@github.com.example.com:org/a": "",
	} {
		git := exec.Command("git", "ls-remote", "--get-url", address)
		git.Dir, git.Env = home, []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1"}
		said, err := git.Output()
		if want == "" {
			want = address
		}
		if got := strings.TrimSpace(string(said)); err != nil || got != want {
			t.Errorf("%s leads to %s (%v), want %s", address, got, err, want)
		}
	}
}
