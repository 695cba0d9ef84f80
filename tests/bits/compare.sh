#!/bin/sh
# Builds another commit (80af62c unless COMMIT says otherwise) with the same compiler below build/, trains with both builds
# and compares the models bit by bit, per kernel set. Arguments go to compare.lua: a part of a training's name, --keep.
set -eu
cd "$(dirname "$0")/../.."
commit=${COMMIT:-80af62c}
other=build/bits/$commit
make --no-print-directory build >/dev/null
if [ ! -x "$other/build/ramus" ]; then
  mkdir -p "$other"
  git archive "$commit" | tar -x -C "$other"
  echo "building $commit in $other"
  make --no-print-directory -C "$other" -j2 build >"$other/build.log" 2>&1 || { tail -n 20 "$other/build.log"; exit 1; }
fi
build/ramus run tests/bits/compare.lua "$PWD/$other/build/ramus" "$PWD/build/bits/scratch" "$@"
