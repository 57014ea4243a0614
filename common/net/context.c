/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <zmq.h>

#include "base/bug.h"
#include "net/loop_priv.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *context;
static unsigned n_users;

void *mb_net_context_ref(void)
{
    void *ret;

    pthread_mutex_lock(&lock);
    if (n_users++ == 0)
        context = zmq_ctx_new();
    ret = context;
    pthread_mutex_unlock(&lock);
    BUG_ON(!ret);
    return ret;
}

void mb_net_context_unref(void)
{
    void *last = NULL;

    pthread_mutex_lock(&lock);
    BUG_ON(n_users == 0);
    if (--n_users == 0)
        last = steal_ptr(context);
    pthread_mutex_unlock(&lock);
    while (last && zmq_ctx_term(last) < 0 && zmq_errno() == EINTR)
        ; /* again: it waits for what lingers, at most LINGER_MSEC */
}
