#!/bin/sh
# SPDX-License-Identifier: MIT
#
# plain.sh SOURCE_ROOT native|portable|aarch64
#
# Builds plain_switch.c with the lowest three layers, and runs it, at several
# optimisation levels: what the compiler keeps in registers over a switch
# differs between them. aarch64 is built by a cross compiler and run by an
# emulator; 77 (skipped) where these are missing.
set -eu

root=$(cd "$1" && pwd)
variant=$2
switch=$root/src/ctx/switch_portable.c
compiler=${CC:-cc}
define=-DCTX_PORTABLE=1
run=
extra=
linking=

case $variant in
native)
    case $(uname -m) in
    x86_64)
        switch=$root/src/ctx/switch_x86_64.S
        define=-DCTX_NATIVE=1
        extra=-fcf-protection=full
        ;;
    aarch64)
        switch=$root/src/ctx/switch_aarch64.S
        define=-DCTX_NATIVE=1
        extra=-mbranch-protection=standard
        ;;
    esac
    ;;
portable) ;;
aarch64)
    switch=$root/src/ctx/switch_aarch64.S
    define=-DCTX_NATIVE=1
    compiler=aarch64-linux-gnu-gcc
    run=qemu-aarch64
    linking=-static
    extra=-mbranch-protection=standard
    for tool in "$compiler" "$run"; do
        if ! command -v "$tool" >/dev/null; then
            echo "skipped: $tool is missing"
            exit 77
        fi
    done
    ;;
*)
    echo "usage: $0 SOURCE_ROOT native|portable|aarch64" >&2
    exit 2
    ;;
esac

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

compile() {
    "$compiler" -std=gnu11 -g -D_GNU_SOURCE -Wall -Werror "$define" -pthread \
        -I"$root/include" -I"$root/src" "$@"
}

# What does not switch is compiled once.
cd "$dir"
# shellcheck disable=SC2086
compile -O1 $extra -c "$root"/src/base/*.c "$root"/src/sys/*.c \
    "$root/src/ctx/stack.c" "$root/src/ctx/sanitizer.c" "$switch"

for flags in -O0 -O1 -O2 -O3 "-O2 -fno-omit-frame-pointer" "-O2 $extra"; do
    echo "$variant: $flags"
    # shellcheck disable=SC2086
    compile $flags $linking "$root/tests/ctx/plain_switch.c" ./*.o -o plain
    $run ./plain
done

# A program marked as safe for shadow stacks would be run with one, and die at
# the first switch.
if readelf -n plain 2>/dev/null | grep -q SHSTK; then
    echo "FAILED: the program is marked for shadow stacks"
    exit 1
fi
