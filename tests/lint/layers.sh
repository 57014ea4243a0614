#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# layers.sh [TREE] - who may include whom, and where third-party headers may appear.
#
# The table is the architecture: arrows go one way, cli -> {coordinator, agent} -> session -> proto -> common.
# shellcheck source-path=SCRIPTDIR source=lint.sh
. "$(dirname "$0")/lint.sh"
set -f # the tables are lists of globs
load_exceptions layers

# Folder, own prefixes it may include, third-party headers. The first row that fits a file counts.
rows='
common/base/sha256.c     base                                     openssl/*
common/base/*.cpp        base                                     jansson.h,toml++/*,cmath,cstdio,cstdlib,cstring,exception,sstream,string,string_view
common/base              base                                     jansson.h
common/oci               base,oci                                 jansson.h
common/fs                base,oci,fs                              archive.h,archive_entry.h,libdeflate.h,zlib.h,zstd.h
common/store             base,oci,fs,store                        -
common/registry          base,oci,store,registry                  curl/*,jansson.h
common/net               base,net                                 czmq.h,zmq.h
proto                    base,oci,proto                           msgpack.h
session                  base,oci,net,proto,session               -
coordinator/cache        base,oci,fs,store,proto,coordinator      sqlite3.h,jansson.h
coordinator/history      base,oci,fs,store,proto,coordinator      sqlite3.h,jansson.h
coordinator/http         base,oci,fs,store,coordinator            microhttpd.h,jansson.h
coordinator              base,oci,fs,store,registry,net,proto,session,coordinator  jansson.h
agent/step               base,oci,fs,proto,agent,step             jansson.h
agent/doctor             base,oci,fs,proto,agent,step,doctor       -
agent                    base,oci,fs,store,registry,net,proto,session,agent,step   jansson.h
cli                      base,oci,fs,store,registry,net,proto,session,cli,coordinator/coordinator.h,agent/agent.h,agent/doctor.h  jansson.h
'
# The C library's and the kernel's. A header that is in neither list is a finding: add it to its row.
system='alloca.h arpa/* ctype.h dirent.h dlfcn.h elf.h endian.h errno.h fcntl.h fnmatch.h getopt.h glob.h grp.h
ifaddrs.h inttypes.h libgen.h limits.h linux/* locale.h math.h net/* netdb.h netinet/* poll.h pthread.h
pwd.h regex.h sched.h search.h semaphore.h setjmp.h signal.h spawn.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h
stdio.h stdlib.h stdnoreturn.h string.h strings.h sys/* sysexits.h termios.h threads.h time.h unistd.h
wchar.h'
# Needs no library, only a header: anywhere.
everywhere='utarray.h uthash.h utlist.h utstring.h'

# row FILE: sets $own and $third.
row() {
    local pattern
    while read -r pattern own third; do
        [ -n "$pattern" ] || continue
        # shellcheck disable=SC2053 # a glob on purpose
        [[ $1 == $pattern || $1 == $pattern/* ]] && return 0
    done <<<"$rows"
    return 1
}

# matches NAME LIST-OF-GLOBS
matches() {
    local name=$1 glob
    shift
    for glob; do
        # shellcheck disable=SC2053 # a glob on purpose
        [[ $name == $glob ]] && return 0
    done
    return 1
}

check_own() {
    local file=$1 line=$2 name=$3 allowed
    # A name without a folder is a file beside this one.
    [[ $name == */* ]] || { [ -e "$(dirname "$file")/$name" ] && return 0; }
    for allowed in ${own//,/ }; do
        [[ $name == "$allowed" || $name == "$allowed"/* ]] && return 0
    done
    is_excepted "$file:$name" ||
        finding "$file" "$line" "\"$name\": not for this layer (it may use: ${own//,/ })"
}

check_angle() {
    local file=$1 line=$2 name=$3
    # shellcheck disable=SC2086 # lists of globs
    matches "$name" $system $everywhere || matches "$name" ${third//,/ } ||
        is_excepted "$file:$name" ||
        finding "$file" "$line" "<$name>: not for this layer (third-party headers here: ${third//,/ })"
}

while read -r file; do
    case $file in tests/*) continue ;; esac
    row "$file" || { finding "$file" 1 "belongs to no layer; add its folder to tests/lint/layers.sh"; continue; }
    while IFS=: read -r line text; do
        case $text in
        *'"'*'"'*) name=${text#*\"} && check_own "$file" "$line" "${name%%\"*}" ;;
        *'<'*'>'*) name=${text#*<} && check_angle "$file" "$line" "${name%%>*}" ;;
        esac
    done < <(grep -nE '^[[:space:]]*#[[:space:]]*include' "$file")
done < <(sources)
finish
