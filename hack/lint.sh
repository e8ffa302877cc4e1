#!/bin/sh
# Checks the form (prettier) and lints the TypeScript sources with rules that need types. The linter's own packages live in
# hack/lint (see its package.json). With files as arguments, only those are linted.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
if [ ! -x "$here/lint/node_modules/.bin/eslint" ] || [ "$here/lint/package-lock.json" -nt "$here/lint/node_modules/.package-lock.json" ]; then
  echo "lint: installing the linter" >&2
  sh "$here/packages.sh" "$here/lint"
fi
cd "$here/.."
[ $# -gt 0 ] || exec node_modules/.bin/node hack/lint.ts
exec node "$here/lint/node_modules/eslint/bin/eslint.js" --config "$here/lint/eslint.config.js" --max-warnings 0 "$@"
