/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_reach - is the coordinator there, and do our clocks agree?
 *
 * A client says hello and goodbye, as "mbcluster ls" does. An agent's key is only
 * shown: a second hello with it would end the session of the agent that is running.
 */
#ifndef CLI_DOCTOR_REACH_H
#define CLI_DOCTOR_REACH_H

#include "agent/doctor.h"

/* The cluster of --cluster or MBCLUSTER_CLUSTER, else the agent whose membership is in
 * @state_dir, else nobody: then only the clock is looked at. */
void doctor_reach(const char *cluster, const char *state_dir, struct doctor_report *r);

/* Ask @url for "/v2/", with @token or, NULL, without; judges the clock by the answer.
 */
void doctor_blobs(const char *url, const char *token, struct doctor_report *r);
/* An HTTP date such as "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7); 0: it
 * is none. */
int64_t doctor_http_date(const char *text);

#endif
