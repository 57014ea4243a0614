# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the lint scripts share. To be sourced from the top of the tree.
#
# Each check prints "FILE:LINE: what and what to do" for every finding and ends 1 when there is one.
# exceptions.txt lists what is let through, each with its reason; an exception that is not needed any more is
# a finding, too.
set -euo pipefail
export LC_ALL=C

lint_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:-$lint_dir/../..}"
findings=0
declare -A excepted=()

# Our own C and C++, headers included.
sources() {
    find common proto session coordinator agent cli tests \
        \( -name '*.c' -o -name '*.h' -o -name '*.cpp' \) -not -path 'tests/data/*' 2>/dev/null | sort
}

# exceptions CHECK: load those of one check. A line is "CHECK KEY REASON...".
load_exceptions() {
    local check key reason
    while read -r check key reason; do
        [ "$check" = "$1" ] || continue
        [ -n "$reason" ] || finding "tests/lint/exceptions.txt" 0 "$key: an exception needs a reason"
        excepted[$key]=0
    done < <(cat tests/lint/exceptions.txt 2>/dev/null)
}

# is_excepted KEY
is_excepted() {
    [ -n "${excepted[$1]:-}" ] || return 1
    excepted[$1]=1
}

# finding FILE LINE TEXT
finding() {
    printf '%s:%s: %s\n' "$1" "$2" "$3"
    findings=$((findings + 1))
}

finish() {
    local key
    for key in "${!excepted[@]}"; do
        [ "${excepted[$key]}" = 1 ] ||
            finding tests/lint/exceptions.txt 0 "$key: no longer needed; remove the line"
    done
    [ "$findings" -eq 0 ] || { printf '%s: %d findings\n' "${0##*/}" "$findings"; exit 1; }
}
