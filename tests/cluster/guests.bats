#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Agents on real foreign kernels: three machines emulated by QEMU beside the host's own agent, one
# build of four platforms on them, and a machine that freezes in the middle of a RUN.
load ../integration/helpers
load guests

GUESTS='arm64 ppc64le s390x'

setup_file() {
    begin_file
    # shellcheck disable=SC2086 # words are meant
    prepare $GUESTS
    make_world
    registry_start
    coordinator_start
    client_join
    agent_start amd64 --slots 2 --emulate none
    boot_guests
    export SOURCE_DATE_EPOCH=$EPOCH
    run_the_build
}

teardown_file() { end_file; }

# Agents of both kinds: an ordinary user's, as the package has it, and root's.
boot_guests() {
    guest_start arm64
    guest_start ppc64le
    guest_start s390x root
    for arch in $GUESTS; do
        guest_ready "$arch"
    done
}

# The context of world/, with a program for each platform.
make_world() {
    local arch
    cp -r "$SRC/tests/cluster/world" "$T/world"
    mkdir "$T/world/probe"
    for arch in amd64 $GUESTS; do
        "$SRC/tests/cluster/guest-cc" "$(debian "$arch")" -o "$T/world/probe/$arch" "$T/world/probe.c"
    done
    rm "$T/world/probe.c"
}

# All tests but the last look at the results of this one build.
run_the_build() {
    mb build --progress plain --platform "$FOUR" --build-arg "BASE=$REG/library/busybox" \
        -t "$REG/team/world:1" -o type=image,push=true,rewrite-timestamp=true \
        --metadata-file "$T/metadata.json" "$T/world" >"$T/build.out" 2>"$T/build.err" 3>&- || {
        cat "$T/build.err"
        return 1
    }
}

@test "ls shows four architectures, each agent on its own kernel, nothing emulated" {
    local arch
    must mb ls --format json
    equal "$(jq -rs '[.[].name] | sort | join(" ")' <<<"$output")" "amd64 $GUESTS"
    jq -es 'all(.platforms | length > 0 and all(.emulated == false))' <<<"$output"
    for arch in amd64 $GUESTS; do
        jq -es --arg a "$arch" --arg k "$(kernel "$arch")" \
            '.[] | select(.name == $a) | .arch == $a and .kernel == $k' <<<"$output"
    done
    # There is no emulator in the guests.
    jq -es 'map(select(.name != "amd64")) | all(.qemu == null)' <<<"$output"
}

@test "every step of a target ran natively on the agent of its architecture" {
    equal "$(record 'map(.platform) | unique | sort | join(",")')" "$FOUR"
    record 'all(.emulated == false and .cached == false)'
    record 'all(.agent == (.platform | split("/")[1]))'
    # Two RUNs on each platform, and one for all on the build platform.
    equal "$(record 'map(select(.step | startswith("RUN"))) | length')" 9
    equal "$(record 'map(select(.step | contains("probe noise"))) | length')" 1
}

@test "each platform's log tells its machine's own kernel" {
    local arch machine
    for arch in amd64 $GUESTS; do
        machine=${arch/amd64/x86_64}
        machine=${machine/arm64/aarch64}
        equal "$(grep -cF " linux/$arch on $machine, kernel $(kernel "$arch")" "$T/build.err")" 2
    done
    equal "$(grep -cF " data on x86_64, kernel $(uname -r)" "$T/build.err")" 1
}

@test "digests check out; the image has its links, modes, attributes and numbers" {
    local arch first
    for arch in amd64 $GUESTS; do
        fetch "docker://$REG/team/world:1" "linux/$arch" "$T/check"
        check_layers "$T/check"
        umoci unpack --image "$T/check:image" "$T/check.bundle" >/dev/null
        look_at_tree "$T/check.bundle/rootfs"
        # As the machine has it in memory: big-endian comes first with 1, little-endian with 8.
        first=8
        [ "$arch" != s390x ] || first=1
        equal "$(od -An -tu1 -N1 "$T/check.bundle/rootfs/srv/world/made/numbers" | tr -d ' ')" $first
        rm -rf "$T"/check*
    done
}

look_at_tree() {
    local world=$1/srv/world
    equal "$(stat -c '%h %i' "$world/hard")" "3 $(stat -c %i "$world/../link")"
    equal "$(stat -c %i "$world/hard")" "$(stat -c %i "$world/link")"
    equal "$(stat -c %i "$world/data/part.1")" "$(stat -c %i "$world/data/part.again")"
    equal "$(readlink "$world/soft")" hard
    equal "$(stat -c '%a %u:%g' "$world/setuid")" '4755 1000:1000'
    equal "$(stat -c '%a %F' "$world/sticky")" '1777 directory'
    equal "$(stat -c %F "$world/pipe")" fifo
    equal "$(getfattr --absolute-names --only-values -n user.mbcluster.colour "$world/hard")" green
    equal "$(cat "$world"/data/part.? | sha256sum)" "$(cat "$world/sum")"
    equal "$(cat "$world"/data/part.? | wc -c)" $((64 * 1024 * 1024))
    [ ! -e "$1/home" ]
}

@test "the index is, digest for digest, the one of emulation on one machine" {
    local cluster
    cluster=sha256:$(raw "docker://$REG/team/world:1" | sha256sum | cut -d ' ' -f 1)
    equal "$(jq -r '."containerimage.digest"' "$T/metadata.json")" "$cluster"
    must env -u MBCLUSTER_CLUSTER MBCLUSTER_STATE="$T/state-embedded" "$MB_BIN/mbcluster" build \
        --platform "$FOUR" --build-arg "BASE=$REG/library/busybox" --metadata-file "$T/embedded.json" \
        -o "type=oci,dest=$T/embedded.tar,rewrite-timestamp=true" "$T/world"
    record 'map(select(.platform != "linux/amd64" and (.step | startswith("RUN")))) | all(.emulated)' "$T/embedded.json"
    equal "$(archive_index "$T/embedded.tar")" "$cluster"
    rm -f "$T/embedded.tar"
}

@test "a frozen machine is replaced by emulation; thawed, it joins again" {
    local kernel
    kernel=$(kernel s390x)
    agent_start rescue --slots 1 --platform linux/s390x
    context frozen <<END
FROM busybox
RUN uname -r > /before
RUN echo "in the middle on \$(uname -r)"; [ "\$(uname -r)" != $kernel ] || sleep 300; uname -m > /after
END
    mb build --progress plain --platform linux/s390x --build-context "$BASE_CONTEXT" \
        -o "type=oci,dest=$T/frozen.tar" --metadata-file "$T/frozen.json" "$C" \
        >"$T/frozen.out" 2>"$T/frozen.err" 3>&- &
    # shellcheck disable=SC2034 # for build_ends
    BUILD_PID=$!
    wait_until 60 grep -qF " in the middle on $kernel" "$T/frozen.err"
    guest_qmp s390x stop
    build_ends 90
    equal "$status" 0 || { cat "$T/frozen.err"; return 1; }
    log_has coordinator 'event=agent_state agent=s390x .*to=torpid'
    log_has coordinator 'event=agent_state agent=s390x .*to=lost'
    record 'map(select(.step | contains("in the middle"))) | length == 1 and all(.agent == "rescue" and .emulated)' \
        "$T/frozen.json"
    stop_daemon rescue
    guest_qmp s390x cont
    # The coordinator refuses what the old session says; the agent drops its task and greets anew.
    wait_until 60 log_has s390x 'event=session_lost tasks=1'
    wait_until 60 log_has s390x 'event=task_ended .*code=cancelled'
    wait_until 60 agent_ready s390x
    equal "$(grep -c 'event=agent_joined agent=s390x' "$T/coordinator/log")" 2
    # The machine is as good as before.
    context thawed <<<$'FROM busybox\nRUN uname -r > /after'
    must mb build --platform linux/s390x --build-context "$BASE_CONTEXT" --metadata-file "$T/thawed.json" "$C"
    record 'all(.agent == "s390x" and .emulated == false)' "$T/thawed.json"
}
