#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Processes that are interrupted or killed at the worst moment: while a RUN runs.
load helpers

setup_file() {
    begin_file
    registry_start
    coordinator_start
    client_join
    agent_start f1 --slots 2
}
# The tests named "embedded" know of no cluster.
setup() {
    [[ $BATS_TEST_DESCRIPTION != embedded:* ]] || unset MBCLUSTER_CLUSTER
}
teardown_file() { end_file; }

no_tag() {
    ! raw "docker://$REG/$1" >/dev/null 2>&1 || {
        echo "there is a tag: $1"
        return 1
    }
}

# What must hold after every fault: nothing left, stores whole, and the next build works.
all_is_well() {
    check_nothing_left
    context after <<<$'FROM busybox\nRUN echo fine > /fine'
    must mb build --no-cache --platform linux/amd64,linux/s390x --build-context "$BASE_CONTEXT" "$C"
    check_stores
}

# kill_program NAME: by SIGKILL, all of this test's processes that run it. Fails when there is none.
kill_program() {
    local exe pid n=0
    for exe in /proc/[0-9]*/exe; do
        [[ "$(readlink "$exe" 2>/dev/null)" == */$1 ]] || continue
        pid=${exe#/proc/}
        pid=${pid%/exe}
        is_family "$pid" || continue
        kill -KILL "$pid" 2>/dev/null && n=$((n + 1))
    done
    [ "$n" -gt 0 ]
}

# is_family PID: a descendant of the build or of an agent.
is_family() {
    local pid=$1
    while [ "$pid" -gt 1 ]; do
        [[ " $BUILD_PID $(cat "$T"/pids/* 2>/dev/null | tr '\n' ' ') " != *" $pid "* ]] || return 0
        pid=$(awk '{ print $4 }' <(sed 's/.*) /x x /' "/proc/$pid/stat" 2>/dev/null))
        [ -n "$pid" ] || return 1
    done
    return 1
}

@test "embedded: Ctrl-C" {
    waiting_build interrupted -t "$REG/faults/interrupted:1" --push
    kill -INT "$BUILD_PID"
    ends_with_one_message 20
    says_match '[Cc]ancel|[Ii]nterrupt'
    run ! sleeper
    no_tag faults/interrupted:1
    all_is_well
}

@test "embedded: TERM" {
    waiting_build terminated
    kill -TERM "$BUILD_PID"
    ends_with_one_message 20
    all_is_well
}

@test "embedded: kill -9 of the CLI takes everything with it" {
    waiting_build killed -t "$REG/faults/killed:1" --push
    kill -KILL "$BUILD_PID"
    wait "$BUILD_PID" || true
    wait_until 10 no_sleeper
    no_tag faults/killed:1
    all_is_well
}

no_sleeper() { ! sleeper >/dev/null; }

@test "embedded: kill -9 of the step helper" {
    waiting_build helper -t "$REG/faults/helper:1" --push
    # The step may be tried again with a new helper; that one is killed, too.
    while ! gone "$BUILD_PID"; do
        kill_program mbcluster-step || true
        wait_until 1 gone "$BUILD_PID" || true
        [ "$SECONDS" -lt 300 ]
    done
    ends_with_one_message 1
    says_match "step helper|step's worker"
    says 'Dockerfile:3'
    no_tag faults/helper:1
    all_is_well
}

@test "embedded: kill -9 of the OCI runtime and its container" {
    waiting_build runtime -t "$REG/faults/runtime:1" --push
    kill_program crun || true
    kill -KILL "$(sleeper)" 2>/dev/null || true
    ends_with_one_message 30
    says 'Dockerfile:3' linux/amd64
    no_tag faults/runtime:1
    all_is_well
}

@test "cluster: kill -9 of the CLI ends its build on the agent" {
    waiting_build client -t "$REG/faults/client:1" --push
    kill -KILL "$BUILD_PID"
    wait "$BUILD_PID" || true
    wait_until 60 no_sleeper
    no_tag faults/client:1
    all_is_well
}

@test "cluster: Ctrl-C" {
    waiting_build cancel
    kill -INT "$BUILD_PID"
    ends_with_one_message 20
    wait_until 20 no_sleeper
    all_is_well
}

@test "cluster: kill -9 of the only agent names it" {
    waiting_build agent -t "$REG/faults/agent:1" --push
    kill -KILL "$(daemon_pid f1)"
    wait_until 10 no_sleeper
    ends_with_one_message 120
    says f1
    rm "$T/pids/f1"
    no_tag faults/agent:1
    # The agent comes back with the state it has.
    daemon f1 "$MB_BIN/mbcluster-agent" --state-dir "$T/f1/state" --name f1 --runtime "$T/f1/crun"
    wait_until 60 agent_ready f1
    all_is_well
}

@test "cluster: kill -9 of the coordinator is told; its restart serves the same cluster" {
    waiting_build coordinator-killed
    kill -KILL "$(daemon_pid coordinator)"
    ends_with_one_message 120
    says "127.0.0.1:$PORT"
    rm "$T/pids/coordinator"
    daemon coordinator "$MB_BIN/mbcluster-coordinator" --listen "tcp://127.0.0.1:$PORT" \
        --http "127.0.0.1:$HTTP_PORT" --state-dir "$T/coordinator/state"
    wait_until 20 coordinator_answers coordinator
    wait_until 60 agent_ready f1
    wait_until 20 no_sleeper
    all_is_well
}
