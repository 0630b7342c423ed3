#!/bin/sh
# SPDX-License-Identifier: MIT
#
# exports.sh LIBRARY.so LIBRARY.a NAME
#
# Both libraries show asyncio_* and nothing else, both show the same, and NAME
# is in it.
set -eu

shared=$(nm -D --defined-only "$1" | awk 'NF == 3 { print $3 }' | sort)
static=$(nm -g --defined-only "$2" | awk 'NF == 3 { print $3 }' | sort)

status=0
for names in "$shared" "$static"; do
    foreign=$(printf '%s\n' "$names" | grep -v '^asyncio_[a-z]' || true)
    if [ -n "$foreign" ]; then
        printf 'exported, but not asyncio_*:\n%s\n' "$foreign"
        status=1
    fi
done
if [ "$shared" != "$static" ]; then
    echo "the shared and the static library export different names"
    status=1
fi
printf '%s\n' "$shared" | grep -qx "$3" ||
    { echo "$3 is not exported"; status=1; }
echo "$(printf '%s\n' "$shared" | wc -l) names exported"
exit $status
