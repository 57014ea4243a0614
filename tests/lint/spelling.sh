#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# spelling.sh [TREE] - codespell over everything but test data.
# shellcheck source-path=SCRIPTDIR source=lint.sh
. "$(dirname "$0")/lint.sh"
command -v codespell >/dev/null || { echo "codespell is not installed"; exit 77; }

codespell --skip './build,./.git,./tests/data,./tests/fuzz/corpus,*.oci.tar' \
    --ignore-words tests/lint/words.txt .
