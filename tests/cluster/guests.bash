# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests with guests share. Guests are called by an image's name of their architecture.

# debian ARCH: Debian's name of an image's architecture.
debian() { echo "${1/ppc64le/ppc64el}"; }

# prepare ARCH...: what takes long the first time is kept: sysroots, images, cross builds.
prepare() {
    local debian=()
    for arch; do
        debian+=("$(debian "$arch")")
    done
    # Their temporary files are not the test's to judge.
    TMPDIR=/tmp "$SRC/tests/cluster/guest-programs" "${debian[@]}" >"$T/programs" 2>"$T/programs.log" 3>&- || {
        tail -n 30 "$T/programs.log"
        return 1
    }
    TMPDIR=/var/tmp "$SRC/tests/cluster/guest-image" "${debian[@]}" >"$T/images" 3>&-
}

# of FILE ARCH: the second word of the line that begins with it.
of() { awk -v a="$(debian "$2")" '$1 == a { print $2 }' "$T/$1"; }

# kernel ARCH: the release that a guest runs; the host's if there is none.
kernel() { cat "$(of images "$1")/release" 2>/dev/null || uname -r; }

# guest_start ARCH [USER]: under the name of its architecture; its console is its log.
guest_start() {
    daemon "$1" "$SRC/tests/cluster/guest-boot" "$(debian "$1")" "$T/$1" "$(of programs "$1")" \
        "$(token agent --address "tcp://10.0.2.2:$PORT")" "${@:2}"
}

guest_ready() {
    wait_until 120 agent_ready "$1" || {
        echo "guest $1 does not get ready"
        cat "$T/$1/log"
        return 1
    }
}

guest_qmp() { "$SRC/tests/cluster/guest-qmp" "$T/$1" "$2" 3>&-; }


# record FILTER: jq over the build's record of steps.
record() { jq -er "[.\"mbcluster.steps\"[]] | $1" "${2:-$T/metadata.json}"; }
