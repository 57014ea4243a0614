/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/bug.h"

static uint64_t read_usec(clockid_t clock)
{
    struct timespec ts;

    BUG_ON(clock_gettime(clock, &ts) < 0);
    return (uint64_t)ts.tv_sec * MB_USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t mb_now_usec(void)
{
    return read_usec(CLOCK_MONOTONIC);
}

uint64_t mb_wall_usec(void)
{
    return read_usec(CLOCK_REALTIME);
}

int64_t mb_wall_sec(void)
{
    return (int64_t)(mb_wall_usec() / MB_USEC_PER_SEC);
}

/* Seconds of 0000-01-01 and 9999-12-31T23:59:59, the years RFC 3339 can write. */
#define YEAR_0_SEC INT64_C(-62167219200)
#define YEAR_9999_SEC INT64_C(253402300799)
#define DAY_SEC 86400
#define ERA_DAYS 146097 /* of 400 years */

struct date {
    unsigned year, month, day;
};

/* Proleptic Gregorian date of a day counted from 0000-03-01; years begin in March
 * here, so that the leap day is the last one of a year. */
static struct date date_of_march_day(unsigned day)
{
    unsigned era = day / ERA_DAYS;
    unsigned in_era = day % ERA_DAYS;
    unsigned year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    unsigned in_year = in_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * in_year + 2) / 153; /* 0 is March */
    unsigned mday = in_year - (153 * month + 2) / 5 + 1;
    bool next_year = month >= 10;

    return (struct date){.year = year + era * 400 + (next_year ? 1 : 0),
                         .month = next_year ? month - 9 : month + 3,
                         .day = mday};
}

/* ".12" of 120000 microseconds, "" of 0. */
static void fraction_text(uint32_t usec, char out[8])
{
    (void)snprintf(out, 8, ".%06u", usec % 1000000U);
    for (int i = 6; i > 0 && out[i] == '0'; i--)
        out[i] = '\0';
    if (out[1] == '\0')
        out[0] = '\0';
}

const char *mb_rfc3339(int64_t sec, uint32_t usec, char out[MB_RFC3339_LEN])
{
    char fraction[8];

    if (sec < YEAR_0_SEC)
        sec = YEAR_0_SEC;
    if (sec > YEAR_9999_SEC)
        sec = YEAR_9999_SEC;

    /* Counted from 400 years earlier than year 0, so that January and February of
     * year 0 have no negative day: one era is taken off again below. */
    uint64_t since = (uint64_t)(sec - YEAR_0_SEC);
    unsigned day = (unsigned)(since / DAY_SEC) + ERA_DAYS - 60;
    unsigned rest = (unsigned)(since % DAY_SEC);
    struct date d = date_of_march_day(day);

    fraction_text(usec, fraction);
    (void)snprintf(out, MB_RFC3339_LEN, "%04u-%02u-%02uT%02u:%02u:%02u%sZ",
                   (d.year - 400) % 10000, d.month, d.day, rest / 3600, rest / 60 % 60,
                   rest % 60, fraction);
    return out;
}
