#!/bin/sh
# Runs a TypeScript entry point of hack/ on a current Node, on a machine that may have an old one and no node_modules.
# Usage: hack/start.sh SCRIPT.ts [ARGUMENT...]
set -eu
cd "$(dirname -- "$0")/.."
if ! command -v npm >/dev/null 2>&1; then
  echo "npm is needed: install Node.js 20 or newer with npm (for example: apt-get install nodejs npm), then run this again" >&2
  exit 1
fi
# npm records what it installed in node_modules/.package-lock.json: an older record than the lock file means stale packages.
if [ ! -x node_modules/.bin/node ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "==> installing npm packages (about half a minute, seconds when this lock file was installed before)"
  sh hack/packages.sh .
fi
PATH="$PWD/node_modules/.bin:$PATH"
# Whatever starts Node again (tests do so a thousand times) finds its modules compiled, types taken away.
NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$PWD/node_modules/.cache/compiled}"
export PATH NODE_COMPILE_CACHE
exec node "$@"
