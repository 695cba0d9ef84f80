#!/bin/sh
# Trains with this build and with that of another commit (COMMIT=80af62c) and compares the models bit by bit, per kernel set.
# Arguments go to compare.lua: a part of a training's name, --keep.
set -eu
other=$("$(dirname "$0")/build.sh")
cd "$(dirname "$0")/../.."
build/ramus run tests/bits/compare.lua "$other" "$PWD/build/bits/scratch" "$@"
