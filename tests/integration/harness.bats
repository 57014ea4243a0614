#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The harness itself: what is left behind is found, else the other files prove little.
load helpers

setup_file() { begin_file; }
teardown_file() { end_file; }

@test "nothing is found when nothing is left" {
    nothing_left || { marked_processes; marked_mounts; false; }
    check_stores
}

@test "a process is found by its environment, wherever it moved" {
    (cd / && exec setsid sleep 60) </dev/null >/dev/null 2>&1 3>&- &
    wait_until 5 process_found "sleep 60"
    kill_leftovers
    wait_until 5 nothing_left
}

process_found() {
    local found
    found=$(marked_processes)
    [[ $found == *"$1"* ]]
}

@test "a process without our environment is found by its directory" {
    (cd "$T/tmp" && exec env -i setsid sleep 61) </dev/null >/dev/null 2>&1 3>&- &
    wait_until 5 process_found "sleep 61"
    kill_leftovers
    wait_until 5 nothing_left
}

@test "a daemon and its children are not leftovers" {
    daemon family sh -c 'sleep 62 & wait'
    wait_until 5 pgrep -f '^sleep 62$'
    nothing_left
    kill "$(pgrep -f '^sleep 62$')"
    stop_daemon family
}

@test "a mount in another mount namespace is found" {
    mkdir -p "$T/mounted"
    daemon holder unshare --user --map-root-user --mount sh -c \
        "mount -t tmpfs none '$T/mounted' && exec env -i sleep 63"
    wait_until 5 pgrep -f '^sleep 63$'
    local pid
    pid=$(daemon_pid holder)
    rm "$T/pids/holder"
    marked_mounts | grep -F "process $pid:"
    echo "$pid" >"$T/pids/holder"
    stop_daemon holder
}

@test "a blob that is not what its name says is found" {
    mkdir -p "$T/broken/blobs/sha256"
    printf x >"$T/broken/blobs/sha256/$(printf y | sha256sum | cut -d ' ' -f 1)"
    run ! check_stores
    rm -r "$T/broken"
}

@test "the registry serves the bases to skopeo" {
    registry_start
    platforms "docker://$REG/library/busybox" | grep -F "linux/amd64,linux/arm64,linux/arm/v7"
    fetch "docker://$REG/library/busybox" linux/s390x "$T/base"
    check_layers "$T/base"
    tree_of "$T/base"
    [ -x "$T/base.tree/bin/busybox" ]
}

@test "the logging runtime notes the command of a container" {
    mkdir -p "$T/bundle"
    echo '{"process": {"args": ["a", "b c"]}}' >"$T/bundle/config.json"
    logging_runtime noted
    "$T/noted/crun" --root "$T/nowhere" run --bundle "$T/bundle" x >/dev/null 2>&1 || true
    equal "$(cat "$T/noted/runtime.log")" '["a","b c"]'
    rm -rf "$T/nowhere"
}
