/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machine numbers and calling conventions: the ELF supplements of each processor and
 * the kernel's syscall(2) page. Each program is one ELF header, one program header, and
 * an exit(42); so nothing but the processor (or its emulator) is proved.
 *
 * binfmt_misc: Documentation/admin-guide/binfmt-misc.rst of the kernel. Flags: O and C
 * let unreadable and set-id programs run, P keeps argv[0], F opens the emulator now, so
 * that no container needs to hold it. Since Linux 6.7 each user namespace can have its
 * own.
 */
#include "step/archs.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"

#define CODE(bytes) .code = (bytes), .code_len = sizeof(bytes) - 1
#define LE64 .elf_class = ELFCLASS64, .elf_data = ELFDATA2LSB
#define BE64 .elf_class = ELFCLASS64, .elf_data = ELFDATA2MSB
#define LE32 .elf_class = ELFCLASS32, .elf_data = ELFDATA2LSB
#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

const struct arch archs[] = {
    {.name = "amd64",
     .qemu = "x86_64",
     LE64,
     .machine = EM_X86_64,
     CODE("\xb8\x3c\0\0\0\xbf\x2a\0\0\0\x0f\x05")},
    {.name = "386",
     .qemu = "i386",
     LE32,
     .machine = EM_386,
     CODE("\xb8\x01\0\0\0\xbb\x2a\0\0\0\xcd\x80")},
    {.name = "arm64",
     .qemu = "aarch64",
     LE64,
     .machine = EM_AARCH64,
     CODE("\xa8\x0b\x80\xd2\x40\x05\x80\xd2\x01\0\0\xd4")},
    {.name = "arm",
     .qemu = "arm",
     .variants = {"v7", "v6", "v5"},
     LE32,
     .machine = EM_ARM,
     .elf_flags = 0x05000000,
     CODE("\x01\x70\xa0\xe3\x2a\0\xa0\xe3\0\0\0\xef")},
    {.name = "ppc64le",
     .qemu = "ppc64le",
     LE64,
     .machine = EM_PPC64,
     .elf_flags = 2,
     CODE("\x01\0\0\x38\x2a\0\x60\x38\x02\0\0\x44")},
    {.name = "s390x",
     .qemu = "s390x",
     BE64,
     .machine = EM_S390,
     CODE("\xa7\x29\0\x2a\x0a\x01")},
    {.name = "riscv64",
     .qemu = "riscv64",
     LE64,
     .machine = EM_RISCV,
     .elf_flags = 5,
     CODE("\x93\x08\xd0\x05\x13\x05\xa0\x02\x73\0\0\0")},
    {.name = "mips64le",
     .qemu = "mips64el",
     LE64,
     .machine = EM_MIPS,
     .elf_flags = 0x80000007,
     CODE("\xc2\x13\x02\x24\x2a\0\x04\x24\x0c\0\0\0")},
    {.name = "mips64",
     .qemu = "mips64",
     BE64,
     .machine = EM_MIPS,
     .elf_flags = 0x80000007,
     CODE("\x24\x02\x13\xc2\x24\x04\0\x2a\0\0\0\x0c")},
    {.name = "loong64",
     .qemu = "loongarch64",
     LE64,
     .machine = EM_LOONGARCH,
     .elf_flags = 0x43,
     CODE("\x0b\x74\x81\x03\x04\xa8\x80\x03\0\0\x2b\0")},
};
const size_t n_archs = ARRAY_SIZE(archs);

const struct arch *arch_find(const char *name)
{
    for (size_t i = 0; i < n_archs; i++)
        if (strcmp(archs[i].name, name) == 0)
            return &archs[i];
    return NULL;
}

size_t arch_index(const struct arch *a)
{
    return (size_t)(a - archs);
}

/* A number of @len bytes in the architecture's byte order. */
static void put(struct mb_buf *b, const struct arch *a, uint64_t v, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        size_t byte = a->elf_data == ELFDATA2LSB ? i : len - 1 - i;

        mb_buf_add_byte(b, (unsigned char)(v >> (8 * byte)));
    }
}

#define LOAD_ADDRESS 0x10000000u

static void put_program_header(struct mb_buf *b, const struct arch *a, uint64_t size)
{
    size_t word = a->elf_class == ELFCLASS64 ? 8 : 4;

    put(b, a, PT_LOAD, 4);
    if (word == 8)
        put(b, a, PF_R | PF_X, 4);
    put(b, a, 0, word); /* offset */
    put(b, a, LOAD_ADDRESS, word);
    put(b, a, LOAD_ADDRESS, word);
    put(b, a, size, word);
    put(b, a, size, word);
    if (word == 4)
        put(b, a, PF_R | PF_X, 4);
    put(b, a, 0x10000, word); /* alignment: the largest page of any of them */
}

void arch_elf(const struct arch *a, struct mb_buf *out)
{
    size_t word = a->elf_class == ELFCLASS64 ? 8 : 4;
    size_t header = word == 8 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    size_t program_header = word == 8 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    size_t code_at = header + program_header;

    mb_buf_add(out, ELFMAG, SELFMAG);
    mb_buf_add_byte(out, a->elf_class);
    mb_buf_add_byte(out, a->elf_data);
    mb_buf_add_byte(out, EV_CURRENT);
    for (size_t i = 7; i < EI_NIDENT; i++) /* OS ABI, its version, padding */
        mb_buf_add_byte(out, 0);
    put(out, a, ET_EXEC, 2);
    put(out, a, a->machine, 2);
    put(out, a, EV_CURRENT, 4);
    put(out, a, LOAD_ADDRESS + code_at, word); /* entry */
    put(out, a, header, word);                 /* program headers at */
    put(out, a, 0, word);                      /* section headers */
    put(out, a, a->elf_flags, 4);
    put(out, a, header, 2);
    put(out, a, program_header, 2);
    put(out, a, 1, 2);
    put(out, a, 0, 6); /* section header size, count, names */
    put_program_header(out, a, code_at + a->code_len);
    mb_buf_add(out, a->code, a->code_len);
}

#define MAGIC_LEN 20 /* up to and with e_machine */

void arch_binfmt_line(const struct arch *a, const char *interpreter, struct mb_buf *out)
{
    _cleanup_buf_ struct mb_buf elf = MB_BUF_INIT(MB_KIB);

    arch_elf(a, &elf);
    mb_buf_addf(out, ":qemu-%s:M::", a->qemu);
    for (size_t i = 0; i < MAGIC_LEN; i++)
        mb_buf_addf(out, "\\x%02x", (unsigned char)elf.data[i]);
    mb_buf_add_str(out, ":");
    for (size_t i = 0; i < MAGIC_LEN; i++) {
        bool type_low = i == (a->elf_data == ELFDATA2LSB ? 16u : 17u);

        /* Any OS ABI; ET_EXEC (2) and ET_DYN (3). */
        mb_buf_addf(out, "\\x%02x", i == EI_OSABI ? 0 : type_low ? 0xfe : 0xff);
    }
    mb_buf_addf(out, ":%s:OCPF", interpreter);
}

static bool child_ends_with(const char *path, int status)
{
    pid_t pid = fork();
    int got = 0;

    if (pid < 0)
        return false;
    if (pid == 0) {
        char *const argv[] = {(char *)(uintptr_t)path, NULL};
        char *const env[] = {NULL};
        int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int fd = 0; null_fd >= 0 && fd < 3; fd++)
            (void)dup2(null_fd, fd);
        execve(path, argv, env);
        _exit(127);
    }
    while (waitpid(pid, &got, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(got) && WEXITSTATUS(got) == status;
}

bool arch_runs(const struct arch *a, const char *dir)
{
    _cleanup_buf_ struct mb_buf elf = MB_BUF_INIT(MB_KIB);
    _cleanup_free_ char *path = mb_xasprintf("%s/proof-%d", dir, (int)getpid());
    struct mb_error err;
    bool ok = false;

    arch_elf(a, &elf);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    if (fd < 0)
        return false;
    int rc = mb_write_all(fd, elf.data, elf.len, &err);
    close(fd); /* a file that is open for writing cannot be run */
    if (rc == 0)
        ok = child_ends_with(path, ARCH_PROOF_STATUS);
    (void)unlink(path);
    return ok;
}

/* The emulator's path, or NULL; the caller frees it. */
static char *emulator_path(const struct arch *a, const char *qemu_dir)
{
    static const char *const suffixes[] = {"-static", ""};

    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        char *path = mb_xasprintf("%s/qemu-%s%s", qemu_dir, a->qemu, suffixes[i]);

        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static bool register_emulator(const struct arch *a, const char *binfmt_dir,
                              const char *qemu_dir)
{
    _cleanup_buf_ struct mb_buf line = MB_BUF_INIT(MB_PATH_LEN_MAX);
    _cleanup_free_ char *interpreter = emulator_path(a, qemu_dir);
    _cleanup_free_ char *file = mb_xasprintf("%s/register", binfmt_dir);
    _cleanup_close_ int fd = open(file, O_WRONLY | O_CLOEXEC);
    struct mb_error ignored;

    if (!interpreter || fd < 0)
        return false;
    arch_binfmt_line(a, interpreter, &line);
    return !line.overflow && mb_write_all(fd, line.data, line.len, &ignored) == 0;
}

static bool may_be_native(const char *host, const char *arch)
{
    return strcmp(arch, host) == 0
           || (strcmp(host, "amd64") == 0 && strcmp(arch, "386") == 0)
           || (strcmp(host, "arm64") == 0 && strcmp(arch, "arm") == 0);
}

void archs_set_up(const char *dir, const char *binfmt_dir, const char *qemu_dir,
                  bool emulate, enum arch_way *ways)
{
    struct mb_platform host = mb_platform_host();
    bool mounted;

    /* An empty private instance also hides the host's handlers from this first round.
     */
    mounted = mkdir(binfmt_dir, 0700) == 0
              && mount("binfmt_misc", binfmt_dir, "binfmt_misc",
                       MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL)
                     == 0;
    for (size_t i = 0; i < n_archs; i++) {
        ways[i] = ARCH_NOT;
        if ((mounted || may_be_native(host.arch, archs[i].name))
            && arch_runs(&archs[i], dir))
            ways[i] = ARCH_NATIVE;
    }
    for (size_t i = 0; i < n_archs && emulate; i++) {
        if (ways[i] != ARCH_NOT)
            continue;
        if (mounted)
            (void)register_emulator(&archs[i], binfmt_dir, qemu_dir);
        if (arch_runs(&archs[i], dir))
            ways[i] = mounted ? ARCH_PRIVATE_BINFMT : ARCH_HOST_BINFMT;
    }
}
