/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "agent/doctor.h"
#include "base/clock.h"

#define YEAR_2024 INT64_C(1704067200)
#define YEAR_2100 INT64_C(4102444800)
#define WARN_SEC 5
#define FAIL_SEC 300
#define HOW "timedatectl set-ntp true (or: apt install chrony)"

void doctor_clock(int64_t now_sec, int64_t other_sec, const char *other,
                  struct doctor_report *r)
{
    int64_t ahead = now_sec - other_sec;
    int64_t off = ahead < 0 ? -ahead : ahead;
    char text[MB_RFC3339_LEN];

    mb_rfc3339(now_sec, 0, text);
    if (other_sec == 0) {
        bool sane = now_sec >= YEAR_2024 && now_sec < YEAR_2100;

        doctor_add(r, "clock", sane ? DOCTOR_OK : DOCTOR_FAIL, "it is %s%s", text,
                   sane ? "" : ", which cannot be");
        if (!sane)
            doctor_fix(r, HOW);
        return;
    }
    doctor_add(r, "clock",
               off <= WARN_SEC   ? DOCTOR_OK
               : off <= FAIL_SEC ? DOCTOR_WARN
                                 : DOCTOR_FAIL,
               "it is %s, %lld s %s %s", text, (long long)off,
               ahead < 0 ? "behind" : "ahead of", other);
    if (off > WARN_SEC)
        doctor_fix(r, HOW " on the machine that is wrong");
}
