/* SPDX-License-Identifier: Apache-2.0 */
#include "coordinator/scheduler/scheduler.h"

enum ability { CANNOT, EMULATED, NATIVE };

static enum ability ability_of(const struct sched_agent *a, const struct mb_platform *p,
                               enum sched_emulation emulation)
{
    enum ability best = CANNOT;

    for (size_t i = 0; i < a->info->n_platforms; i++) {
        const struct mb_agent_platform *ap = &a->info->platforms[i];
        if (!mb_platform_equal(&ap->platform, p))
            continue;
        if (ap->emulated && emulation != SCHED_EMULATION_NEVER && best < EMULATED)
            best = EMULATED;
        if (!ap->emulated && emulation != SCHED_EMULATION_ALWAYS)
            best = NATIVE;
    }
    return best;
}

/* Is @a a better choice than @b? Both are free. */
static bool better(const struct sched_agent *a, const struct sched_agent *b)
{
    if (a->failed_before != b->failed_before)
        return !a->failed_before;
    uint64_t load_a = a->running * b->info->slots, load_b = b->running * a->info->slots;
    if (a->holds_start != b->holds_start && (a->running == 0 || load_a <= load_b))
        return a->holds_start;
    return load_a < load_b;
}

enum sched_verdict scheduler_pick(const struct sched_agent *agents, size_t n,
                                  const struct mb_platform *platform,
                                  enum sched_emulation emulation, size_t *ret_index,
                                  bool *ret_emulated)
{
    enum ability tier = CANNOT;
    const struct sched_agent *best = NULL;

    for (size_t i = 0; i < n; i++) {
        enum ability able =
            agents[i].usable ? ability_of(&agents[i], platform, emulation) : CANNOT;
        if (able > tier)
            tier = able;
    }
    if (tier == CANNOT)
        return SCHED_IMPOSSIBLE;
    for (size_t i = 0; i < n; i++) {
        const struct sched_agent *a = &agents[i];
        if (!a->usable || ability_of(a, platform, emulation) != tier
            || a->running >= a->info->slots)
            continue;
        if (!best || better(a, best)) {
            best = a;
            *ret_index = i;
        }
    }
    *ret_emulated = tier == EMULATED;
    return best ? SCHED_ASSIGN : SCHED_WAIT;
}

static uint64_t native_slots(const struct sched_agent *agents, size_t n,
                             const struct mb_platform *p)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        if (agents[i].usable
            && ability_of(&agents[i], p, SCHED_EMULATION_NEVER) == NATIVE)
            sum += agents[i].info->slots;
    return sum;
}

bool scheduler_build_platform(const struct sched_agent *agents, size_t n,
                              struct mb_platform *ret)
{
    uint64_t most = 0;

    /* The first native platform of each agent is its machine's own; 32-bit ones come
     * behind. */
    for (size_t i = 0; i < n; i++) {
        const struct mb_agent_info *info = agents[i].info;
        if (!agents[i].usable || info->n_platforms == 0)
            continue;
        uint64_t slots = native_slots(agents, n, &info->platforms[0].platform);
        if (slots > most) {
            most = slots;
            *ret = info->platforms[0].platform;
        }
    }
    if (most > 0)
        return true;
    for (size_t i = 0; i < n; i++) {
        if (agents[i].usable && agents[i].info->n_platforms > 0) {
            *ret = agents[i].info->platforms[0].platform;
            return true;
        }
    }
    return false;
}
