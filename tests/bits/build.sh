#!/bin/sh
# Builds this tree, and another commit (80af62c unless COMMIT says otherwise) with the same compiler below build/bits/.
# Prints the other build's executable. compare.sh and speed.sh begin with it.
set -eu
cd "$(dirname "$0")/../.."
commit=${COMMIT:-80af62c}
other=build/bits/$commit
make --no-print-directory build >&2
if [ ! -x "$other/build/ramus" ]; then
  rm -rf "$other"
  mkdir -p "$other"
  git archive "$commit" | tar -x -C "$other"
  echo "building $commit in $other" >&2
  make --no-print-directory -C "$other" -j2 build >"$other/build.log" 2>&1 || { tail -n 20 "$other/build.log" >&2; exit 1; }
fi
echo "$PWD/$other/build/ramus"
