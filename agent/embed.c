/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded agent: the same agent on a loop and a thread of its own. */
#include <pthread.h>
#include <stdatomic.h>

#include "agent/agent.h"
#include "base/bug.h"
#include "base/mem.h"

struct agent_embed {
    pthread_t thread;
    struct mb_loop *loop;
    struct agent *agent;
    pthread_mutex_t lock; /* guards failed, error */
    bool failed;
    struct mb_error error;
};

static void on_ended(const struct mb_error *why, void *arg)
{
    struct agent_embed *e = arg;

    pthread_mutex_lock(&e->lock);
    e->failed = true;
    e->error = *why;
    pthread_mutex_unlock(&e->lock);
    mb_loop_stop(e->loop);
}

static void *thread_main(void *arg)
{
    struct agent_embed *e = arg;

    mb_loop_run(e->loop);
    agent_free(e->agent);
    return NULL;
}

int agent_embed_start(const struct agent_opts *opts, struct agent_embed **ret,
                      struct mb_error *err)
{
    struct agent_embed *e = mb_xcalloc(1, sizeof(*e));

    pthread_mutex_init(&e->lock, NULL);
    e->loop = mb_loop_new();
    if (agent_new(e->loop, opts, on_ended, e, &e->agent, err) < 0) {
        mb_loop_free(e->loop);
        free(e);
        return -1;
    }
    BUG_ON(pthread_create(&e->thread, NULL, thread_main, e) != 0);
    *ret = e;
    return 0;
}

static void post_stop(void *arg)
{
    mb_loop_stop(arg);
}

void agent_embed_stop(struct agent_embed *e)
{
    if (!e)
        return;
    mb_loop_post(e->loop, post_stop, e->loop);
    pthread_join(e->thread, NULL);
    mb_loop_free(e->loop);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

bool agent_embed_failed(struct agent_embed *e, struct mb_error *err)
{
    pthread_mutex_lock(&e->lock);
    bool failed = e->failed;
    if (failed)
        *err = e->error;
    pthread_mutex_unlock(&e->lock);
    return failed;
}
