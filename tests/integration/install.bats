#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What cmake --install puts where, and that it works from there.
load helpers

setup_file() {
    begin_file
    cmake --install "$MB_BUILD_DIR" --prefix "$T/prefix" >"$T/install.log"
}
teardown_file() { end_file; }

@test "programs, step helper and units are installed" {
    local file
    for file in bin/mbcluster bin/mbcluster-coordinator bin/mbcluster-agent \
        libexec/mbcluster/mbcluster-step \
        lib/systemd/system/mbcluster-coordinator.service lib/systemd/system/mbcluster-agent.service \
        lib/sysusers.d/mbcluster-coordinator.conf lib/sysusers.d/mbcluster-agent.conf \
        lib/tmpfiles.d/mbcluster-coordinator.conf lib/tmpfiles.d/mbcluster-agent.conf; do
        [ -e "$T/prefix/$file" ] || { echo "missing: $file"; return 1; }
    done
}

@test "the units name the programs where they are" {
    grep -h '^ExecStart=' "$T"/prefix/lib/systemd/system/*.service | while read -r line; do
        line=${line#ExecStart=}
        [ -x "${line%% *}" ] || { echo "no program: $line"; exit 1; }
    done
}

@test "systemd accepts the units" {
    command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
    must systemd-analyze verify "$T"/prefix/lib/systemd/system/mbcluster-*.service
}

@test "the installed programs build an image" {
    context installed <<<$'FROM busybox\nRUN true'
    must "$T/prefix/bin/mbcluster" build --platform linux/amd64 --build-context "$BASE_CONTEXT" "$C"
}
