#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# One build of four platforms on a coordinator and three agents, pushed to a registry.
load helpers

setup_file() {
    begin_file
    registry_start
    coordinator_start
    client_join
    # One native agent, two that emulate and offer nothing native.
    agent_start a1 --slots 2 --emulate none
    agent_start a2 --slots 2 --platform linux/arm64,linux/ppc64le --emulate auto
    agent_start a3 --slots 2 --platform linux/s390x,linux/arm/v7 --emulate auto
    user_start
    export SOURCE_DATE_EPOCH=$EPOCH
    run_the_build
}

teardown_file() { end_file; }

# All tests look at the results of this one build.
run_the_build() {
    mb build --progress plain --platform "$FOUR" --build-arg "BASE=$REG/library/busybox" \
        -t "$REG/team/hello:1" -o type=image,push=true,rewrite-timestamp=true \
        --metadata-file "$T/metadata.json" "$SRC/examples/hello" \
        >"$T/build.out" 2>"$T/build.err" 3>&- || {
        cat "$T/build.err"
        return 1
    }
}

@test "ls tells native platforms from emulated ones" {
    must mb ls --format json
    equal "$(jq -rs '[.[].name] | sort | join(" ")' <<<"$output")" 'a1 a2 a3'
    jq -es '.[] | select(.name == "a1") | .platforms
        | length > 0 and all(.emulated == false) and any(.platform == "linux/amd64")' <<<"$output"
    jq -es '.[] | select(.name == "a2") | .platforms
        | map(.platform) | sort == ["linux/arm64", "linux/ppc64le"]' <<<"$output"
    jq -es '.[] | select(.name == "a3") | .platforms | all(.emulated)' <<<"$output"
    must mb ls
    grep -E '^a1 .*[ ,]linux/amd64[, ]' <<<"$output"
    grep -E '^a3 .*[ ,]linux/s390x\*' <<<"$output"
}

@test "the pushed index lists four manifests in the order of --platform" {
    must raw "docker://$REG/team/hello:1"
    jq -e '.mediaType == "application/vnd.oci.image.index.v1+json" and (.manifests | length) == 4' <<<"$output"
    equal "$(platforms "docker://$REG/team/hello:1")" "$FOUR"
}

@test "every layer's digest and diffID check out with other tools" {
    local platform
    for platform in ${FOUR//,/ }; do
        fetch "docker://$REG/team/hello:1" "$platform" "$T/check"
        check_layers "$T/check"
        equal "$(image_config "$T/check" | jq -r '.os + "/" + .architecture')" "$platform"
        tree_of "$T/check"
        rm -rf "$T"/check*
    done
    skopeo --insecure-policy copy --quiet --all --src-tls-verify=false \
        "docker://$REG/team/hello:1" "oci:$T/copy:all"
    rm -rf "$T/copy"
}

@test "each platform's image runs and greets with its own architecture" {
    local platform
    for platform in ${FOUR//,/ }; do
        must run_image "docker://$REG/team/hello:1" "$platform"
        equal "$output" "Hello, ${platform#*/}!"
    done
}

@test "a RUN of a target ran on that target's architecture" {
    must run_image "docker://$REG/team/hello:1" linux/s390x cat /usr/share/hello/made-on
    equal "$output" s390x
    must run_image "docker://$REG/team/hello:1" linux/arm64 cat /usr/share/hello/made-on
    equal "$output" aarch64
}

@test "several agents ran containers of the one build" {
    local name busy=0
    for name in a1 a2 a3; do
        [ ! -s "$T/$name/runtime.log" ] || busy=$((busy + 1))
    done
    [ "$busy" -ge 2 ]
}

@test "the stage on the build platform ran exactly once in the cluster" {
    equal "$(cat "$T"/a[123]/runtime.log | grep -c prepared-on)" 1
    equal "$(cat "$T"/a[123]/runtime.log | grep -c made-on)" 4
}

@test "progress and record name the agent and say what was emulated" {
    grep -E '^#[0-9]+ \[linux/s390x .*@a3 emulated\] RUN' "$T/build.err"
    grep -E '^#[0-9]+ \[linux/amd64 .*@a1\] RUN' "$T/build.err"
    jq -e '[.. | objects | select(.emulated? == true and .agent? == "a3")] | length > 0' "$T/metadata.json"
    equal "$(jq -r '."containerimage.digest"' "$T/metadata.json")" \
        "sha256:$(raw "docker://$REG/team/hello:1" | sha256sum | cut -d ' ' -f 1)"
}

@test "embedded builds as root and as an ordinary user give the cluster's index digest" {
    local cluster mine theirs
    cluster=sha256:$(raw "docker://$REG/team/hello:1" | sha256sum | cut -d ' ' -f 1)
    # The clock has moved on since the cluster built: a time stamp that leaks would show.
    [ $(($(date +%s) - $(stat -c %Y "$T/metadata.json"))) -ge 2 ]
    must env -u MBCLUSTER_CLUSTER MBCLUSTER_STATE="$T/state-mine" "$MB_BIN/mbcluster" build \
        --platform "$FOUR" --build-arg "BASE=$REG/library/busybox" \
        -o "type=oci,dest=$T/mine.oci.tar,rewrite-timestamp=true" "$SRC/examples/hello"
    mine=$(archive_index "$T/mine.oci.tar")
    must as_user "$T/prefix/bin/mbcluster" build --platform "$FOUR" \
        --build-arg "BASE=$REG/library/busybox" \
        -o "type=oci,dest=$T/tmp/theirs.oci.tar,rewrite-timestamp=true" "$T/examples/hello"
    theirs=$(archive_index "$T/tmp/theirs.oci.tar")
    rm -f "$T/tmp/theirs.oci.tar"
    equal "$mine" "$cluster"
    equal "$theirs" "$cluster"
}

@test "a platform that no agent offers fails at once and names what the cluster has" {
    must_fail 1 mb build --platform linux/amd64,linux/mips64le \
        --build-arg "BASE=$REG/library/busybox" -t "$REG/team/none:1" --push "$SRC/examples/hello"
    says linux/mips64le linux/amd64 linux/s390x
    run ! raw "docker://$REG/team/none:1"
}


@test "--emulation=never leaves the emulating agents alone" {
    must_fail 1 mb build --emulation never --platform linux/s390x \
        --build-arg "BASE=$REG/library/busybox" "$SRC/examples/hello"
    says linux/s390x
}

@test "the blob endpoint refuses whoever has no token" {
    equal "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$HTTP_PORT/v2/")" 401
}
