#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# selftest.sh - the lint checks find what they are for: each row plants one offence in a tree of its own.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

# plant FILE TEXT: a clean file with TEXT in it.
plant() {
    rm -rf "${tree:?}"/*
    mkdir -p "$tree/$(dirname "$1")" "$tree/tests/lint"
    printf '/* SPDX-License-Identifier: Apache-2.0 */\n%b\n' "$2" >"$tree/$1"
}

# finds CHECK FILE TEXT WHAT
finds() {
    plant "$2" "$3"
    if out=$("$here/$1.sh" "$tree" 2>&1) || ! grep -qF -- "$4" <<<"$out"; then
        printf 'selftest: %s.sh does not find "%s" in %s: %s\n' "$1" "$4" "$2" "$out"
        failed=1
    fi
}

# passes CHECK FILE TEXT
passes() {
    plant "$2" "$3"
    out=$("$here/$1.sh" "$tree" 2>&1) || {
        printf 'selftest: %s.sh complains about %s: %s\n' "$1" "$2" "$out"
        failed=1
    }
}

body=$(printf 'x;\\n%.0s' $(seq 61))
finds layers coordinator/a.c '#include "agent/agent.h"' 'not for this layer'
finds layers agent/a.c '#include "coordinator/coordinator.h"' 'not for this layer'
finds layers cli/a.c '#include "coordinator/plan/plan.h"' 'not for this layer'
finds layers common/base/a.c '#include "oci/digest.h"' 'not for this layer'
finds layers agent/step/a.c '#include "net/loop.h"' 'not for this layer'
finds layers common/oci/a.c '#include <curl/curl.h>' 'not for this layer'
finds layers coordinator/http/a.c '#include <sqlite3.h>' 'not for this layer'
finds layers cli/a.c '  #  include <unknown.h>' 'not for this layer'
finds layers tools/../common/new.c '#include <stdio.h>' 'belongs to no layer'
passes layers cli/a.c '#include <stdio.h>\n#include "agent/agent.h"\n#include "coordinator/coordinator.h"'
finds banned cli/a.c 'x = atoi (y);' 'atoi()'
finds banned cli/a.c 'return mb(strcpy(a, b));' 'strcpy()'
finds banned agent/a.c 'pid = fork();' 'fork()'
finds banned common/base/a.c 'assert(1);' 'assert()'
finds banned common/base/a.c '// text' 'comment'
finds banned common/base/a.c '/* TODO later */' 'TODO'
finds banned common/base/a.h 'int x;' 'include guard'
finds banned common/base/a.c 'typedef struct a a_t;' 'typedef'
passes banned agent/step/a.c 'pid = fork();'
passes banned cli/a.c '/* strcpy(a, b) // */ x = "system(1) // ";\nmy_atoi(x); y.system(z); typedef void f_fn(void);'
finds size cli/a.c "int long_one(void)\n{\n$body}" 'long_one: 63 lines'
finds size cli/a.c "$body$body$body$body$body$body$body$body$body" 'split it by topic'
passes size cli/a.c 'int short_one(void)\n{\n}'
passes size cli/a.c "int table(void)\n{\n    static const int rows[] = {\n$body\n    };\n}"
exit "$failed"
