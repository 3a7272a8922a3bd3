#!/bin/sh
# moxlite @VERSION@ in one file. It unpacks what follows this head once, and runs it: root's in /opt/moxlite-file, a user's in
# the user's cache. What is there is used only if nobody else could have put it there.
set -eu
path=${PATH-}
PATH=/usr/sbin:/usr/bin:/sbin:/bin
hash=@HASH@
fail() {
    echo "moxlite: $1" >&2
    exit 1
}
[ "$(uname -sm)" = "Linux @MACHINE@" ] || fail "this file is for Linux on @MACHINE@, and this machine is $(uname -sm)"
[ -e /lib64/ld-linux-x86-64.so.2 ] || [ -e /lib/ld-linux-aarch64.so.1 ] ||
    fail "this file needs the GNU C library (glibc), which this machine does not have where programs look for it; with musl, as on Alpine, use the container"
if [ -e "$0" ]; then file=$0; else file=$(PATH=$path command -v -- "$0") || fail "$0 cannot be found again"; fi
file=$(readlink -f -- "$file")
user=$(id -u)
if [ "$user" = 0 ]; then
    above=/opt
    top=/opt/moxlite-file
else
    [ -n "${XDG_CACHE_HOME:-${HOME-}}" ] || fail "HOME is not set: set it, or XDG_CACHE_HOME, to a folder of $(id -un) where this file can unpack itself"
    above=${XDG_CACHE_HOME:-$HOME/.cache}
    top=$above/moxlite
fi
home=$top/@VERSION@-@SHORT@

# A folder that its owner alone can change.
safe() {
    case $(stat -c '%u %a %F' -- "$1" 2>/dev/null) in
    "$user "*[2367]" directory" | "$user "*[2367]?" directory") return 1 ;;
    "$user "*" directory") ;;
    *) return 1 ;;
    esac
}

private() {
    safe "$above" && safe "$top" || fail "$top must be a folder that only $(id -un) can change: chmod go-w $above $top"
}

unpack() {
    umask 022
    mkdir -p -- "$top" 2>/dev/null || fail "cannot make $top, where this file unpacks itself: run \`$file version\` as $(id -un) where that can be written"
    private
    new=$(mktemp -d -- "$top/new.XXXXXX" 2>/dev/null) || fail "cannot write to $top, where this file unpacks itself: run \`$file version\` as $(id -un), not by systemd"
    trap 'rm -rf -- "$new"' EXIT
    trap 'exit 1' HUP INT TERM
    tail -c +@OFFSET@ -- "$file" >"$new/archive" || fail "cannot unpack to $top: is the disk full?"
    [ "$(sha256sum <"$new/archive")" = "$hash  -" ] || fail "$file is damaged: download it again"
    tar -x -z --no-same-owner -f "$new/archive" -C "$new" || fail "cannot unpack to $top: is the disk full?"
    echo "$hash" >"$new/moxlite/complete"
    mv -T -- "$new/moxlite" "$home" 2>/dev/null || true # another start may have been faster
    rm -rf -- "$new"
    trap - EXIT HUP INT TERM
}

[ -e "$home" ] || unpack
private
safe "$home" && [ "$(cat -- "$home/complete" 2>/dev/null)" = "$hash" ] ||
    fail "$home is not as this file has unpacked it: remove it as $(id -un), and start again"
[ -x "$home/moxlite" ] || fail "$top is on a file system that runs no programs (noexec): let another user start this file, or set XDG_CACHE_HOME"
[ "${0##*/}" != sendmail ] || set -- sendmail "$@"
PATH=$path
MOXLITE_FILE=$file
export PATH MOXLITE_FILE
if [ "$user" = 0 ]; then
    MOXLITE_CONF=${MOXLITE_CONF:-/etc/moxlite/moxlite.toml}
    export MOXLITE_CONF
fi
exec "$home/moxlite" "$@"
