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
