/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target once over every file of the directories and files given, so
 * that the corpus is a regression test without libFuzzer.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define INPUT_BYTES_MAX (16 * MB_MIB)

static int run_file(int dir_fd, const char *name)
{
    _cleanup_buf_ struct mb_buf text = MB_BUF_INIT(INPUT_BYTES_MAX);
    struct mb_error err;

    if (mb_read_file(dir_fd, name, &text, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return -1;
    }
    /* Exactly as large as the input, so that ASan sees a read behind it. */
    _cleanup_free_ uint8_t *exact = malloc(text.len);
    if (text.len > 0 && exact)
        memcpy(exact, text.data, text.len);
    (void)LLVMFuzzerTestOneInput(exact, text.len);
    return 0;
}

static int run_dir(const char *path, size_t *n_run)
{
    DIR *d = opendir(path);
    struct dirent *e;
    int rc = 0;

    if (!d) {
        (void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    while (rc == 0 && (e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        rc = run_file(dirfd(d), e->d_name);
        (*n_run)++;
    }
    closedir(d);
    return rc;
}

int main(int argc, char **argv)
{
    size_t n_run = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;
        int rc;

        if (stat(argv[i], &st) == 0 && !S_ISDIR(st.st_mode)) {
            rc = run_file(AT_FDCWD, argv[i]);
            n_run++;
        } else {
            rc = run_dir(argv[i], &n_run);
        }
        if (rc < 0)
            return EXIT_FAILURE;
    }
    (void)fprintf(stderr, "%zu inputs\n", n_run);
    if (n_run == 0) {
        (void)fprintf(stderr, "nothing to run: name corpus directories or files\n");
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
