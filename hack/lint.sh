#!/bin/sh
# Checks the form (prettier) and lints the TypeScript sources with rules that need types. The linter's own packages live in
# hack/lint (see its package.json). With files as arguments, only those are linted.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
if [ ! -x "$here/lint/node_modules/.bin/eslint" ] || [ "$here/lint/package-lock.json" -nt "$here/lint/node_modules/.package-lock.json" ]; then
  echo "lint: installing the linter" >&2
  npm ci --prefix "$here/lint" --no-audit --no-fund --loglevel=error
fi
cd "$here/.."
# What had its form before is not looked at again, in a new checkout at the same place neither: a minute of a processor.
cache=${TEKTITE_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/tektite}/prettier
[ $# -gt 0 ] || node node_modules/prettier/bin/prettier.cjs --check --cache --cache-strategy=content \
  --cache-location="$cache" --log-level=warn .
exec node "$here/lint/node_modules/eslint/bin/eslint.js" --config "$here/lint/eslint.config.js" --max-warnings 0 "${@:-.}"
