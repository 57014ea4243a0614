#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Who gets into a cluster, and who does not.
load helpers

setup_file() {
    begin_file
    coordinator_start
    client_join
}

teardown_file() { end_file; }

# agent_once OPTION...: a new agent that is expected to end by itself.
agent_once() {
    timeout 30 "$MB_BIN/mbcluster-agent" --state-dir "$T/once$BATS_TEST_NUMBER" --name once "$@"
}

@test "keys and state of the coordinator are nobody else's" {
    [ -n "$(find "$T/coordinator/state" -type f -name '*key*')" ]
    equal "$(find "$T/coordinator/state" -type f -name '*key*' -perm /077)" ''
}

@test "a one-time token serves once" {
    local string
    string=$(token agent)
    [[ $string == mbc1-* ]]
    logging_runtime b1
    daemon b1 "$MB_BIN/mbcluster-agent" --join "$string" --state-dir "$T/b1/state" --name b1 \
        --runtime "$T/b1/crun" --emulate none
    wait_until 60 agent_ready b1
    must_fail 1 agent_once --join "$string"
    says_match 'token|join string'
    stop_daemon b1
}

@test "an agent that joined once comes back without a join string" {
    daemon b1 "$MB_BIN/mbcluster-agent" --state-dir "$T/b1/state" --name b1 \
        --runtime "$T/b1/crun" --emulate none
    wait_until 60 agent_ready b1
    stop_daemon b1
}

@test "a reusable token serves twice" {
    local string name
    string=$(token agent --reusable)
    for name in c1 c2; do
        logging_runtime "$name"
        daemon "$name" "$MB_BIN/mbcluster-agent" --join "$string" --state-dir "$T/$name/state" \
            --name "$name" --runtime "$T/$name/crun" --emulate none
        wait_until 60 agent_ready "$name"
    done
    stop_daemon c1
    stop_daemon c2
}

@test "a refused key is logged with the reason" {
    log_has coordinator 'event=(key|join)_refused .*reason='
}

@test "a client's token makes no agent" {
    must_fail 1 agent_once --join "$(token client)"
    says client
}

# a_token OPTION...: of a coordinator's directory of its own.
a_token() { "$MB_BIN/mbcluster-coordinator" token --role agent --state-dir "$T/strings" "$@"; }

@test "a join string is for one address that can be reached" {
    local address
    for address in 'tcp://*:7480' tcp://0.0.0.0:7480 'tcp://[::]:7480'; do
        must_fail 1 a_token --listen "$address"
        says "$address" --address
    done
    must_fail 1 a_token --address nonsense
    says nonsense
    must a_token --listen 'tcp://*:7480' --address tcp://127.0.0.1:7480
}

@test "a configuration file that is named must be there" {
    must_fail 1 timeout 20 "$MB_BIN/mbcluster-coordinator" --listen tcp://127.0.0.1:0 \
        --http 127.0.0.1:0 --state-dir "$T/configured" --config "$T/no/such.toml"
    says "$T/no/such.toml"
}

@test "a coordinator on a port of the kernel's choice makes strings that lead to it" {
    daemon anywhere "$MB_BIN/mbcluster-coordinator" --listen tcp://127.0.0.1:0 \
        --http 127.0.0.1:0 --state-dir "$T/anywhere/state"
    wait_until 20 test -s "$T/anywhere/state/address"
    run -0 "$MB_BIN/mbcluster-coordinator" token --role client --state-dir "$T/anywhere/state"
    must env -u MBCLUSTER_CLUSTER XDG_CONFIG_HOME="$T/anywhere/config" "$MB_BIN/mbcluster" \
        ls --cluster "$output"
    stop_daemon anywhere
}

@test "what is no join string is a clear error" {
    must_fail 1 agent_once --join mbc1-nonsense
    says_match 'not a join string.*mbc1-'
}

@test "a client joins once and keeps its key" {
    must mb ls
    equal "$(find "$XDG_CONFIG_HOME/mbcluster" -type f -name '*key*' -perm /077)" ''
    # The token was used up, the key is what counts now.
    must mb ls
}

@test "--cluster takes a join string or a file that holds one" {
    token client >"$T/cluster.txt"
    must env -u MBCLUSTER_CLUSTER XDG_CONFIG_HOME="$T/other" "$MB_BIN/mbcluster" ls --cluster "$T/cluster.txt"
    must env -u MBCLUSTER_CLUSTER XDG_CONFIG_HOME="$T/third" "$MB_BIN/mbcluster" ls --cluster "$(token client)"
}

@test "a wrong server key is told, not waited for" {
    local string
    string=$(token agent)
    # The same address, but another coordinator answers.
    stop_daemon coordinator
    coordinator_start stranger
    must_fail 1 agent_once --join "$string"
    says_match 'key'
    must_fail 1 mb ls
    says_match 'key'
    stop_daemon stranger
    coordinator_start
}

@test "nobody at the address is told, with the address" {
    local string
    string=$(token agent)
    stop_daemon coordinator
    must_fail 1 agent_once --join "$string"
    says "127.0.0.1:$PORT"
    coordinator_start
}

@test "unknown options are usage errors" {
    must_fail 2 mb ls --colour
    must_fail 2 mb frobnicate
    run --separate-stderr "$MB_BIN/mbcluster-agent" --no-such-thing
    equal "$status" 2
    run --separate-stderr "$MB_BIN/mbcluster-coordinator" --no-such-thing
    equal "$status" 2
    run --separate-stderr "$MB_BIN/mbcluster-coordinator" token --state-dir "$T/coordinator/state" --role king
    [ "$status" -ne 0 ]
    says king
}
