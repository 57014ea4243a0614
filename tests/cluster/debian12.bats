#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Emulation on Debian 12's own kernel, 6.1, in an emulated machine of the host's architecture: such
# a kernel has no private binfmt_misc, so the agent uses the machine's handlers.
load ../integration/helpers
load guests

setup_file() {
    begin_file
    prepare amd64
    coordinator_start
    client_join
    guest_start amd64
    guest_ready amd64
    export SOURCE_DATE_EPOCH=$EPOCH
}

teardown_file() { end_file; }

@test "the agent offers what the kernel's handlers emulate" {
    local platform
    must mb ls --format json
    equal "$(jq -r .kernel <<<"$output")" "$(kernel amd64)"
    [[ "$(kernel amd64)" == 6.1.* ]]
    for platform in linux/arm64 linux/ppc64le linux/s390x; do
        jq -e --arg p "$platform" \
            '.platforms | map(select(.platform == $p)) | length == 1 and all(.emulated)' <<<"$output"
    done
    jq -e '.platforms | map(select(.platform == "linux/amd64")) | all(.emulated == false)' <<<"$output"
}

@test "four platforms built there are, digest for digest, those of the host" {
    local options=(--platform "$FOUR" --build-arg BASE=busybox --build-context "$BASE_CONTEXT")
    must mb build "${options[@]}" --metadata-file "$T/debian12.json" \
        -o "type=oci,dest=$T/debian12.tar,rewrite-timestamp=true" "$SRC/examples/hello"
    record 'map(select(.platform != "linux/amd64" and (.step | startswith("RUN")))) | length == 3 and all(.emulated)' \
        "$T/debian12.json"
    record 'all(.agent == "amd64")' "$T/debian12.json"
    must env -u MBCLUSTER_CLUSTER MBCLUSTER_STATE="$T/state-embedded" "$MB_BIN/mbcluster" build \
        "${options[@]}" -o "type=oci,dest=$T/host.tar,rewrite-timestamp=true" "$SRC/examples/hello"
    equal "$(archive_index "$T/debian12.tar")" "$(archive_index "$T/host.tar")"
    rm -f "$T/debian12.tar" "$T/host.tar"
}

hundred_layers() {
    echo FROM busybox
    for i in $(seq 99); do
        echo "COPY Dockerfile /layers/$i"
    done
    echo "RUN [ \$(ls /layers | wc -l) -eq 99 ]"
}

@test "a hundred layers stack, though the kernel takes one page of mount options" {
    context layers < <(hundred_layers)
    must mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" "$C"
}
