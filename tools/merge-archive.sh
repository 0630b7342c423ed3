#!/bin/sh
# SPDX-License-Identifier: MIT
#
# merge-archive.sh IN.a OUT.a OBJCOPY AR CC...
#
# Makes the archive that programs link: all objects of IN.a as one, in which
# every name with hidden visibility has become local. A static archive knows
# no visibility, so without this a short internal name (list_init) would
# collide with a program's own.
set -eu

in=$1 out=$2 objcopy=$3 ar=$4
shift 4

object=${out%.a}.o
"$@" -r -nostdlib -o "$object" \
    -Wl,--whole-archive "$in" -Wl,--no-whole-archive
"$objcopy" --localize-hidden "$object"
rm -f "$out"
"$ar" rcs "$out" "$object"
rm -f "$object"
