#!/bin/sh
# SPDX-License-Identifier: MIT
#
# install.sh BUILD-DIR PROGRAM.c TLS-PROGRAM.c|- CC...
#
# What `meson install` leaves behind is enough to build and run a program with
# nothing but cc and pkg-config: against the shared library, against the
# archive alone, and wholly static. The same of a program with TLS, where that
# is built; and only that one loads libssl.
set -eu

build=$1 program=$2 tls_program=$3
shift 3

dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT INT TERM

fail() {
    echo "install: $*" >&2
    exit 1
}

meson install -C "$build" --no-rebuild --destdir "$dest" >"$dest/log" 2>&1 ||
    { cat "$dest/log"; fail "meson install failed"; }

pc=$(find "$dest" -name casyncio.pc)
[ -n "$pc" ] || fail "no casyncio.pc"
lib=$(dirname "$(dirname "$pc")")
[ -e "$lib/libcasyncio.so" ] || fail "no libcasyncio.so"
[ -e "$lib/libcasyncio.so.0" ] || fail "no libcasyncio.so.0"
[ -e "$lib/libcasyncio.a" ] || fail "no libcasyncio.a"
stray=$(find "$dest" -name '*internal*' -o -name meson.build)
[ -z "$stray" ] || fail "installed by mistake: $stray"

# A relocated copy, so that what is found is what was installed. The system's
# own .pc files (liburing for --static) stay reachable by the default path.
prefix=$(sed -n 's/^prefix=//p' "$pc")
for each in "$(dirname "$pc")"/*.pc; do
    sed -i "s|^prefix=.*|prefix=$dest$prefix|" "$each"
done
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH

# $1: what is tried; the rest: how to run it
expect_outside() {
    what=$1
    shift
    said=$("$@") || fail "$what: the program failed"
    case $said in
    "outside: 42, casyncio "*) echo "$what: $said" ;;
    *) fail "$what: it said '$said'" ;;
    esac
}

# shellcheck disable=SC2046  # pkg-config's words are meant to split
"$@" "$program" $(pkg-config --cflags --libs casyncio) -o "$dest/shared"
expect_outside shared env LD_LIBRARY_PATH="$lib" "$dest/shared"

# shellcheck disable=SC2046
"$@" "$program" -o "$dest/archive" $(pkg-config --cflags casyncio) \
    $(pkg-config --static --libs casyncio |
        sed "s|-lcasyncio|-l:libcasyncio.a|")
expect_outside archive "$dest/archive"

# A distribution without static archives of libc or liburing skips this one.
printf 'int main(void) { return 0; }\n' >"$dest/empty.c"
# shellcheck disable=SC2046
if "$@" -static "$dest/empty.c" -o "$dest/empty" \
    $(pkg-config --static --libs liburing) 2>/dev/null; then
    # shellcheck disable=SC2046
    "$@" -static "$program" -o "$dest/static" \
        $(pkg-config --static --cflags --libs casyncio)
    expect_outside static "$dest/static"
else
    echo "static: skipped, no static libc or liburing here"
fi

# loads_libssl FILE...: one of them asks the loader for it by itself
loads_libssl() {
    readelf -d "$@" | grep -q 'NEEDED.*libssl'
}

! loads_libssl "$dest/shared" "$lib/libcasyncio.so" ||
    fail "a program without TLS loads libssl"

if [ "$tls_program" = - ]; then
    [ ! -e "$dest$prefix/include/asyncio/tls.h" ] ||
        fail "tls.h is installed without its library"
    exit 0
fi

for name in libcasyncio-tls.so libcasyncio-tls.so.0 libcasyncio-tls.a; do
    [ -e "$lib/$name" ] || fail "no $name"
done
loads_libssl "$lib/libcasyncio-tls.so" || fail "libcasyncio-tls has no libssl"

# shellcheck disable=SC2046
"$@" "$tls_program" $(pkg-config --cflags --libs casyncio-tls) \
    -o "$dest/shared-tls"
expect_outside "shared, TLS" env LD_LIBRARY_PATH="$lib" "$dest/shared-tls"

# shellcheck disable=SC2046
"$@" "$tls_program" -o "$dest/archive-tls" $(pkg-config --cflags casyncio-tls) \
    $(pkg-config --static --libs casyncio-tls |
        sed -e "s|-lcasyncio-tls|-l:libcasyncio-tls.a|" \
            -e "s|-lcasyncio\>|-l:libcasyncio.a|g")
expect_outside "archive, TLS" "$dest/archive-tls"
