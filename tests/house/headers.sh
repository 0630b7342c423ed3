#!/bin/sh
# SPDX-License-Identifier: MIT
#
# headers.sh -I DIR ROOT LANGUAGE STD CC...
#
# Each public header under ROOT compiles alone, without one warning.
set -eu

include=$2 root=$3 language=$4 std=$5
shift 5

count=0
for header in "$root"/asyncio.h "$root"/asyncio/*.h; do
    "$@" -x "$language" -std="$std" -pedantic -Wall -Wextra -Wundef -Werror \
        -I "$include" -fsyntax-only -include "$header" /dev/null
    # Twice in one file, too.
    printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
        "$@" -x "$language" -std="$std" -pedantic -Wall -Wextra -Werror \
            -I "$include" -fsyntax-only -
    count=$((count + 1))
done
echo "$count headers compile alone as $std"
[ "$count" -ge 2 ]
