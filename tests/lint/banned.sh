#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# banned.sh [TREE] - functions and habits that this code does without.
# shellcheck source-path=SCRIPTDIR source=lint.sh
. "$(dirname "$0")/lint.sh"
load_exceptions banned

# Where (own: not in tests; nostep: neither there nor in agent/step, which is single-threaded), the word (an awk regular expression before "("), and what to do instead.
calls='
all   assert                                   BUG_ON(): assert() vanishes in release builds
all   strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets  mb_buf, snprintf or mb_xasprintf
all   strtok|strtok_r|strsep                   mb_strv_split or a loop with lengths
own   atoi|atol|atoll|atof|strtol|strtoll|strtoul|strtoull  mb_parse_u64() and its kin, with a limit
all   system|popen                             mb_spawn(): no shell
nostep fork|vfork|clone|daemon                 mb_spawn(): daemons are threaded; fork is for agent/step
all   usleep|sleep|nanosleep                   wait for an event with a deadline
all   alloca                                   mb_xmalloc(); the stack is no place for sizes from outside
nostep signal                                  a signalfd on the loop
all   mktemp|tmpnam|tempnam                    O_TMPFILE or mkostemp
'

check_calls() {
    local file=$1 where words advice line word
    while read -r where words advice; do
        [ -n "$where" ] || continue
        case $where:$file in
        nostep:agent/step/* | nostep:tests/* | own:tests/*) continue ;;
        esac
        while IFS=: read -r line word; do
            [ -n "$line" ] || continue
            is_excepted "$file:$word" || finding "$file" "$line" "$word(): use $advice"
        done < <(printf '%s\n' "$code" | awk -v words="$words" '
            { while (match($0, "(^|[^A-Za-z0-9_.>])(" words ")[ \t]*\\(")) {
                  hit = substr($0, RSTART, RLENGTH)
                  gsub(/[^A-Za-z0-9_]/, "", hit)
                  print NR ":" hit
                  $0 = substr($0, RSTART + RLENGTH)
              } }')
    done <<<"$calls"
}

# pattern FILE REGEX KEY ADVICE, in code without comments and strings
pattern() {
    local line
    while IFS=: read -r line _; do
        is_excepted "$1:$3" || finding "$1" "$line" "$4"
    done < <(printf '%s\n' "$code" | grep -nE -- "$2")
}

while read -r file; do
    code=$(awk -f "$lint_dir/strip.awk" "$file")
    check_calls "$file"
    pattern "$file" '//' line-comment 'a // comment: use /* */'
    pattern "$file" '^[[:space:]]*typedef[[:space:]]+(struct|union|enum)[[:space:]{]' typedef \
        'typedef of a struct: write "struct foo" (callback types end in _fn)'
    pattern "$file" '#[[:space:]]*define[[:space:]]+_GNU_SOURCE' _GNU_SOURCE '_GNU_SOURCE comes from CMake'
    pattern "$file" $'^\t' tab 'a tab: 4 spaces'
    if grep -nE '\<(TODO|FIXME|XXX)\>' "$file" | grep -vqE 'TODO\(#[0-9]+\)'; then
        is_excepted "$file:TODO" || finding "$file" 1 'a TODO without an issue: TODO(#12)'
    fi
    if [ "$(head -n 1 "$file")" != '/* SPDX-License-Identifier: Apache-2.0 */' ]; then
        finding "$file" 1 'the first line must be /* SPDX-License-Identifier: Apache-2.0 */'
    fi
    case $file in
    *.h) grep -qE '^#ifndef [A-Z0-9_]+_H$' "$file" || finding "$file" 1 'a header without an include guard' ;;
    esac
done < <(sources)
finish
