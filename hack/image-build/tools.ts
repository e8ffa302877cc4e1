/** Layers with tools that public task catalogues call: crane, and as scripts Tekton's git-init and kaniko. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { file, folder, symlink } from './base-files.ts';
import type { BuildContext, LayerRecipe } from './layers.ts';
import { goBinary } from './go.ts';

/** Go modules that pin versions, shared with the local cluster's tools. */
const CRANE_MODULE = 'hack/one-node/go/crane';
const REGISTRY_MODULE = 'hack/one-node/go/registry';

/** /ko-app/crane, and /busybox/sh as in gcr.io/go-containerregistry/crane:debug. */
export const craneLayer: LayerRecipe = {
  name: 'crane',
  inputs: ({ root }) => readFile(join(root, CRANE_MODULE, 'go.mod'), 'utf8'),
  entries: async (context) => [
    folder('ko-app'),
    file(
      'ko-app/crane',
      await toolBinary(context, CRANE_MODULE, 'github.com/google/go-containerregistry/cmd/crane'),
      0o755,
    ),
    symlink('usr/local/bin/crane', '/ko-app/crane'),
    ...BUSYBOX_TOOLS.map((name) => symlink(`busybox/${name}`, '/bin/busybox')),
  ],
};
const BUSYBOX_TOOLS = [
  'sh',
  'ash',
  'cat',
  'cp',
  'dirname',
  'ls',
  'mkdir',
  'mktemp',
  'mv',
  'rm',
  'sed',
  'sha256sum',
  'tar',
  'tee',
  'test',
  'tr',
];

/**
 * The distribution registry, started as the official image is: without arguments it serves /var/lib/registry on port
 * 5000.
 */
export const registryLayer: LayerRecipe = {
  name: 'registry',
  inputs: async ({ root }) => [
    await readFile(join(root, REGISTRY_MODULE, 'go.mod'), 'utf8'),
    REGISTRY_CONFIG,
    REGISTRY_ENTRYPOINT,
  ],
  entries: async (context) => [
    file(
      'usr/bin/registry',
      await toolBinary(context, REGISTRY_MODULE, 'github.com/distribution/distribution/v3/cmd/registry'),
      0o755,
    ),
    file('entrypoint.sh', REGISTRY_ENTRYPOINT, 0o755),
    file('etc/docker/registry/config.yml', REGISTRY_CONFIG),
    folder('var/lib/registry'),
  ],
};
const REGISTRY_CONFIG = `version: 0.1
log: { fields: { service: registry } }
storage:
  delete: { enabled: true }
  filesystem: { rootdirectory: /var/lib/registry }
http:
  addr: :5000
  headers: { X-Content-Type-Options: [nosniff] }
`;
const REGISTRY_ENTRYPOINT = `#!/bin/sh
case "$1" in
  *.yaml|*.yml) set -- registry serve "$@" ;;
  serve|garbage-collect|help|-*) set -- registry "$@" ;;
esac
exec "$@"
`;

async function toolBinary(
  { root, progress, architecture }: BuildContext,
  module: string,
  importPath: string,
): Promise<Buffer> {
  progress(`building ${importPath} (a minute or more when nothing is cached)`);
  return goBinary(join(root, module), importPath, architecture);
}

/** The flags that the git-clone tasks of Tekton's catalogue pass; others are an error. */
const GIT_INIT = `#!/bin/sh
# Stand-in for Tekton's git-init: clones one revision of a repository into a folder.
set -eu
url= revision= refspec= path=. depth=1 submodules=true ssl_verify=true sparse=
while [ $# -gt 0 ]; do
  flag=\${1#-}; flag=\${flag#-}
  case $flag in
    *=*) value=\${flag#*=}; flag=\${flag%%=*}; shift ;;
    *) value=\${2-}; shift; [ $# -eq 0 ] || shift ;;
  esac
  case $flag in
    url) url=$value ;;
    revision) revision=$value ;;
    refspec) refspec=$value ;;
    path) path=$value ;;
    depth) depth=$value ;;
    submodules) submodules=$value ;;
    sslVerify) ssl_verify=$value ;;
    sparseCheckoutDirectories) sparse=$value ;;
    *) echo "git-init: unknown flag -$flag" >&2; exit 2 ;;
  esac
done
[ -n "$url" ] || { echo 'git-init: -url is required' >&2; exit 2; }
# What the cluster trusts, for servers that stand for the world's.
authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt
[ -n "\${GIT_SSL_CAINFO-}" ] || [ ! -r "$authority" ] || export GIT_SSL_CAINFO=$authority
mkdir -p "$path"
cd "$path"
git init -q
git config http.sslVerify "$ssl_verify"
git remote add origin "$url" 2>/dev/null || git remote set-url origin "$url"
if [ -n "$sparse" ]; then
  git config core.sparseCheckout true
  echo "$sparse" | tr ',' '\\n' > .git/info/sparse-checkout
fi
set -- --recurse-submodules=yes --update-head-ok --force
[ "$depth" -le 0 ] || set -- "$@" --depth="$depth"
# Without a refspec the revision itself is fetched: HEAD, a branch, a tag or a commit.
git fetch -q "$@" origin \${refspec:-\${revision:-HEAD}}
if [ -n "$refspec" ] && [ -n "$revision" ]; then git checkout -q -f "$revision"; else git checkout -q -f FETCH_HEAD; fi
echo "Successfully cloned $url @ $(git rev-parse HEAD) (\${revision:-HEAD}) in path $(pwd)"
[ "$submodules" != true ] || git submodule -q update --recursive --init --depth="$depth" --force
`;

export const gitInitLayer: LayerRecipe = {
  name: 'git-init',
  inputs: () => Promise.resolve(GIT_INIT),
  entries: () =>
    Promise.resolve([folder('ko-app'), folder('home/git', 0o777), file('ko-app/git-init', GIT_INIT, 0o755)]),
};

/**
 * The flags that the kaniko task of Tekton's catalogue passes. Builds what copies files onto a base image; a RUN needs
 * the real one.
 */
const KANIKO = `#!/busybox/sh
# Stand-in for kaniko's executor: builds a Dockerfile into an image with crane, and pushes it.
set -eu
dockerfile= context= destination= digest_file=
for word in "$@"; do
  value=\${word#*=}
  case $word in
    --dockerfile=*) dockerfile=$value ;;
    --context=*) context=$value ;;
    --destination=*) destination=$value ;;
    --digest-file=*) digest_file=$value ;;
    *) echo "executor: unknown flag $word" >&2; exit 2 ;;
  esac
done
authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt
[ ! -r "$authority" ] || export SSL_CERT_FILE=$authority
export HOME=/tmp DOCKER_CONFIG=/kaniko/.docker
cd "$context"
root=$(mktemp -d)
base= workdir=/ from=
set --
# A list as JSON has it, or a command for the shell, as crane takes it.
list() {
  case $1 in
    \\[*) echo "$1" | sed 's/^\\[ *"//; s/" *\\]$//; s/" *, *"/,/g' ;;
    *) echo "/bin/sh,-c,$1" ;;
  esac
}
while read -r instruction words; do
  case $instruction in
    '' | '#'*) ;;
    FROM) from=$words; [ "$words" = scratch ] || base=$words ;;
    WORKDIR) workdir=$words; set -- "$@" --workdir "$words" ;;
    ENV | LABEL) set -- "$@" "--$(echo "$instruction" | sed 's/ENV/env/; s/LABEL/label/')" "$words" ;;
    USER) set -- "$@" --user "$words" ;;
    ENTRYPOINT) set -- "$@" --entrypoint "$(list "$words")" ;;
    CMD) set -- "$@" --cmd "$(list "$words")" ;;
    EXPOSE) ;;
    COPY)
      from_files=\${words% *} to=\${words##* }
      case $to in /*) ;; *) to=$workdir/$to ;; esac
      case $to in */) mkdir -p "$root$to" ;; *) mkdir -p "$root$(dirname "$to")" ;; esac
      cp -r $from_files "$root$to"
      ;;
    *) echo "executor: $dockerfile: this stand-in cannot do $instruction" >&2; exit 1 ;;
  esac
done < "$dockerfile"
[ -n "$from" ] || { echo "executor: $dockerfile has no FROM" >&2; exit 1; }
tar -cf /tmp/layer.tar -C "$root" .
/ko-app/crane append \${base:+--base "$base"} --new_layer /tmp/layer.tar --new_tag "$destination"
[ $# -eq 0 ] || /ko-app/crane mutate --tag "$destination" "$@" "$destination"
/ko-app/crane digest "$destination" | tr -d '\\n' > "$digest_file"
echo "Pushed $destination@$(cat "$digest_file")"
`;

export const kanikoLayer: LayerRecipe = {
  name: 'kaniko',
  inputs: () => Promise.resolve(KANIKO),
  entries: () => Promise.resolve([folder('kaniko'), file('kaniko/executor', KANIKO, 0o755)]),
};
