#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# COPY and ADD with their flags, here-documents and archives, seen in the image.
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

# files DIR: what is below it, sorted, on one line.
files() { (cd "$1" && find . -mindepth 1 | sort | tr '\n' ' '); }

@test "COPY --exclude, several times, with **, and taken again by !" {
    context exclude <<'END'
FROM scratch
COPY --exclude=*.log --exclude=**/tmp . /all/
COPY --exclude=sub/* --exclude=!sub/keep tree /some/
COPY --exclude=b* *.txt /files/
END
    mkdir -p "$C/tree/sub/tmp" "$C/tree/other"
    touch "$C/a.txt" "$C/b.txt" "$C/c.log" "$C/tree/d.log" "$C/tree/sub/keep" "$C/tree/sub/drop" \
        "$C/tree/sub/tmp/x" "$C/tree/other/e"
    image exclude
    equal "$(files "$T/exclude.tree/all")" './Dockerfile ./a.txt ./b.txt ./tree ./tree/d.log ./tree/other ./tree/other/e ./tree/sub ./tree/sub/drop ./tree/sub/keep '
    equal "$(files "$T/exclude.tree/some")" './d.log ./other ./other/e ./sub ./sub/keep '
    equal "$(files "$T/exclude.tree/files")" './a.txt '
}

@test "COPY --chmod with letters" {
    context chmod <<'END'
FROM scratch
ARG WHO=go
COPY --chmod=u=rwX,$WHO=rX tree /a/
COPY --chmod=+x tree/plain /b
END
    mkdir -p "$C/tree/dir"
    install -m 0600 /dev/null "$C/tree/plain"
    install -m 0700 /dev/null "$C/tree/program"
    chmod 0700 "$C/tree/dir"
    image chmod
    equal "$(cd "$T/chmod.tree" && stat -c %a a/dir a/plain a/program b | tr '\n' ' ')" '755 644 755 711 '
}

@test "COPY of here-documents: files, names, modes, variables" {
    context heredoc <<'END'
FROM busybox
ARG V=value
COPY <<EOF /plain
it's $V and \$V
	tab
EOF
COPY --chmod=0755 --chown=1:5 <<'one' <<-two /dir/
literal $V
one
	stripped ${V}
	two
COPY Dockerfile <<last /mix/
last
RUN stat -c '%a %u:%g' /plain /dir/one /dir/two > /owners
END
    image heredoc
    cd "$T/heredoc.tree"
    # shellcheck disable=SC2016 # as it is in the files
    equal "$(cat plain dir/one dir/two)" "$(printf 'it'\''s value and $V\n\ttab\nliteral $V\nstripped value')"
    equal "$(tr '\n' ' ' <owners)" '644 0:0 755 1:5 755 1:5 '
    equal "$(files mix)" './Dockerfile ./last '
    [ ! -s mix/last ]
    image_config "$T/heredoc" | jq -e '.history | any(.created_by == "COPY <<EOF /plain # buildkit")' >/dev/null
}

@test "a changed here-document is another key, the same one is cached" {
    context keys <<'END'
FROM scratch
COPY <<EOF /f
one
EOF
END
    image keys
    sed -i s/one/two/ "$C/Dockerfile"
    image keys2
    equal "$(cat "$T/keys.tree/f" "$T/keys2.tree/f" | tr '\n' ' ')" 'one two '
}

# archive FILE [TAR-OPTION...]: of the directory $C/arc, with a file of another owner and a link.
archive() {
    local file=$1
    shift
    (cd "$C/arc" && tar --owner=7 --group=8 -cf "$file" "$@" .)
}

@test "ADD unpacks archives by what is in them, and copies everything else" {
    context archives <<'END'
FROM busybox
ADD plain.dat /plain
ADD gz.dat bz2.dat /both/
ADD xz.dat /xz/
ADD zst.dat /zst
ADD text.tar /text/
ADD only.gz /only/
ADD --unpack=false gz.dat /kept/
ADD --chmod=0600 text.tar /mode
COPY gz.dat /copied/
COPY text.tar /etc/victim
ADD over.tar /etc
RUN stat -c '%u:%g %a' /plain/dir /plain/dir/file /etc/victim > /owners
END
    mkdir -p "$C/arc/dir" "$C/over/victim/x"
    echo content >"$C/arc/dir/file"
    ln -s dir/file "$C/arc/link"
    ln "$C/arc/dir/file" "$C/arc/hard"
    chmod 0750 "$C/arc/dir"
    archive "$C/plain.dat"
    archive "$C/gz.dat" -z
    archive "$C/bz2.dat" -j
    archive "$C/xz.dat" -J
    archive "$C/zst.dat" --zstd
    (cd "$C/over" && tar --owner=0 --group=0 -cf "$C/over.tar" victim)
    echo "no archive" >"$C/text.tar"
    gzip -c "$C/text.tar" >"$C/only.gz"
    image archives
    cd "$T/archives.tree"
    local d
    for d in plain both xz zst; do
        equal "$(files $d)" './dir ./dir/file ./hard ./link '
        equal "$(cat $d/hard)" content
        equal "$(readlink $d/link)" dir/file
    done
    equal "$(tr '\n' ' ' <owners)" '7:8 750 7:8 644 0:0 755 '
    equal "$(files text) $(files only) $(files kept) $(files copied)" './text.tar  ./only.gz  ./gz.dat  ./gz.dat '
    equal "$(stat -c %a mode)" 600
    [ -d etc/victim/x ]
    [ -f etc/passwd ]
}

@test "an archive reaches nothing outside of its destination" {
    context hostile <<'END'
FROM busybox
ADD up.tar /in/
END
    mkdir -p "$C/arc"
    echo evil >"$C/arc/evil"
    (cd "$C/arc" && tar -cPf "$C/up.tar" --transform 's,^,../../,' evil)
    must_fail 1 mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" "$C"
    # shellcheck disable=SC2154 # bats sets stderr
    [[ $output$stderr == *'".."'* ]]
    # a link out of it, then a file through the link
    ln -s /etc "$C/arc/way"
    (cd "$C/arc" && tar -cf "$C/up.tar" way && tar -rf "$C/up.tar" --transform 's,^,way/,' evil)
    must_fail 1 mb build --platform linux/amd64 --build-context "$BASE_CONTEXT" "$C"
    # absolute names begin at the destination
    (cd "$C/arc" && tar -cPf "$C/up.tar" --transform 's,^,/etc/,' evil)
    image hostile
    equal "$(files "$T/hostile.tree/in")" './etc ./etc/evil '
    [ ! -e "$T/hostile.tree/etc/evil" ]
}

@test "COPY --parents keeps directories, from a pivot on, with **" {
    context parents <<'END'
FROM scratch
COPY --parents a/b/one.txt top.txt /whole/
COPY --parents a/./b/one.txt /pivot
COPY --parents **/*.txt /all/
COPY --parents --exclude=**/one.txt a/./** /rest/
COPY --parents none*/x /none/
END
    mkdir -p "$C/a/b/c" "$C/a/d"
    touch "$C/top.txt" "$C/a/b/one.txt" "$C/a/b/c/two.txt" "$C/a/d/other"
    chmod 0750 "$C/a/b"
    image parents
    cd "$T/parents.tree"
    equal "$(files whole)" './a ./a/b ./a/b/one.txt ./top.txt '
    equal "$(files pivot)" './b ./b/one.txt '
    equal "$(stat -c %a whole/a/b)" 750
    equal "$(files all)" './a ./a/b ./a/b/c ./a/b/c/two.txt ./a/b/one.txt ./top.txt '
    equal "$(files rest)" './b ./b/c ./b/c/two.txt ./d ./d/other '
    printf 'FROM scratch\nCOPY --parents a/nope /x/\n' >"$C/Dockerfile"
    must_fail 1 mb build --platform linux/amd64 "$C"
    [[ $output$stderr == *'a/nope'*'not found'* ]]
}

@test "COPY --link does not follow the image's links" {
    context link <<'END'
FROM busybox
RUN mkdir /real && ln -s real /way
COPY --link one.txt /way/
COPY --link=false one.txt /way/two.txt
COPY --link --chown=daemon:tty one.txt /owned
RUN stat -c '%u:%g' /owned > /owner
END
    echo 1 >"$C/one.txt"
    image link
    cd "$T/link.tree"
    [ ! -L way ]
    equal "$(files way) $(files real)" './one.txt ./two.txt  '
    equal "$(cat owner)" 1:5
}
