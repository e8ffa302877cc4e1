#!/bin/sh
# Installs the npm packages of a folder as its lock file has them. npm takes half a minute to lay them out, a copy of what it
# laid out for the same lock file seconds: one is kept in TEKTITE_CACHE_DIR, else in the user's cache folder.
# Usage: hack/packages.sh FOLDER
set -eu
cd "$1"
all="${TEKTITE_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/tektite}/packages"
mkdir -p "$all"
# What was not used for a week is of lock files that are gone.
find "$all" -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -rf {} +
kept="$all/$({ cat package.json package-lock.json; npm --version; node --version; uname -sm; } | cksum | tr ' ' -)"
rm -rf node_modules node_modules.new
# In place at once: half a copy, of a process that was killed, would be taken for all.
if [ -d "$kept" ] && cp -a "$kept" node_modules.new; then
  mv node_modules.new node_modules
  touch "$kept"
else
  rm -rf node_modules.new
  npm ci --no-audit --no-fund --loglevel=error
  # Another one may have kept it meanwhile; without room for it there is the next time.
  { [ -d "$kept" ] || { cp -a node_modules "$kept.$$" && mv "$kept.$$" "$kept"; }; } || rm -rf "$kept.$$"
fi
# start.sh and lint.sh look whether it is older than the lock file.
touch node_modules/.package-lock.json
