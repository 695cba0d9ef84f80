#!/bin/sh
# Is this build slower than that of another commit (COMMIT=80af62c)? Nine rounds of ramus bench, alternating; needs a quiet machine.
# Arguments go to speed.lua: rounds, cases.
set -eu
other=$("$(dirname "$0")/build.sh")
cd "$(dirname "$0")/../.."
build/ramus run tests/bits/speed.lua "$other" "$@"
