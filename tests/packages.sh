#!/bin/bash
# The Debian packages that the project needs, and their installation.
#
#   packages.sh check SET…      says what is missing, and how to get it; exit status 1 then
#   packages.sh install SET…    installs what is missing with apt-get (with sudo when not root)
#
# An entry is a package, or PATH=PACKAGE: the package is needed only where that file (or command) is not there.
set -eu

build="gcc=gcc make=make dpkg-buildflags=dpkg-dev libc6-dev nginx nginx-dev
    libhiredis-dev libjansson-dev libssl-dev libcrypt-dev libqrencode-dev
    libstoken-dev libpskc-dev libxml2-dev libcurl4-openssl-dev"
demo="redis-server=redis-server perl=perl python3=python3 python3-aiosmtpd tzdata"
test="libcmocka-dev stoken=stoken oathtool=oathtool python3=python3 python3-aiosmtpd tzdata procps openssl=openssl
    curl=curl libtest-base-perl libtest-longstring-perl
    liblist-moreutils-perl libwww-perl libtext-diff-perl liblwp-protocol-https-perl libipc-run-perl
    node=nodejs npm=npm chromium=chromium faketime=faketime valgrind=valgrind ip=iproute2"
fuzz="clang=clang libclang-rt-dev libcmocka-dev"
afl="afl-clang-fast=afl++"

model="spin=spin gcc=gcc libc6-dev"
bench="wrk=wrk redis-server=redis-server perl=perl python3=python3 openssl=openssl taskset=util-linux"

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing() {
    local set entry
    for set in "$@"; do
        for entry in ${!set}; do
            case $entry in
            *=*) command -v "${entry%%=*}" >/dev/null || echo "${entry#*=}" ;;
            *)   installed "$entry" || echo "$entry" ;;
            esac
        done
    done | sort -u | tr '\n' ' '
}

# Packages bring services that would start at once on ports of their own; the policy keeps them still
# while we install, unless this machine has a policy already.
root=()
policy=/usr/sbin/policy-rc.d
install_packages() {
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "packages: be root, or install sudo, to install: $*" >&2; exit 1; }
        root=(sudo)
    fi
    echo "installing Debian packages: $*"
    if ! [ -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
        "${root[@]}" chmod 755 "$policy"
        trap '"${root[@]}" rm -f "$policy"' EXIT
    fi
    "${root[@]}" apt-get -q update
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"
}

command -v dpkg-query >/dev/null || exit 0      # not Debian: whoever builds there knows what is needed
action=$1
shift
list=$(missing "$@")
[ -n "$list" ] || exit 0
case $action in
install)
    # shellcheck disable=SC2086
    install_packages $list
    ;;
check)
    echo "missing Debian packages: $list" >&2
    echo "\`make deps\` installs them." >&2
    exit 1
    ;;
esac
