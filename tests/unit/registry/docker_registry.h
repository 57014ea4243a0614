/* SPDX-License-Identifier: Apache-2.0 */
/* docker_registry - a real registry (Debian's docker-registry) on the loopback. */
#ifndef MB_TEST_DOCKER_REGISTRY_H
#define MB_TEST_DOCKER_REGISTRY_H

#include <stdbool.h>
#include <sys/types.h>

struct docker_registry {
    pid_t pid;
    char host[32]; /* "127.0.0.1:PORT" */
};
/* Is the program installed? Says so on stdout when not (then exit 77). */
bool docker_registry_is_there(void);
/* Files go below @dir; @htpasswd: path of a user file, or NULL: open to all. Aborts
 * when it does not come up in 20 s. */
void docker_registry_start(struct docker_registry *r, const char *dir,
                           const char *users);
void docker_registry_stop(struct docker_registry *r);

#endif
