/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe - what a step cannot do with busybox alone. Statically linked for each
 * platform.
 *
 *     probe xattr FILE NAME VALUE    set an extended attribute
 *     probe numbers FILE             write numbers as this machine lays them out in
 * memory probe noise FILE DIGIT         8 MiB that do not compress, the same on every
 * machine
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

static uint64_t next(uint64_t x)
{
    x ^= x << 13;
    x ^= x >> 7;
    return x ^ x << 17;
}

/* A checksum over a few million steps, so that a processor has something to do. */
static uint64_t compute(void)
{
    uint64_t x = 1, sum = 0;

    for (int i = 0; i < 3000000; i++) {
        x = next(x);
        sum += x % 1000003u;
    }
    return sum;
}

static int write_file(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "w");

    if (!f)
        return -1;
    size_t n = fwrite(data, 1, len, f);
    return fclose(f) == 0 && n == len ? 0 : -1;
}

static int numbers(const char *path)
{
    const uint64_t v[] = {0x0102030405060708u, compute(), sizeof(long)};

    return write_file(path, v, sizeof(v));
}

static int noise(const char *path, char seed)
{
    static unsigned char bytes[8 << 20];
    uint64_t x = (unsigned char)seed;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        x = next(x);
        bytes[i] = (unsigned char)(x >> 24);
    }
    return write_file(path, bytes, sizeof(bytes));
}

int main(int argc, char **argv)
{
    int rc = -1;

    if (argc == 5 && strcmp(argv[1], "xattr") == 0)
        rc = setxattr(argv[2], argv[3], argv[4], strlen(argv[4]), 0);
    else if (argc == 3 && strcmp(argv[1], "numbers") == 0)
        rc = numbers(argv[2]);
    else if (argc == 4 && strcmp(argv[1], "noise") == 0)
        rc = noise(argv[2], argv[3][0]);
    if (rc < 0)
        perror("probe");
    return rc < 0;
}
