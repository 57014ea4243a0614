#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What mbcluster doctor finds on this machine, and around it; agent.toml.
load helpers

setup_file() {
    begin_file
    coordinator_start
    client_join
}
teardown_file() { end_file; }

# finding CHECK: "RESULT TEXT" of the last command's JSON.
finding() { jq -r --arg c "$1" 'select(.check == $c) | .result + " " + .finding' <<<"$output"; }

doctor() { mb doctor --state-dir "$T/doctor" "$@"; }

@test "a machine that builds is well" {
    MBCLUSTER_CLUSTER='' must doctor --format json
    equal "$(jq -r 'select(.result == "fail") | .check' <<<"$output")" ''
    equal "$(finding overlayfs)" 'ok mounted in a user namespace, with userxattr'
    equal "$(finding runtime)" 'ok crun runs a container'
    [[ $(finding native) == ok* ]]
    [[ $(finding emulator-s390x) == "ok runs, QEMU "* ]]
    [[ $(finding clock) == ok* ]]
    equal "$(finding coordinator)" ''
}

@test "doctor leaves the same one layer each time" {
    MBCLUSTER_CLUSTER='' must doctor
    MBCLUSTER_CLUSTER='' must doctor
    equal "$(find "$T/doctor/layers/sha256" -mindepth 1 -maxdepth 1 | wc -l)" 1
}

@test "the table says what to do about a runtime that does not work" {
    MBCLUSTER_CLUSTER='' run doctor --runtime /bin/false 3>&-
    equal "$status" 1
    grep -qE '^runtime +fail ' <<<"$output"
    grep -A 1 -E '^runtime +fail' <<<"$output" | grep -qE '^ +-> apt install crun'
    [[ $output != *$'\033'* ]]
}

@test "a state directory of somebody else's names whom to ask" {
    [ "$(id -u)" = 0 ] || skip "needs root"
    mkdir "$T/foreign"
    chown nobody "$T/foreign"
    MBCLUSTER_CLUSTER='' run mb doctor --state-dir "$T/foreign" 3>&-
    equal "$status" 1
    grep -qF -- "-> runuser -u nobody -- mbcluster doctor --state-dir $T/foreign" <<<"$output"
}

@test "a client's cluster is reached, and clocks are compared" {
    must doctor --format json
    [[ $(finding coordinator) == "ok tcp://127.0.0.1:$PORT welcomes"* ]]
    [[ $(finding blob-endpoint) == "ok http://127.0.0.1:$HTTP_PORT answers" ]]
    [[ $(finding clock) == ok*"the coordinator" ]]
}

@test "an agent is configured by a file, and flags win" {
    logging_runtime filed
    cat >"$T/filed/agent.toml" <<END
join = "$(token agent)"
name = "filed"
slots = 3
state-dir = "$T/filed/state"
runtime = "$T/filed/crun"
platform = ["linux/amd64", "linux/s390x"]
END
    daemon filed "$MB_BIN/mbcluster-agent" --config "$T/filed/agent.toml" --slots 2
    wait_until 60 agent_ready filed
    must mb ls --format json
    equal "$(jq -r '.slots' <<<"$output")" 2
    equal "$(jq -r '[.platforms[].platform] | join(",")' <<<"$output")" linux/amd64,linux/s390x
}

@test "doctor shows an agent's key without ending its session" {
    MBCLUSTER_CLUSTER='' must mb doctor --state-dir "$T/filed/state" --format json
    [[ $(finding coordinator) == "ok tcp://127.0.0.1:$PORT knows"* ]]
    [[ $(finding blob-endpoint) == ok* ]]
    must mb ls
    equal "$(grep -c 'event=agent_joined' "$T/coordinator/log")" 1
}

@test "a coordinator that is gone is a failure that names its address" {
    stop_daemon filed
    stop_daemon coordinator
    MBCLUSTER_CLUSTER='' run mb doctor --state-dir "$T/filed/state" --format json 3>&-
    equal "$status" 1
    [[ $(finding coordinator) == "fail "*"tcp://127.0.0.1:$PORT"* ]]
    coordinator_start
}

@test "mistakes in agent.toml are named" {
    echo 'slot = 3' >"$T/bad.toml"
    must_fail 1 "$MB_BIN/mbcluster-agent" --config "$T/bad.toml"
    says "$T/bad.toml" 'unknown key "slot"' slots
    must_fail 1 "$MB_BIN/mbcluster-agent" --config "$T/none.toml"
    says "$T/none.toml"
}

@test "usage errors of doctor" {
    must_fail 2 mb doctor me
    must_fail 2 mb doctor --format xml
    must mb doctor --help
    grep -q '^Examples:' <<<"$output"
}
