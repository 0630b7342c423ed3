#!/bin/sh
# SPDX-License-Identifier: MIT
#
# readme.sh ROOT LIBRARY CC...
#
# The program that both READMEs show compiles as it stands and does what they
# say.
set -eu

root=$1 library=$2
shift 2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

for readme in README.md README.ko.md; do
    awk '/^```c$/ { inside = 1; next } /^```$/ { exit } inside' \
        "$root/$readme" >"$work/$readme.c"
done
cmp "$work/README.md.c" "$work/README.ko.md.c"

"$@" -Wall -Wextra -Werror -I "$root/include" "$work/README.md.c" \
    -o "$work/program" "$library" -Wl,-rpath,"$(dirname "$library")"
"$work/program" >"$work/said"
cat "$work/said"
for verb in Starting Finishing; do
    for number in 0 1 2 3 4; do
        echo "$verb job $number"
    done
done | cmp - "$work/said"
