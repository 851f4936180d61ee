#!/bin/sh
# Fetches Test::Nginx and unpacks it under build/ (printed: the directory for PERL5LIB).
#
# Debian has libtest-nginx-perl in unstable only.  The package lists of unstable are read into
# private apt directories under build/, so that this machine's own sources stay as they are, and the
# package is unpacked, not installed.  The mirror is the one this machine already uses.
set -eu

cd "$(dirname "$0")/.."
apt=$PWD/build/apt
root=$PWD/build/test-nginx
lib=$root/usr/share/perl5

if [ -e "$lib/Test/Nginx/Socket.pm" ]; then
    echo "$lib"
    exit 0
fi

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | sort -u | head -n 1)
if [ -z "$mirror" ]; then
    echo "fetch-test-nginx: this machine's apt has no package source" >&2
    exit 1
fi

mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/etc/preferences.d" "$apt/etc/sources.list.d" "$root"
: > "$apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" > "$apt/etc/sources.list"

private_apt() {
    apt-get -q \
        -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status" \
        -o Dir::Cache="$apt" -o Dir::Cache::archives="$apt/archives" \
        -o Dir::Etc::sourcelist="$apt/etc/sources.list" -o Dir::Etc::sourceparts="$apt/etc/sources.list.d" \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts="$apt/etc/preferences.d" \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
        "$@" >&2
}

private_apt update
cd "$root"
private_apt download libtest-nginx-perl
dpkg -x libtest-nginx-perl_*.deb "$root"
rm -rf libtest-nginx-perl_*.deb "$apt"
echo "$lib"
