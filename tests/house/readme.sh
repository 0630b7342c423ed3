#!/bin/sh
# SPDX-License-Identifier: MIT
#
# readme.sh ROOT LIBRARY CC...
#
# The programs that both READMEs show compile as they stand, and the first does
# what they say. (The second is the end of a file that includes <asyncio.h>.)
set -eu

root=$1 library=$2
shift 2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# block NUMBER README: that piece of C
block() {
    awk -v wanted="$1" '
        /^```c$/ { inside = ++number == wanted; next }
        /^```$/ { inside = 0 }
        inside' "$root/$2"
}

# compile PROGRAM COMPILER...
compile() {
    program=$1
    shift
    "$@" -Wall -Wextra -Werror -I "$root/include" "$work/$program.c" \
        -o "$work/$program" "$library" -Wl,-rpath,"$(dirname "$library")"
}

for number in 1 2; do
    block $number README.md >"$work/english"
    block $number README.ko.md >"$work/korean"
    cmp "$work/english" "$work/korean"
done

block 1 README.md >"$work/jobs.c"
compile jobs "$@"
"$work/jobs" >"$work/said"
cat "$work/said"
for verb in Starting Finishing; do
    for number in 0 1 2 3 4; do
        echo "$verb job $number"
    done
done | cmp - "$work/said"

{
    echo '#include <asyncio.h>'
    block 2 README.md
} >"$work/server.c"
compile server "$@"
