#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Each thing that users, registries and disks get wrong: one message that says what, where and
# what to do, status 1 (2 for usage), no tag, nothing left.
load helpers

setup_file() {
    begin_file
    registry_start
}
teardown() { check_nothing_left; }
teardown_file() { end_file; }

# bad_dockerfile TEXT WANTED...: the build of it fails and says each WANTED.
bad_dockerfile() {
    local text=$1 tag
    shift
    tag=bad/image:$BATS_TEST_NUMBER-$((BAD += 1))
    context bad <<<"$text"
    must_fail 1 mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" \
        -t "$REG/$tag" --push "$C"
    says "$@"
    no_tag "$tag"
}

no_tag() {
    ! raw "docker://$REG/$1" >/dev/null 2>&1 || {
        echo "there is a tag: $1"
        return 1
    }
}

@test "an unknown instruction" {
    bad_dockerfile $'FROM busybox\nRUM echo' 'Dockerfile:2' RUM
}

@test "an unknown flag of an instruction" {
    bad_dockerfile $'FROM busybox\n\nCOPY --form=x a b' 'Dockerfile:3' --form
}

@test "instructions that are not supported yet are refused, never ignored" {
    bad_dockerfile $'FROM busybox\nADD git@h:r b' 'Dockerfile:2' ADD
    bad_dockerfile $'# syntax=example.org/other:1\nFROM busybox' 'Dockerfile:1' syntax
    bad_dockerfile $'FROM busybox\nRUN --mount=type=ssh,required true' 'Dockerfile:2' --mount
}

@test "an unknown stage" {
    bad_dockerfile $'FROM busybox\nCOPY --from=7 /a /b' 'Dockerfile:2' 7
    context stage <<<$'FROM busybox AS one'
    must_fail 1 mb build --target two --build-context "$BASE_CONTEXT" "$C"
    says two
}

@test "a Dockerfile that has no FROM, is empty, or is missing" {
    bad_dockerfile 'RUN true' 'Dockerfile:1' FROM
    bad_dockerfile '# nothing' Dockerfile
    mkdir -p "$T/empty"
    must_fail 1 mb build "$T/empty"
    says Dockerfile "$T/empty"
    must_fail 1 mb build "$T/no/such/context"
    says "$T/no/such/context"
}

@test "a missing file in COPY" {
    bad_dockerfile $'FROM busybox\nCOPY nosuch.txt /' 'Dockerfile:2' nosuch.txt
    bad_dockerfile $'FROM busybox AS a\nFROM busybox\nCOPY --from=a /nosuch /' 'Dockerfile:3' nosuch
    bad_dockerfile $'FROM busybox\nCOPY ../../etc/passwd /' 'Dockerfile:2' passwd
}

@test "a symbolic link in the context does not lead out of it" {
    context outside <<<$'FROM busybox\nCOPY way/passwd /stolen'
    ln -s /etc "$C/way"
    must_fail 1 mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" "$C"
    says 'Dockerfile:2'
}

@test "a RUN that exits 3" {
    bad_dockerfile $'FROM busybox\nRUN echo before\nRUN echo oops >&2; exit 3' 'Dockerfile:3' \
        'exit code: 3' linux/amd64 oops
}

@test "a program that is not there" {
    bad_dockerfile $'FROM busybox\nRUN ["/no/such/program"]' 'Dockerfile:2' /no/such/program
}

@test "a user that is not there" {
    bad_dockerfile $'FROM busybox\nUSER mallory\nRUN true' mallory
}

@test "no such tag, no such repository" {
    bad_dockerfile "FROM $REG/library/busybox:nosuch" 'Dockerfile:1' busybox:nosuch
    bad_dockerfile "FROM $REG/no/such:1" 'Dockerfile:1' no/such:1
}

@test "an index without the platform lists what it has" {
    context riscv <<<"FROM $REG/library/busybox"
    must_fail 1 mb build --platform linux/riscv64 -t "$REG/bad/riscv:1" --push "$C"
    says linux/riscv64 linux/s390x
    no_tag bad/riscv:1
}

@test "a plain manifest of another platform is no base" {
    skopeo --insecure-policy --override-arch s390x copy --quiet --dest-tls-verify=false \
        "oci:$T/bases:latest" "docker://$REG/single/s390x:1"
    bad_dockerfile "FROM $REG/single/s390x:1" 'Dockerfile:1' linux/s390x linux/amd64
}

@test "a registry that is down" {
    local port
    port=$(free_port)
    bad_dockerfile "FROM 127.0.0.1:$port/busybox" 'Dockerfile:1' "127.0.0.1:$port"
    context down <<<'FROM busybox'
    must_fail 1 mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" \
        -t "127.0.0.1:$port/x:1" --push "$C"
    says "127.0.0.1:$port"
}

@test "a registry that wants a login: 401 without, a push with" {
    local private
    private=$("$SUPPORT/registry" start "$T/registry-private" --user tester:geheim 3>&-)
    context login <<<'FROM busybox'
    must_fail 1 mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" \
        -t "$private/app:1" --push "$C"
    says "$private"
    says_match '401|unauthorized|authentication|login'
    mkdir -p "$T/docker"
    jq -n --arg host "$private" --arg auth "$(printf tester:geheim | base64)" \
        '{auths: {($host): {auth: $auth}}}' >"$T/docker/config.json"
    must env DOCKER_CONFIG="$T/docker" "$MB_BIN/mbcluster" build --platform linux/amd64 \
        --build-context "$BASE_CONTEXT" -t "$private/app:1" --push "$C"
    must skopeo inspect --raw --tls-verify=false --creds tester:geheim "docker://$private/app:1"
    "$SUPPORT/registry" stop "$T/registry-private"
}

@test "a corrupt blob from the registry is refused and named, and nothing of it is kept" {
    local manifest layer file
    manifest=$(raw "docker://$REG/library/busybox" |
        jq -r '.manifests[] | select(.platform.architecture == "s390x") | .digest')
    layer=$(raw "docker://$REG/library/busybox@$manifest" | jq -r '.layers[0].digest')
    file=$T/registry/data/docker/registry/v2/blobs/sha256/${layer:7:2}/${layer#sha256:}/data
    cp "$file" "$T/good"
    printf x | dd of="$file" bs=1 seek=1000 conv=notrunc status=none
    context corrupt <<<"FROM $REG/library/busybox
RUN true"
    must_fail 1 mb build --state-dir "$T/corrupt" --platform linux/s390x "$C"
    says "$layer"
    mv "$T/good" "$file"
    must mb build --state-dir "$T/corrupt" --platform linux/s390x "$C"
    check_stores
}

@test "one failing platform of several leaves no tag" {
    context partial <<END
FROM $REG/library/busybox
ARG TARGETARCH
RUN test "\$TARGETARCH" != s390x
END
    must_fail 1 mb build --platform linux/amd64,linux/s390x -t "$REG/bad/partial:1" --push "$C"
    says linux/s390x 'Dockerfile:3'
    no_tag bad/partial:1
}

@test "usage errors end 2 and name the flag" {
    context usage <<<'FROM busybox'
    must_fail 2 mb build --no-such-flag "$C"
    says --no-such-flag
    must_fail 2 mb build --platform nonsense/ "$C"
    says nonsense
    must_fail 2 mb build --platform
    must_fail 2 mb build
    must_fail 2 mb build -o type=nonsense "$C"
    says nonsense
    must_fail 2 mb build --push "$C"
    says -t
    must_fail 2 mb build -t 'UPPER CASE' "$C"
    says 'UPPER CASE'
    must_fail 2 mb build --build-context x= "$C"
    says oci-layout
}

@test "an OCI layout that is not there, or has no such tag" {
    context layout <<<'FROM busybox'
    must_fail 1 mb build --build-context "busybox=oci-layout://$T/nowhere" "$C"
    says "$T/nowhere"
    must_fail 1 mb build --build-context "busybox=oci-layout://$T/bases:nosuch" "$C"
    says nosuch
}

@test "a state directory that cannot be written" {
    [ "$(id -u)" -ne 0 ] || skip "root may write everywhere"
    context state <<<'FROM busybox'
    must_fail 1 mb build --state-dir /proc/nosuch --build-context "$BASE_CONTEXT" "$C"
    says /proc/nosuch
}

@test "an archive that cannot be written" {
    context dest <<<'FROM busybox'
    must_fail 1 mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" \
        -o "type=oci,dest=$T/no/such/dir/x.tar" "$C"
    says "$T/no/such/dir"
}
