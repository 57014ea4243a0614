#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# headers.sh [TREE] - every header compiles alone.
# shellcheck source-path=SCRIPTDIR source=lint.sh
. "$(dirname "$0")/lint.sh"

read -ra flags < <(pkg-config --cflags jansson libczmq libzmq msgpack sqlite3 libmicrohttpd 2>/dev/null ||
    pkg-config --cflags jansson libczmq libzmq msgpack-c sqlite3 libmicrohttpd)
while read -r header; do
    if ! out=$(echo "#include \"$header\"" | "${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -DMB_VERSION='"0"' \
        -I. -Icommon -Iagent -Itests/support "${flags[@]}" -fsyntax-only -x c - 2>&1); then
        finding "$header" 1 "does not compile alone: $(grep -m 1 error <<<"$out")"
    fi
done < <(sources | grep '\.h$' | grep -v '^tests/')
finish
