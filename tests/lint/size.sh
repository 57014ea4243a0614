#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# size.sh [TREE] - functions of more than 60 lines, files of more than 500.
# shellcheck source-path=SCRIPTDIR source=lint.sh
. "$(dirname "$0")/lint.sh"
load_exceptions size

FUNCTION_LINES_MAX=60
FILE_LINES_MAX=500

# A function's body is what stands between "{" and "}" in the first column; constant tables in it are data and
# do not count.
functions() {
    awk -f "$lint_dir/strip.awk" "$1" | awk -v max="$FUNCTION_LINES_MAX" '
        /^[A-Za-z_]/ { head = $0 }
        /^    static const .*[{]$/ { table = NR }
        /^    };/ && table { tables += NR - table + 1
                             table = 0 }
        /^{/ { start = NR
               tables = table = 0
               name = head
               sub(/\(.*/, "", name)
               sub(/.*[ *]/, "", name) }
        /^}/ && start { lines = NR - start + 1 - tables
                        if (lines > max) print start, name, lines
                        start = 0 }'
}

while read -r file; do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt "$FILE_LINES_MAX" ] && ! is_excepted "$file"; then
        finding "$file" 1 "$lines lines; split it by topic ($FILE_LINES_MAX at most)"
    fi
    while read -r start name length; do
        is_excepted "$file:$name" ||
            finding "$file" "$start" "$name: $length lines; split it ($FUNCTION_LINES_MAX at most)"
    done < <(functions "$file")
done < <(sources)
finish
