#!/bin/sh
# SPDX-License-Identifier: MIT
#
# planted.sh SOURCE_ROOT overflow|race|uninitialised context|task
#
# Proves that a tool sees into contexts and tasks: builds the program with its
# planted
# bug and expects the tool to report it and to name the function it is in,
# and to say nothing about the same program without the bug. Exits with 77
# (skipped) where the tool is missing.
set -eu

root=$(cd "$1" && pwd)
bug=$2
place=$3
run=
case $bug in
overflow)
    compiler=${CC:-cc}
    flags="-fsanitize=address"
    expected="AddressSanitizer: stack-buffer-overflow"
    ;;
race)
    # gcc's knows fibers too, but switches them at a hundred times the price.
    compiler=clang
    flags="-fsanitize=thread"
    expected="ThreadSanitizer: data race"
    # Its shadow memory needs mappings in their usual places.
    run="setarch $(uname -m) -R"
    ;;
uninitialised)
    compiler=${CC:-cc}
    flags="-DHAVE_VALGRIND_H=1"
    expected="Conditional jump or move depends on uninitialised value"
    run="valgrind --error-exitcode=9"
    ;;
*)
    echo "usage: $0 SOURCE_ROOT overflow|race|uninitialised context|task" >&2
    exit 2
    ;;
esac

case $(uname -m) in
x86_64 | aarch64) switch=$root/src/ctx/switch_$(uname -m).S ;;
*)
    echo "skipped: no switch in assembly for $(uname -m)"
    exit 77
    ;;
esac

case $place in
context) layers="base sys" ;;
task) layers="base sys backend engine task" flags="$flags -DIN_TASK" ;;
*)
    echo "$0: in a context or in a task, not: $place" >&2
    exit 2
    ;;
esac

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

for tool in "$compiler" ${run%% *}; do
    if ! command -v "$tool" >/dev/null; then
        echo "skipped: $tool is missing"
        exit 77
    fi
done
echo 'int main(void) { return 0; }' >"$dir/empty.c"
# shellcheck disable=SC2086
if ! "$compiler" $flags "$dir/empty.c" -o "$dir/empty" 2>"$dir/log"; then
    echo "skipped: $compiler cannot build with $flags"
    exit 77
fi
if [ "$bug" = uninitialised ] &&
    ! echo '#include <valgrind/valgrind.h>' | "$compiler" -E - >/dev/null 2>&1
then
    echo "skipped: no valgrind/valgrind.h"
    exit 77
fi

# A build without a ring is enough: the marks are in the switch.
sources=$switch
for layer in $layers; do
    for source in "$root/src/$layer"/*.c; do
        case $source in
        */uring.c | */uring_calls.c) ;;
        *) sources="$sources $source" ;;
        esac
    done
done
# shellcheck disable=SC2086
"$compiler" -std=gnu11 -g -O1 -D_GNU_SOURCE $flags -pthread \
    -I"$root/include" -I"$root/src" "$root/tests/planted/$bug.c" \
    "$root/src/ctx/stack.c" "$root/src/ctx/sanitizer.c" $sources -lm \
    -o "$dir/planted"

if ! $run "$dir/planted" clean >"$dir/log" 2>&1; then
    cat "$dir/log"
    echo "FAILED: a complaint about a clean program"
    exit 1
fi
if $run "$dir/planted" >"$dir/log" 2>&1; then
    cat "$dir/log"
    echo "FAILED: the bug was not noticed"
    exit 1
fi
for text in "$expected" "planted_$bug" "${place}_entry"; do
    if ! grep -q "$text" "$dir/log"; then
        cat "$dir/log"
        echo "FAILED: the report lacks: $text"
        exit 1
    fi
done
echo "found: $expected"
