#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# shell.sh [TREE] - shellcheck over every shell script and bats file.
# shellcheck source-path=SCRIPTDIR source=lint.sh
. "$(dirname "$0")/lint.sh"
command -v shellcheck >/dev/null || { echo "shellcheck is not installed"; exit 77; }

scripts=()
while IFS= read -r -d '' file; do
    case $file in
    *.bats | *.bash | *.sh) scripts+=("$file") ;;
    *) ! head -n 1 "$file" | grep -qE '^#!.*(/| )(ba)?sh$' || scripts+=("$file") ;;
    esac
done < <(find .ci scripts tests examples deploy -type f -print0 2>/dev/null | sort -z)
# SC2187: busybox sh is checked as dash, which is near enough.
shellcheck --external-sources --exclude SC2187 "${scripts[@]}" || exit 1
echo "${#scripts[@]} scripts"
