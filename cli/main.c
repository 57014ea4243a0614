/* SPDX-License-Identifier: Apache-2.0 */
/* main - mbcluster: a table of verbs. */
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "cli/verbs.h"
#include "net/loop.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} verbs[] = {
    {"build", verb_build, "build an image for one or many platforms"},
    {"doctor", verb_doctor, "check this machine, and say what to do"},
    {"ls", verb_ls, "list the agents of the cluster"},
    {"version", verb_version, "print the version of this program"},
};

static void print_verbs(FILE *to)
{
    (void)fprintf(
        to, "Usage: mbcluster VERB [FLAGS]\n\n"
            "Builds multi-platform container images on a cluster of machines, or on "
            "this one.\n\nVerbs:\n");
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        (void)fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].help);
    (void)fprintf(
        to, "\nRun 'mbcluster VERB --help' for the flags of a verb.\n\nExamples:\n"
            "  mbcluster build --platform linux/amd64,linux/s390x -t reg:5000/app:1 "
            "--push .\n"
            "  mbcluster ls --cluster team.join\n");
}

static int unknown_verb(const char *name)
{
    const char *names[ARRAY_SIZE(verbs)];
    const char *close_one;

    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        names[i] = verbs[i].name;
    close_one = options_suggest(name, names, ARRAY_SIZE(verbs));
    (void)fprintf(stderr, "ERROR: unknown verb \"%s\"%s%s%s\n", name,
                  close_one ? " (did you mean " : "", close_one ? close_one : "",
                  close_one ? "?)" : "");
    (void)fprintf(stderr, "Run 'mbcluster' for the list of verbs.\n");
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static char help[] = "--help";
    char *ask_help[] = {help, NULL};
    const char *name = argc > 1 ? argv[1] : "--help";
    bool wants_help = strcmp(name, "help") == 0;

    mb_net_init();
    if (wants_help && argc > 2)
        name = argv[2];
    else if (wants_help || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_verbs(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0)
        name = "version";
    if (strcmp(name, "b") == 0) /* as buildx */
        name = "build";
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return wants_help ? verbs[i].run(1, ask_help)
                              : verbs[i].run(argc - 2, argv + 2);
    return unknown_verb(name);
}
