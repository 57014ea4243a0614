#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Where a build's files come from: standard input, addresses, git, named contexts.
# shellcheck disable=SC2154 # bats sets stderr
load helpers

setup_file() {
    begin_file
    registry_start
    WEB=http://127.0.0.1:$(free_port)
    export WEB
    mkdir -p "$T/www"
    daemon web python3 -m http.server --bind 127.0.0.1 --directory "$T/www" "${WEB##*:}"
    wait_until 10 port_is_open "${WEB##*:}"
}
teardown() { check_nothing_left; }
teardown_file() { end_file; }

# from NAME [OPTION...]: build for amd64; the last argument is the context. Files in $T/NAME.tree.
from() {
    local name=$1
    shift
    must mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" \
        -o "type=oci,dest=$T/$name.oci.tar" "$@"
    fetch "oci-archive:$T/$name.oci.tar" linux/amd64 "$T/$name"
    rm -rf "$T/$name.bundle"
    tree_of "$T/$name"
}

# A context with a directory, a mode, a link and a hard link.
sample() {
    context "$1" <<'END2'
FROM busybox
COPY . /w
RUN cat /w/sub/b > /b
END2
    mkdir "$C/sub"
    echo a >"$C/a"
    echo b >"$C/sub/b"
    chmod 0750 "$C/a"
    ln "$C/a" "$C/hard"
    ln -s ../a "$C/sub/link"
}

is_sample() {
    equal "$(cat "$T/$1.tree/b" "$T/$1.tree/w/hard")" $'b\na'
    equal "$(stat -c %a "$T/$1.tree/w/a")" 750
    equal "$(readlink "$T/$1.tree/w/sub/link")" ../a
}

@test "a Dockerfile on standard input has no files beside it" {
    from text - <<<$'FROM busybox\nRUN echo yes > /is'
    equal "$(cat "$T/text.tree/is")" yes
    run -1 --separate-stderr mb build --build-context "$BASE_CONTEXT" - <<<$'FROM busybox\nCOPY a /b'
    says 'Dockerfile:2' '"/a": not found in the build context'
}

@test "a tar on standard input, however it is compressed" {
    local how
    sample tar
    for how in --gzip --bzip2 --xz --zstd --format=v7 --format=pax; do
        tar -C "$C" "$how" -cf "$T/in.tar" .
        from tar - <"$T/in.tar"
        is_sample tar
    done
}

@test "-f names a file in the tar; the archive's ignore file is none" {
    sample inner
    mkdir "$C/other"
    sed 's/^RUN.*/RUN echo other > \/other/' "$C/Dockerfile" >"$C/other/file"
    echo a >"$C/.dockerignore"
    tar -C "$C" -cf "$T/in.tar" .
    from inner -f other/file - <"$T/in.tar"
    equal "$(cat "$T/inner.tree/other")" other
    [ -e "$T/inner.tree/w/a" ]
}

@test "what is no context is refused" {
    head -c 4096 /dev/urandom | tr '\037\102\375\050' A >"$T/noise"
    run -1 --separate-stderr mb build - <"$T/noise"
    says 'neither a tar archive'
    run -1 --separate-stderr mb build - </dev/null
    says 'is empty'
    run -1 --separate-stderr mb build -f - - </dev/null
    says "can't use stdin for both"
    sample refused
    run -1 --separate-stderr mb build -f "$T/any" - <"$C/Dockerfile"
    says 'ambiguous Dockerfile source'
    tar -C "$C" -cPf "$T/in.tar" --transform 's,a$,../a,' Dockerfile a
    run -1 --separate-stderr mb build - <"$T/in.tar"
    says 'may not hold ".."'
    must_fail 2 mb build ftp://127.0.0.1/x
    must_fail 1 mb build "$WEB/nowhere.tar"
    says 'not found'
}

@test "addresses: an archive, a Dockerfile, and -f" {
    sample web
    tar -C "$C" -czf "$T/www/context.tgz" .
    from web "$WEB/context.tgz"
    is_sample web
    printf 'FROM busybox\nRUN echo far > /far\n' >"$T/www/Dockerfile"
    from far "$WEB/Dockerfile"
    equal "$(cat "$T/far.tree/far")" far
    printf 'FROM busybox\nCOPY a /from-here\n' >"$T/www/Dockerfile"
    from far2 -f "$WEB/Dockerfile" "$C"
    equal "$(cat "$T/far2.tree/from-here")" a
    must_fail 1 mb build -f "$WEB/nowhere" "$C"
}

@test "git: a branch, a commit, a subdirectory, and no hooks or links out" {
    local repo=$T/repos/app commit url
    sample git
    mkdir -p "$repo" "$T/repos"
    git -C "$repo" init -q -b main
    cp -r "$C" "$repo/image"
    ln -s / "$repo/out"
    git -C "$repo" add .
    git -C "$repo" -c user.name=t -c user.email=t@example.org commit -q -m one
    commit=$(git -C "$repo" rev-parse HEAD)
    git -C "$repo" checkout -q -b later
    echo later >"$repo/image/sub/b"
    git -C "$repo" -c user.name=t -c user.email=t@example.org commit -q -a -m two
    git -C "$repo" checkout -q main
    PORT=$(free_port)
    url=git://127.0.0.1:$PORT/app
    daemon git "$(git --exec-path)/git-daemon" --base-path="$T/repos" --export-all \
        --listen=127.0.0.1 --port="$PORT"
    wait_until 10 port_is_open "$PORT"

    from git "$url#main:image"
    equal "$(cat "$T/git.tree/b")" b
    equal "$(readlink "$T/git.tree/w/sub/link")" ../a
    from git "$url#later:image"
    equal "$(cat "$T/git.tree/b")" later
    from git "$url#$commit:image"
    equal "$(cat "$T/git.tree/b")" b
    from git "$url?branch=later&subdir=image"
    equal "$(cat "$T/git.tree/b")" later
    [ ! -e "$T/git.tree/w/.git" ]
    must_fail 1 mb build "$url#nosuch:image"
    says nosuch
    must_fail 1 mb build "$url#main:out/etc"
    says 'no directory "out/etc" in the repository'
    stop_daemon git
}

@test "a named context is a directory with an ignore file of its own" {
    mkdir -p "$T/files/sub"
    echo one >"$T/files/one"
    echo two >"$T/files/sub/two"
    echo log >"$T/files/x.log"
    echo '*.log' >"$T/files/.dockerignore"
    context named <<'END2'
FROM files AS stage
RUN --network=none ["/one"]
FROM busybox
COPY --from=files . /w
COPY --from=files sub/* /s/
END2
    from named --build-context "files=$T/files" "$C"
    equal "$(cd "$T/named.tree" && find w s -type f | sort | tr '\n' ' ')" \
        's/two w/.dockerignore w/one w/sub/two '
    # what is copied decides what is cached
    echo other >"$T/files/beside.log"
    from named --progress plain --build-context "files=$T/files" "$C"
    equal "$(grep -c CACHED <<<"$stderr")" 2
    echo new >"$T/files/one"
    from named --progress plain --build-context "files=$T/files" "$C"
    equal "$(cat "$T/named.tree/w/one")" new
    must_fail 1 mb build --build-context "files=$T/no/such" "$C"
    says "--build-context files" "no/such"
    rm "$T/files/one"
    sed -i 's, \. /w, one /w,' "$C/Dockerfile"
    must_fail 1 mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" \
        --build-context "files=$T/files" "$C"
    says '"/one": not found in the build context files'
}

@test "a stage is FROM the files of a named context" {
    mkdir -p "$T/rootfiles"
    echo hello >"$T/rootfiles/hello"
    context root <<'END2'
FROM files
COPY hello /copy
LABEL a=b
END2
    cp "$T/rootfiles/hello" "$C/hello"
    from root --build-context "files=$T/rootfiles" "$C"
    equal "$(cat "$T/root.tree/hello" "$T/root.tree/copy")" $'hello\nhello'
    equal "$(image_config "$T/root" | jq '[.history[] | select(.empty_layer | not)] | length')" 2
}

@test "a named context is an image, or an archive from the web" {
    mkdir -p "$T/www"
    mkdir -p "$T/packed"
    echo packed >"$T/packed/file"
    tar -C "$T/packed" -cJf "$T/www/packed.txz" .
    context image <<'END2'
FROM base
COPY --from=base /bin/busybox /two
COPY --from=packed file /file
END2
    must mb build --platform linux/amd64 --build-context "base=docker-image://$REG/library/busybox:latest" \
        --build-context "packed=$WEB/packed.txz" -o "type=oci,dest=$T/image.oci.tar" "$C"
    fetch "oci-archive:$T/image.oci.tar" linux/amd64 "$T/image"
    tree_of "$T/image"
    cmp "$T/image.tree/two" "$T/image.tree/bin/busybox"
    equal "$(cat "$T/image.tree/file")" packed
    must_fail 1 mb build --build-context "base=docker-image://$REG/library/nosuch:1" "$C"
    says nosuch
    must_fail 2 mb build --build-context base=docker-image://UPPER "$C"
    must_fail 2 mb build --build-context base=- "$C"
}

@test "what a RUN finds: hosts, limits, /dev/shm; stages that run again" {
    context flags <<'END2'
FROM busybox AS one
RUN cat /proc/sys/kernel/random/uuid > /when; cat /etc/hosts > /h; df -k /dev/shm > /shm; ulimit -n > /n
FROM busybox AS two
COPY --from=one /when /h /shm /n /
RUN cat /proc/sys/kernel/random/uuid > /later
END2
    local first=(--add-host one.example:192.0.2.1 "--add-host=two=[2001:db8::1]")
    from flags "${first[@]}" --shm-size 1m --ulimit nofile=100:200 "$C"
    grep -q $'^192.0.2.1\tone.example$' "$T/flags.tree/h"
    grep -q $'^2001:db8::1\ttwo$' "$T/flags.tree/h"
    grep -q ' 1024 .*/dev/shm' "$T/flags.tree/shm"
    equal "$(cat "$T/flags.tree/n")" 100
    # limits are in no key, hosts are
    from again "${first[@]}" --progress plain "$C"
    equal "$(grep -c CACHED <<<"$stderr")" 2
    from filter "${first[@]}" --no-cache-filter TWO "$C"
    cmp "$T/filter.tree/when" "$T/flags.tree/when"
    run ! cmp -s "$T/filter.tree/later" "$T/flags.tree/later"
    from filter2 "${first[@]}" --no-cache-filter one "$C"
    run ! cmp -s "$T/filter2.tree/when" "$T/flags.tree/when"
    from hosts "$C"
    run ! cmp -s "$T/hosts.tree/when" "$T/flags.tree/when"
    must_fail 2 mb build --add-host x:host-gateway "$C"
    says 127.0.0.1
}
