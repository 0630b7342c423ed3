#!/bin/sh
# SPDX-License-Identifier: MIT
#
# ci.sh [asan | tsan | valgrind | aarch64 | ci] [WORDS FOR meson test]
#
# The matrix beyond the everyday suite. Each stage builds in a folder of its
# own under build/ci and runs the tests there; it ends with one line. The last
# line of all sums them up. Called by ./run, which has installed what it needs.
set -eu
cd "$(dirname "$0")/.."

job=${1:-ci}
[ $# -eq 0 ] || shift

top=build/ci
passed=0 failed=0 skipped=0
mkdir -p "$top"

# log_count LOG WORD: the number after WORD in the summary of meson's test log
log_count() {
    sed -n "s/^$2: *\([0-9]*\) *$/\1/p" "$1" | tail -n 1
}

# report NAME SECONDS PASSED FAILED SKIPPED
report() {
    passed=$((passed + $3))
    failed=$((failed + $4))
    skipped=$((skipped + $5))
    echo "== $1: $3 passed, $4 failed, $5 skipped ($2 s)"
}

# build NAME CC OPTIONS...: configures (anew if these changed) and builds
build() {
    name=$1 cc=$2
    if [ "$(cat "$top/$name.options" 2>/dev/null)" != "$*" ]; then
        rm -rf "${top:?}/$name" "$top/$name.options"
    fi
    if [ ! -e "$top/$name/build.ninja" ]; then
        options="$*"
        shift 2
        CC=$cc meson setup "$top/$name" -Dtests=enabled "$@" \
            >"$top/$name.log" 2>&1 || return 1
        echo "$options" >"$top/$name.options"
    fi
    ninja -C "$top/$name" >"$top/$name.log" 2>&1
}

# stage NAME CC 'TEST WORDS' OPTIONS...: builds, tests, reports
stage() {
    name=$1 cc=$2 words=$3
    shift 3
    began=$(date +%s)
    echo "== $name: building"
    if ! build "$name" "$cc" "$@"; then
        tail -n 60 "$top/$name.log"
        echo "== $name: the build failed"
        report "$name" $(($(date +%s) - began)) 0 1 0
        return 0
    fi
    rm -f "$top/$name"/meson-logs/testlog*.txt
    # shellcheck disable=SC2086  # the words are meant to split
    meson test -C "$top/$name" --no-rebuild --print-errorlogs \
        $words $more_words || true
    ran "$name" "$began"
}

# ran NAME BEGAN: reports what meson's log of the stage says. A run with a
# setup has its log under another name.
ran() {
    for log in "$top/$1"/meson-logs/testlog*.txt; do :; done
    if [ ! -e "$log" ]; then
        echo "== $1: no test ran"
        report "$1" $(($(date +%s) - $2)) 0 1 0
        return 0
    fi
    bad=0
    for word in Fail 'Unexpected Pass' Timeout; do
        bad=$((bad + $(log_count "$log" "$word")))
    done
    report "$1" $(($(date +%s) - $2)) "$(log_count "$log" Ok)" "$bad" \
        "$(log_count "$log" Skipped)"
}

# ---- the stages ----

# As a distribution builds: optimised, hardened, costly assertions off.
stage_gcc() {
    stage gcc-release gcc "" -Dwerror=true -Dbuildtype=release \
        "-Dc_args=-D_FORTIFY_SOURCE=2 -fstack-protector-strong $protection" \
        -Dc_link_args=-Wl,-z,now,-z,relro
}

# Its warnings are what is new here; its programs run in the stage tsan.
stage_clang() {
    stage clang clang "--suite house --suite base --suite ctx --suite task" \
        -Dwerror=true
}

# What a machine without liburing and OpenSSL, or with another CPU, gets.
stage_plain() {
    stage plain gcc "--no-suite house --no-suite uring --no-suite extremes \
        --no-suite examples" -Dwerror=true -During=disabled \
        -Dvalgrind=disabled -Dtls=disabled -Dportable_switch=true
}

stage_asan() {
    stage asan gcc "--setup=asan" -Db_sanitize=address,undefined
}

# The two slow tools share the real back ends: epoll here, the ring there.
#
# clang's: its fibers are cheap. It cannot promise no undefined symbols.
stage_tsan() {
    stage tsan clang "--setup=tsan --no-suite uring" \
        -Db_sanitize=thread -Db_lundef=false
}

# The slowest of all: each subject once. Not TLS, since OpenSSL's arithmetic
# takes minutes here; asan and tsan have it, as they have the simulation.
stage_valgrind() {
    stage valgrind gcc "--setup=valgrind --no-suite epoll --no-suite sim \
        --no-suite tls --no-suite examples" -Dvalgrind=enabled
}

# The tests as aarch64 programs, under qemu-user, which has no io_uring. It
# imitates signals, forks and limits on memory too loosely for what is above
# the back ends.
stage_aarch64() {
    if ! aarch64_packages; then
        echo "== aarch64: could not get the packages it needs"
        report aarch64 0 0 1 0
        return 0
    fi
    aarch64_cross_file >"$top/aarch64.ini"
    stage aarch64 cc "--setup=emulated --no-suite uring --no-suite task \
        --no-suite sync --no-suite examples --no-suite engine --no-suite io \
        --no-suite extremes" \
        --cross-file "$top/aarch64.ini" -During=disabled \
        -Dvalgrind=disabled -Dtls=disabled
}

# Check for aarch64, unpacked beside the build: the system stays as it is.
aarch64_packages() {
    root=$PWD/$top/aarch64-root
    [ ! -e "$root/.ready" ] || return 0
    rm -rf "$root"
    mkdir -p "$root/apt/lists/partial" "$root/apt/cache/archives/partial"
    : >"$root/apt/status"
    set -- -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o Dir::State::lists="$root/apt/lists" \
        -o Dir::State::status="$root/apt/status" \
        -o Dir::Cache="$root/apt/cache" -o APT::Sandbox::User=root
    apt-get "$@" update >"$top/aarch64.log" 2>&1 &&
        (cd "$root/apt" &&
            apt-get "$@" download check libsubunit-dev) >>"$top/aarch64.log" \
            2>&1 || { cat "$top/aarch64.log"; return 1; }
    for deb in "$root"/apt/*.deb; do
        dpkg -x "$deb" "$root"
    done
    rm -rf "$root/apt"
    : >"$root/.ready"
}

aarch64_cross_file() {
    cat <<END
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-ar'
objcopy = 'aarch64-linux-gnu-objcopy'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu']

[properties]
sys_root = '$root'
pkg_config_libdir = '$root/usr/lib/aarch64-linux-gnu/pkgconfig'
run_words = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu']

[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
END
}

more_words=$*
case $(uname -m) in
x86_64) protection=-fcf-protection ;;
aarch64) protection=-mbranch-protection=standard ;;
*) protection= ;;
esac

case $job in
ci)
    for each in gcc clang plain asan tsan valgrind aarch64; do
        "stage_$each"
    done
    ;;
*)
    "stage_$job"
    ;;
esac

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
