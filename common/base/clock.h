/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MB_BASE_CLOCK_H
#define MB_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define MB_USEC_PER_SEC UINT64_C(1000000)

uint64_t mb_now_usec(void);  /* CLOCK_MONOTONIC */
int64_t mb_wall_sec(void);   /* seconds since 1970 */
uint64_t mb_wall_usec(void); /* microseconds since 1970 */

/* RFC 3339 in UTC as Go's time.Time JSON: no fraction when usec is 0, else trailing
 * zeros cut: "2026-01-02T03:04:05.12Z". */
#define MB_RFC3339_LEN 36
const char *mb_rfc3339(int64_t sec, uint32_t usec, char out[MB_RFC3339_LEN]);

#endif
