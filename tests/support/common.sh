# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Small functions that the scripts of tests/support and scripts/ share. To be sourced.

# say TEXT...: progress, to stderr, so that stdout stays for results.
say() { printf '%s\n' "$*" >&2; }

# die TEXT...: end the script; say what, why and what to do.
die() {
    say "${0##*/}: $*"
    exit 1
}

# need PROGRAM...: end with a hint when one is missing.
need() {
    local p
    for p; do
        command -v "$p" >/dev/null || die "$p: not found; run scripts/install-deps --test"
    done
}

# wait_until SECONDS COMMAND...: try until it succeeds; 1 when the time is over.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.05
    done
}

# gone PID: is no such process left? (A zombie that waits for its parent is gone.)
gone() {
    local state
    state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || true
    [ -z "$state" ] || [ "$state" = Z ]
}

# end_process PID [SECONDS]: TERM, then KILL when it does not end in time.
end_process() {
    kill -TERM "$1" 2>/dev/null || return 0
    wait_until "${2:-10}" gone "$1" && return 0
    kill -KILL "$1" 2>/dev/null || true
    wait_until 5 gone "$1"
}

cache_dir() { printf '%s\n' "${MB_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mbcluster-tests}"; }

# debian_mirror SUITE: the mirror that this host uses, so that a local one is honoured.
debian_mirror() {
    local uri=${MB_DEBIAN_MIRROR:-}
    # shellcheck disable=SC2016 # apt expands it
    [ -n "$uri" ] || uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
        "Codename: $1" 'Label: Debian' 2>/dev/null | sort -u | head -n 1) || true
    printf '%s\n' "${uri:-http://deb.debian.org/debian}"
}

# remove_tree DIR: also what subordinate ids own below it.
remove_tree() {
    [ -e "$1" ] || return 0
    # Modes inside an image may forbid even its owner to list a directory.
    chmod -R u+rwX "$1" 2>/dev/null || true
    rm -rf --one-file-system "$1" 2>/dev/null ||
        unshare --user --map-auto --map-root-user rm -rf --one-file-system "$1"
}
