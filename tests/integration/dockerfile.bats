#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What each instruction does, seen in the image.
# shellcheck disable=SC2154 # bats sets stderr
load helpers

setup_file() { begin_file; }
teardown() { check_nothing_left; }
teardown_file() { end_file; }

# image NAME [OPTION...]: build $C for amd64; the image's layout is $T/NAME, its files $T/NAME.tree.
image() {
    local name=$1
    shift
    must mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" \
        -o "type=oci,dest=$T/$name.oci.tar" "$@" "$C"
    fetch "oci-archive:$T/$name.oci.tar" linux/amd64 "$T/$name"
    check_layers "$T/$name"
    tree_of "$T/$name"
}

# config_is NAME JQ-FILTER
config_is() {
    image_config "$T/$1" | jq -e "$2" >/dev/null || {
        echo "not so in the config: $2"
        image_config "$T/$1" | jq .
        return 1
    }
}

@test "the config's instructions" {
    context config <<'END'
# A comment, then a long instruction
FROM busybox
ENV A=1 B="two words" \
    # a comment inside
    C=$PATH
ENV OLD style
LABEL org.example.a="x y" org.example.b=$A
WORKDIR /srv
WORKDIR app
USER daemon:tty
EXPOSE 80 53/udp
VOLUME ["/data", "/cache"]
VOLUME /more
STOPSIGNAL SIGINT
ENTRYPOINT ["/bin/echo", "-n"]
CMD ["hello", "${A}"]
END
    image config --label org.example.c=cli
    config_is config '.config.Env | contains(["A=1", "B=two words", "OLD=style"])'
    config_is config '.config.Env | any(startswith("C=/usr/local/sbin"))'
    config_is config '.config.Labels == {"org.example.a": "x y", "org.example.b": "1", "org.example.c": "cli"}'
    config_is config '.config.WorkingDir == "/srv/app" and .config.User == "daemon:tty"'
    config_is config '.config.ExposedPorts == {"80/tcp": {}, "53/udp": {}}'
    config_is config '.config.Volumes == {"/data": {}, "/cache": {}, "/more": {}}'
    config_is config '.config.StopSignal == "SIGINT"'
    # shellcheck disable=SC2016 # the exec form expands nothing
    config_is config '.config.Entrypoint == ["/bin/echo", "-n"] and .config.Cmd == ["hello", "${A}"]'
    config_is config '.architecture == "amd64" and .os == "linux"'
    [ -d "$T/config.tree/srv/app" ]
}

@test "the shell form of CMD uses SHELL" {
    context shell <<'END'
FROM busybox
SHELL ["/bin/sh", "-ec"]
RUN false; echo never > /never || true
CMD exec top
END
    must_fail 1 mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" "$C"
    sed -i 's/^RUN.*/RUN true/' "$C/Dockerfile"
    image shell
    config_is shell '.config.Cmd == ["/bin/sh", "-ec", "exec top"]'
}

@test "COPY: files, directories, wildcards, owners, modes" {
    context copy <<'END'
FROM busybox
WORKDIR /w
COPY one.txt .
COPY one.txt renamed.txt
COPY *.txt many/
COPY tree tree/
COPY tree/sub /sub
COPY ["with space.txt", "/w/spaced/"]
COPY --chown=1:65534 --chmod=0640 one.txt owned.txt
COPY --chown=daemon:tty one.txt named.txt
RUN ls -ln /w/owned.txt /w/named.txt > /owners
END
    echo 1 >"$C/one.txt"
    echo 2 >"$C/two.txt"
    echo 3 >"$C/with space.txt"
    mkdir -p "$C/tree/sub"
    echo 4 >"$C/tree/sub/deep"
    ln -s sub/deep "$C/tree/link"
    chmod 0755 "$C/one.txt"
    image copy
    cd "$T/copy.tree/w"
    equal "$(cat one.txt renamed.txt many/two.txt tree/sub/deep spaced/with\ space.txt | tr '\n' ' ')" '1 1 2 4 3 '
    equal "$(cat ../sub/deep)" 4
    equal "$(readlink tree/link)" sub/deep
    equal "$(stat -c %a one.txt)" 755
    equal "$(stat -c %a owned.txt)" 640
    equal "$(awk '{ print $3 ":" $4 }' ../owners | tr '\n' ' ')" '1:5 1:65534 '
}

@test "COPY --from a stage, by name and by number" {
    context from <<'END'
FROM busybox AS first
RUN mkdir -p /out/dir && echo a > /out/dir/file
FROM busybox AS second
COPY --from=0 /out /zero
COPY --from=first /out/dir/file /named
END
    image from
    equal "$(cat "$T/from.tree/zero/dir/file" "$T/from.tree/named" | tr '\n' ' ')" 'a a '
}

@test ".dockerignore keeps files out" {
    context ignore <<'END'
FROM busybox
COPY . /all
END
    mkdir -p "$C/node/sub" "$C/keep"
    touch "$C/a.log" "$C/keep/b.log" "$C/keep/c.txt" "$C/node/sub/x" "$C/important.log"
    printf '# comment\n*.log\n!important.log\nnode\n' >"$C/.dockerignore"
    image ignore
    cd "$T/ignore.tree/all"
    equal "$(find . -type f | sort | tr '\n' ' ')" './.dockerignore ./Dockerfile ./important.log ./keep/b.log ./keep/c.txt '
    [ ! -e node ]
}

@test "ARG: defaults, --build-arg, scopes, automatic platform arguments" {
    context arg <<'END'
ARG TAG=latest
FROM --platform=$BUILDPLATFORM busybox:$TAG AS build
ARG BUILDPLATFORM
ARG TARGETPLATFORM
RUN echo "$BUILDPLATFORM $TARGETPLATFORM [$TAG]" > /build
FROM busybox
ARG TAG
ARG NAME=default
ARG EMPTY
ARG TARGETOS
ARG TARGETARCH
COPY --from=build /build /build
RUN echo "$TAG $NAME ${EMPTY:-none} $TARGETOS/$TARGETARCH ${NOSUCH:+set}" > /args
END
    image arg --build-arg NAME=given
    equal "$(cat "$T/arg.tree/build")" "linux/amd64 linux/amd64 []"
    equal "$(sed 's/ *$//' "$T/arg.tree/args")" 'latest given none linux/amd64'
}

@test "--target builds that stage, and not what it does not need" {
    context target <<'END'
FROM busybox AS wanted
RUN echo wanted > /which
FROM busybox AS broken
RUN exit 9
FROM wanted
COPY --from=broken /x /x
END
    image target --target wanted
    equal "$(cat "$T/target.tree/which")" wanted
}

@test "-f names another Dockerfile; RUN in exec form; USER and WORKDIR count for RUN" {
    context other <<'END'
FROM nosuch
END
    cat >"$C/other.Dockerfile" <<'END'
FROM busybox
WORKDIR /tmp/here
USER daemon
RUN ["/bin/sh", "-c", "echo $(id -u) $(pwd) > /tmp/who"]
END
    image other -f "$C/other.Dockerfile"
    equal "$(cat "$T/other.tree/tmp/who")" '1 /tmp/here'
}

@test "a removed file of the base is a whiteout, a replaced directory is opaque" {
    context whiteout <<'END'
FROM busybox AS base
RUN mkdir -p /d && touch /d/old /f
FROM base
RUN rm /f && rm -r /d && mkdir /d && touch /d/new
END
    image whiteout
    [ ! -e "$T/whiteout.tree/f" ]
    equal "$(ls "$T/whiteout.tree/d")" new
}

@test "time stamps follow SOURCE_DATE_EPOCH with rewrite-timestamp" {
    context epoch <<'END'
FROM busybox
RUN touch /made
END
    must env SOURCE_DATE_EPOCH="$EPOCH" "$MB_BIN/mbcluster" build --platform linux/amd64 \
        --build-context "$BASE_CONTEXT" -o "type=oci,dest=$T/epoch.oci.tar,rewrite-timestamp=true" "$C"
    fetch "oci-archive:$T/epoch.oci.tar" linux/amd64 "$T/epoch"
    tree_of "$T/epoch"
    equal "$(stat -c %Y "$T/epoch.tree/made")" "$EPOCH"
    config_is epoch ".created | startswith(\"2023-11-14T22:13:20\")"
}

@test "a second build runs nothing again" {
    context again <<'END'
FROM busybox
RUN date +%s%N > /when
END
    image again
    cp "$T/again.tree/when" "$T/when"
    rm -rf "$T"/again*
    image again
    cmp "$T/when" "$T/again.tree/when"
    grep -q CACHED <<<"$stderr"
}

@test "here-documents: for the shell, for a command, scripts" {
    context heredoc <<'END'
FROM busybox
WORKDIR /w
RUN <<EOF
a=1
echo "$a" >shell
EOF
RUN <<-EOF sh
	echo from-sh >sh
	EOF
RUN cat <<A >first && cat <<'B' >second
one
A
$two
B
USER daemon
RUN <<SCRIPT
#!/bin/sh -e
basename "$0" >/tmp/name
echo it\'s "a\b" >/tmp/script
SCRIPT
END
    image heredoc
    [ "$(cat "$T/heredoc.tree/w/shell")" = 1 ]
    [ "$(cat "$T/heredoc.tree/w/sh")" = from-sh ]
    [ "$(cat "$T/heredoc.tree/w/first")" = one ]
    # shellcheck disable=SC2016 # as it was written
    [ "$(cat "$T/heredoc.tree/w/second")" = '$two' ]
    [ "$(cat "$T/heredoc.tree/tmp/name")" = SCRIPT ]
    [ ! -e "$T/heredoc.tree/dev/shm/SCRIPT" ]
    config_is heredoc '[.history[].created_by] | contains(["RUN /bin/sh -c /dev/pipes/SCRIPT # buildkit"])'
}

@test "ONBUILD: stored, and run by what is FROM it" {
    context onbuild <<'END'
FROM busybox AS parent
ONBUILD COPY file /copied
ONBUILD RUN echo ran >/ran
RUN test ! -e /ran
FROM parent
ONBUILD RUN later
RUN cat /ran /copied >/both
END
    echo text >"$C/file"
    image onbuild
    [ "$(cat "$T/onbuild.tree/both")" = "$(printf 'ran\ntext')" ]
    grep -q 'ONBUILD RUN echo ran' <<<"$stderr$output"
    config_is onbuild '.config.OnBuild == ["RUN later"]'
}

@test "--check says what could be better, and fails when the Dockerfile asks for it" {
    context checks <<'END'
FROM busybox as base
CMD echo
END
    must mb build --check "$C"
    grep -q '2 warnings have been found' <<<"$output"
    grep -q '>>> CMD echo' <<<"$output"
    sed -i '1i # check=error=true;skip=FromAsCasing' "$C/Dockerfile"
    must_fail 1 mb build --call check "$C"
    must_fail 1 mb build "$C"
    grep -q 'lint violation found for rules: JSONArgsRecommended' <<<"$stderr$output"
    must mb build --build-arg BUILDKIT_DOCKERFILE_CHECK=skip=all --call check "$C"
}
