#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# RUN --mount: what a step sees through its mounts, and that nothing of it stays behind.
# shellcheck disable=SC2154 # bats sets stderr
load helpers

setup_file() {
    begin_file
    user_start
    # Where an ordinary user may run it from.
    cmake --install "$MB_BUILD_DIR" --prefix "$T/prefix" >/dev/null
}
teardown() { check_nothing_left; }
teardown_file() { end_file; }

# image NAME [OPTION...]: build $C for amd64; the image's layout is $T/NAME, its files $T/NAME.tree.
image() {
    local name=$1
    shift
    must mb build --progress plain --platform linux/amd64 --build-context "$BASE_CONTEXT" \
        -o "type=oci,dest=$T/$name.oci.tar" "$@" "$C"
    fetch "oci-archive:$T/$name.oci.tar" linux/amd64 "$T/$name"
    check_layers "$T/$name"
    tree_of "$T/$name"
}

bad() { # bad TEXT WANTED...: the build of that Dockerfile fails and says each WANTED.
    context bad <<<"$1"
    shift
    must_fail 1 mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" "$C"
    says "$@"
}

@test "tmpfs: empty, of the size that was asked for, not in the layer" {
    context tmpfs <<'END'
FROM busybox
RUN --mount=type=tmpfs,target=/mnt/deep/tmp,size=2m \
    df -k /mnt/deep/tmp | tail -n 1 | awk '{ print $2 }' >/size && \
    echo x >/mnt/deep/tmp/file && grep ' /mnt/deep/tmp tmpfs ' /proc/mounts >/line && \
    ! dd if=/dev/zero of=/mnt/deep/tmp/big bs=1M count=3 2>/dev/null
END
    image tmpfs
    equal "$(cat "$T/tmpfs.tree/size")" 2048
    [ -s "$T/tmpfs.tree/line" ]
    [ ! -e "$T/tmpfs.tree/mnt" ]
}

@test "bind: the context, a stage, a path in it; what is written is thrown away" {
    context bind <<'END'
FROM busybox AS build
RUN mkdir -p /out/sub && echo made >/out/sub/file && ln -s sub/file /out/link
FROM busybox
WORKDIR /w
RUN --mount=target=/ctx cat /ctx/dir/a >/one && ! touch /ctx/x 2>/dev/null
RUN --mount=type=bind,source=dir/a,target=only cat only >/two
RUN --mount=from=build,source=/out,target=/b cat /b/sub/file /b/link >/three
RUN --mount=type=bind,from=build,src=out/link,dst=/etc/linked cat /etc/linked >/four
RUN --mount=type=bind,from=build,source=out,target=/b,rw echo more >/b/new && cat /b/new >/five
RUN --mount=type=bind,from=build,source=out,target=/b ls -R /b >/six
END
    mkdir -p "$C/dir"
    echo a >"$C/dir/a"
    image bind
    cd "$T/bind.tree"
    equal "$(cat one two three four five | tr '\n' ' ')" 'a a made made made more '
    run ! grep -q new six
    [ ! -e ctx ] && [ ! -e b ] && [ ! -e etc/linked ] && [ ! -e w/only ] && [ -d w ]
}

@test "bind: an image, and a named context; a mount inside of a mount" {
    context images <<'END'
FROM busybox
RUN --mount=from=busybox,source=/bin,target=/tools /tools/busybox echo image >/one
RUN --mount=type=tmpfs,target=/tools/bin/inner --mount=from=busybox,target=/tools,rw \
    touch /tools/bin/inner/x && grep -c ' /tools' /proc/mounts >/two
END
    image images
    equal "$(cat "$T/images.tree/one" "$T/images.tree/two" | tr '\n' ' ')" 'image 2 '
    [ ! -e "$T/images.tree/tools" ]
}

@test "bind: the step runs again when what it mounts has changed, and only then" {
    context again <<'END'
FROM busybox
RUN --mount=source=dir,target=/ctx date +%s%N >/when
END
    mkdir "$C/dir"
    echo 1 >"$C/dir/file"
    echo other >"$C/other"
    image again
    cp "$T/again.tree/when" "$T/when"
    rm -rf "$T"/again*
    echo changed >"$C/other"
    image again
    cmp "$T/when" "$T/again.tree/when"
    rm -rf "$T"/again*
    echo 2 >"$C/dir/file"
    image again
    run ! cmp "$T/when" "$T/again.tree/when"
}

@test "cache: stays between builds, apart by id, seeded by from, owner and mode, never in a layer" {
    context cache <<'END'
FROM busybox AS seed
RUN mkdir -p /seed/sub && echo seeded >/seed/sub/file
FROM busybox
ARG N
RUN --mount=type=cache,target=/root/.cache echo "run $N" >>/root/.cache/log && cp /root/.cache/log /log
RUN --mount=type=cache,id=other,target=/root/.cache ls -A /root/.cache >/other
RUN --mount=type=cache,id=owned,target=/c,mode=0700,uid=1,gid=65534 stat -c '%a %u:%g' /c >/owned
RUN --mount=type=cache,id=seeded,target=/c,from=seed,source=/seed cat /c/sub/file >/seeded
RUN --mount=type=cache,target=/root/.cache,ro ! touch /root/.cache/x 2>/dev/null
END
    image cache --build-arg N=1
    rm -rf "$T"/cache.*
    image cache --build-arg N=2
    cd "$T/cache.tree"
    equal "$(tr '\n' ' ' <log)" 'run 1 run 2 '
    [ ! -s other ]
    equal "$(cat owned seeded | tr '\n' ' ')" '700 1:65534 seeded '
    [ ! -e root/.cache ] && [ ! -e c ]
}

# meeting SHARING: two stages that run at a time, each with the cache mount /c.
# met N waits until both have come, in a volume that they share.
meeting() {
    context "$1" <<END
FROM busybox AS base
RUN printf '#!/bin/sh\\ntouch /meet/\$1; for i in \$(seq 300); do [ -e /meet/1 ] && [ -e /meet/2 ] && exit; sleep 0.1; done; exit 1\\n' >/bin/met && chmod +x /bin/met
FROM base AS one
RUN --mount=type=cache,id=meet-$1,target=/meet --mount=type=cache,id=$1,target=/c,sharing=$1 $2
FROM base AS two
RUN --mount=type=cache,id=meet-$1,target=/meet --mount=type=cache,id=$1,target=/c,sharing=$1 ${2//1/2}
FROM busybox
COPY --from=one /seen /one
COPY --from=two /seen /two
END
    image "$1"
    equal "$(cat "$T/$1.tree/one" "$T/$1.tree/two" | tr '\n' ' ')" "$3"
}

@test "cache: shared is for many steps at a time" {
    meeting shared 'touch /c/1 && met 1 && ls /c | wc -l >/seen' '2 2 '
}

@test "cache: private gives a step another while one is in use" {
    meeting private 'touch /c/1 && met 1 && ls /c | wc -l >/seen' '1 1 '
}

@test "cache: locked is for one step at a time" {
    # The second finds what the first left, and never its lock.
    meeting locked 'mkdir /c/busy && touch /meet/1 && dd if=/dev/zero bs=1M count=200 2>/dev/null | sha256sum && rmdir /c/busy && echo done >/seen' 'done done '
}

# Files below $T that hold the text $1.
holders_of() { grep -rlaF -- "$1" "$T" 2>/dev/null | grep -v "^$T/given/" || true; }

@test "secret: a file and a variable for the step, and nowhere else" {
    local value="s3cr3t-$RANDOM$RANDOM$RANDOM"
    context secret <<'END'
FROM busybox
RUN --mount=type=secret,id=key,target=/etc/key,mode=0440,uid=1,gid=65534 \
    sha256sum </etc/key >/sum && stat -c '%a %u:%g %s' /etc/key >/stat && ! touch /etc/key 2>/dev/null
RUN --mount=type=secret,id=key cat /run/secrets/key | wc -c >/size
RUN --mount=type=secret,id=token,env=TOKEN printf %s "$TOKEN" | sha256sum >/token && test ! -e /run/secrets
RUN --mount=type=secret,id=missing,env=MISSING test ! -e /run/secrets/missing && test -z "${MISSING+set}"
END
    mkdir -p "$T/given"
    printf %s "$value" >"$T/given/key"
    export TOKEN_VALUE=$value
    image secret --secret "id=key,src=$T/given/key" --secret id=token,env=TOKEN_VALUE
    unset TOKEN_VALUE
    cd "$T/secret.tree"
    equal "$(cut -d ' ' -f 1 sum)" "$(printf %s "$value" | sha256sum | cut -d ' ' -f 1)"
    equal "$(cut -d ' ' -f 1 token)" "$(printf %s "$value" | sha256sum | cut -d ' ' -f 1)"
    equal "$(cat stat size | tr '\n' ' ')" "440 1:65534 ${#value} ${#value} "
    [ ! -e etc/key ] && [ ! -e run/secrets ]
    # Layers are looked at as they are unpacked; every other file as it is.
    equal "$(holders_of "$value")" ''
    local said=$output$stderr
    run ! grep -qF -- "$value" <<<"$said"
    # Another value is another secret, not another step.
    printf other >"$T/given/key"
    cd "$T"
    rm -rf "$T"/secret*
    image secret --secret "id=key,src=$T/given/key"
    grep -q CACHED <<<"$stderr"
}

@test "secret: on a cluster, no file of coordinator or agent has it" {
    local value="cluster-s3cr3t-$RANDOM$RANDOM$RANDOM"
    context clustered <<'END'
FROM busybox
RUN --mount=type=secret,id=key,required sha256sum </run/secrets/key >/sum
END
    mkdir -p "$T/given"
    printf %s "$value" >"$T/given/clustered"
    coordinator_start
    client_join
    agent_start one --slots 2
    image clustered --debug --secret "id=key,src=$T/given/clustered"
    equal "$(cut -d ' ' -f 1 "$T/clustered.tree/sum")" "$(printf %s "$value" | sha256sum | cut -d ' ' -f 1)"
    equal "$(holders_of "$value")" ''
    [ -e "$T/coordinator/state" ] && [ -e "$T/one/state" ]
    unset MBCLUSTER_CLUSTER
}

@test "an ordinary user has all mounts as well, natively and emulated" {
    context user <<'END'
FROM busybox AS build
RUN mkdir /out && echo made >/out/file
FROM busybox
RUN --mount=from=build,source=/out,target=/b,rw --mount=type=tmpfs,target=/t,size=1m \
    --mount=type=cache,target=/c,uid=1,sharing=locked --mount=type=secret,id=FROM_ENV,required,uid=1 \
    touch /b/x /t/x /c/x && cat /b/file /run/secrets/FROM_ENV >/seen && stat -c %u /c /run/secrets/FROM_ENV >>/seen
END
    must as_user env FROM_ENV=secret "$T/prefix/bin/mbcluster" build --platform linux/amd64,linux/s390x \
        --build-context "$BASE_CONTEXT" --secret id=FROM_ENV -o "type=oci,dest=$T/tmp/user.oci.tar" "$C"
    mv "$T/tmp/user.oci.tar" "$T/user.oci.tar"
    fetch "oci-archive:$T/user.oci.tar" linux/s390x "$T/user-image"
    tree_of "$T/user-image"
    equal "$(tr '\n' ' ' <"$T/user-image.tree/seen")" 'made secret1 1 '
    [ ! -e "$T/user-image.tree/b" ] && [ ! -e "$T/user-image.tree/run/secrets" ]
}

@test "secret: one that is required and not given is an error, as are wrong flags" {
    context required <<'END'
FROM busybox
RUN --mount=type=secret,id=nosuch,required=true true
END
    must_fail 1 mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" "$C"
    says 'Dockerfile:2' nosuch --secret
    must_fail 2 mb build --secret src=x "$C"
    must_fail 2 mb build --secret id=x,src=/no/such/file "$C"
    must_fail 2 mb build --secret id=x,file=y "$C"
}

@test "wrong mounts are refused with line and suggestion" {
    bad $'FROM busybox\nRUN --mount=type=cash,target=/x true' 'Dockerfile:2' cash 'did you mean cache'
    bad $'FROM busybox\nRUN --mount=type=tmpfs,tar=/x true' 'Dockerfile:2' tar 'unexpected key'
    bad $'FROM busybox\nRUN --mount=type=tmpfs,target=/ true' 'Dockerfile:2' 'invalid mount target'
    bad $'FROM busybox\nRUN --mount=source=nosuch,target=/x true' 'Dockerfile:2' '"/nosuch": not found'
    bad $'FROM busybox\nRUN --mount=from=busybox,source=nosuch,target=/x true' '"/nosuch": not found'
    bad $'FROM busybox\nRUN --mount=type=ssh,required true' 'Dockerfile:2' ssh
}

@test "security: sandbox is what is done, insecure needs to be allowed" {
    context security <<'END'
FROM busybox
RUN --security=sandbox grep Seccomp: /proc/self/status >/seccomp
RUN --mount=type=ssh true
END
    image security
    grep -q 2 "$T/security.tree/seccomp"
    bad $'FROM busybox\nRUN --security=insecure true' 'Dockerfile:2' '--allow security.insecure'
}
