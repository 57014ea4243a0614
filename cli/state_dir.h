/* SPDX-License-Identifier: Apache-2.0 */
/* state_dir - where this user's state and configuration are. */
#ifndef CLI_STATE_DIR_H
#define CLI_STATE_DIR_H

#include "base/error.h"

/* --state-dir, else $MBCLUSTER_STATE, else $XDG_STATE_HOME/mbcluster, else
 * ~/.local/state/mbcluster; absolute, made (0700) when missing, writable.  malloc'ed.
 */
int state_dir_open(const char *flag, char **ret, struct mb_error *err) _must_check_;
/* The same path, but nothing is made or looked at. */
int state_dir_find(const char *flag, char **ret, struct mb_error *err) _must_check_;
/* $XDG_CONFIG_HOME/mbcluster, else ~/.config/mbcluster; not made.  malloc'ed. */
int config_dir_path(char **ret, struct mb_error *err) _must_check_;

#endif
