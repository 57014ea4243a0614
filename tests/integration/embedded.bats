#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The build without a cluster: one command, nothing configured, nothing left running.
load helpers

setup_file() {
    begin_file
    user_start
}
teardown() { check_nothing_left; }
teardown_file() { end_file; }

hello() { mb build --build-context "$BASE_CONTEXT" "$@" "$SRC/examples/hello"; }

@test "an OCI archive of four platforms, read by skopeo" {
    must hello --platform "$FOUR" -o "type=oci,dest=$T/hello.oci.tar"
    archive_index "$T/hello.oci.tar"
    must skopeo --insecure-policy copy --quiet --all "oci-archive:$T/hello.oci.tar" "oci:$T/layout:hello"
    equal "$(platforms "oci:$T/layout:hello")" "$FOUR"
}

@test "each image of the archive greets with its own architecture" {
    local platform
    for platform in ${FOUR//,/ }; do
        must run_image "oci-archive:$T/hello.oci.tar" "$platform"
        equal "$output" "Hello, ${platform#*/}!"
    done
}

@test "32-bit platforms and variants" {
    must hello --platform linux/arm/v7,linux/386 -o "type=oci,dest=$T/small.oci.tar"
    must skopeo --insecure-policy copy --quiet --all "oci-archive:$T/small.oci.tar" "oci:$T/small:hello"
    equal "$(platforms "oci:$T/small:hello")" linux/arm/v7,linux/386
    must run_image "oci-archive:$T/small.oci.tar" linux/arm/v7
    equal "$output" 'Hello, armv7!'
}

@test "one platform gives a plain manifest" {
    must hello --platform linux/amd64 -o "type=oci,dest=$T/one.oci.tar"
    fetch "oci-archive:$T/one.oci.tar" linux/amd64 "$T/one"
    check_layers "$T/one"
    tar -xOf "$T/one.oci.tar" index.json |
        jq -e '.manifests | length == 1 and .[0].mediaType == "application/vnd.oci.image.manifest.v1+json"'
}

@test "the same build on two empty state directories gives one digest" {
    local n digests=()
    for n in 1 2; do
        must env SOURCE_DATE_EPOCH="$EPOCH" "$MB_BIN/mbcluster" build --state-dir "$T/fresh$n" \
            --platform "$FOUR" --build-context "$BASE_CONTEXT" \
            -o "type=oci,dest=$T/fresh$n.oci.tar,rewrite-timestamp=true" "$SRC/examples/hello"
        digests+=("$(archive_index "$T/fresh$n.oci.tar")")
    done
    equal "${digests[0]}" "${digests[1]}"
}

@test "two builds at the same time on one state directory both work" {
    local pids=() n
    context parallel <<'END'
FROM busybox
ARG N
RUN echo "$N" > /number
END
    for n in 1 2; do
        mb build --state-dir "$T/together" --build-context "$BASE_CONTEXT" --build-arg N=$n \
            --platform linux/amd64,linux/s390x -o "type=oci,dest=$T/together$n.oci.tar" "$C" \
            >"$T/together$n.log" 2>&1 3>&- &
        pids+=($!)
    done
    for n in 1 2; do
        wait "${pids[n - 1]}" || { cat "$T/together$n.log"; return 1; }
        must run_image "oci-archive:$T/together$n.oci.tar" linux/s390x cat /number
        equal "$output" "$n"
    done
}

@test "an ordinary user builds four platforms" {
    must as_user "$T/prefix/bin/mbcluster" build --platform "$FOUR" --build-context "$BASE_CONTEXT" \
        -o "type=oci,dest=$T/tmp/user.oci.tar" "$T/examples/hello"
    mv "$T/tmp/user.oci.tar" "$T/user.oci.tar"
    must run_image "oci-archive:$T/user.oci.tar" linux/ppc64le
    equal "$output" 'Hello, ppc64le!'
}

@test "an ordinary user without subordinate ids is told how to get them" {
    [ "$(id -u)" -eq 0 ] || skip "needs root to make a user without subordinate ids"
    sed -i "/^$(cat "$T/user"):/d" /etc/subuid /etc/subgid
    rm -rf "$T/home/.local"
    must_fail 1 as_user "$T/prefix/bin/mbcluster" build --platform linux/amd64 \
        --build-context "$BASE_CONTEXT" "$T/examples/hello"
    says add-subuids
}

@test "the archive can go to stdout" {
    mb build --progress plain --platform linux/amd64 --build-context "$BASE_CONTEXT" \
        -o type=oci,dest=- "$SRC/examples/hello" 2>/dev/null 3>&- >"$T/stdout.oci.tar"
    fetch "oci-archive:$T/stdout.oci.tar" linux/amd64 "$T/stdout"
    check_layers "$T/stdout"
}

@test "help and version" {
    must mb --help
    must mb build --help
    grep -q -- '--platform' <<<"$output"
    must mb version
}
