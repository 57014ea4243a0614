/* SPDX-License-Identifier: Apache-2.0 */
#include <pwd.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "agent/doctor.h"
#include "base/bug.h"
#include "base/mem.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void doctor_machine(const struct doctor_opts *opts, struct doctor_report *r)
{
    const struct passwd *pw = getpwuid(geteuid());
    _cleanup_free_ char *user =
        pw ? mb_xstrdup(pw->pw_name) : mb_xasprintf("%u", (unsigned)geteuid());
    const char *path = getenv("PATH");
    struct utsname u;

    BUG_ON(uname(&u) < 0);
    const struct doctor_host h = {
        .root = "",
        .release = u.release,
        .user = user,
        .uid = geteuid(),
        .path = path ? path : DEFAULT_PATH,
    };
    doctor_kernel(&h, r);
    doctor_user_namespaces(&h, r);
    doctor_subids(&h, r);
    doctor_id_mapping(&h, r);
    doctor_cgroups(&h, r);
    doctor_overlay_known(&h, r);
    doctor_binfmt(&h, r);
    if (doctor_state_dir(&h, opts->state_dir, r))
        doctor_helper(opts, r);
}
