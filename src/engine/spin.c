/* SPDX-License-Identifier: MIT */
/* Looking for news before sleeping; see spin.h. */
#include "engine/spin.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/loop.h"
#include "sys/sys.h"

enum {
    PENALTY_MAX = 1024,          /* sleeps */
    PUSHED_PENALTY_FIRST = 16,
    SUCCESSES_TO_FORGET = 256,
    LOOKS_PER_CLOCK = 8,
};

/* Longer than any look or interrupt takes: another thread ran meanwhile. */
static const uint64_t pushed_off_ns = 100 * UINT64_C(1000);

static double spin_of_environment(void)
{
    const char *text = getenv("ASYNCIO_SPIN");
    char *end;
    if (!text || !*text)
        return 0;
    double microseconds = strtod(text, &end);
    return *end ? -1 : microseconds / 1e6;
}

int spin_init(struct spin *spin, double seconds)
{
    *spin = (struct spin){0};
    if (seconds == 0)
        seconds = spin_of_environment();
    if (!(seconds >= 0 && seconds <= 1))
        return -EINVAL;
    spin->limit_ns = (uint64_t)(seconds * (double)NSEC_PER_SEC);
    return 0;
}

static uint32_t at_most(uint32_t penalty)
{
    return penalty < PENALTY_MAX ? penalty : PENALTY_MAX;
}

static void spin_in_vain(struct spin *spin)
{
    spin->penalty = at_most(2 * spin->penalty + 1);
    spin->rest = spin->penalty;
}

static void spin_pushed_off(struct spin *spin)
{
    uint32_t next = 2 * spin->pushed_penalty;
    spin->pushed_penalty = at_most(next ? next : PUSHED_PENALTY_FIRST);
    spin->rest = spin->pushed_penalty;
    spin->successes = 0;
}

static void spin_paid(struct spin *spin)
{
    spin->penalty = 0;
    if (++spin->successes >= SUCCESSES_TO_FORGET)
        spin->pushed_penalty = 0;
}

static bool loop_has_news(struct asyncio_loop *loop)
{
    struct backend *backend = loop->backend;
    if (mailbox_has_mail(loop->mailbox))
        return true;
    if (backend->class->may_have_completions(backend))
        backend->class->wait(backend, 0);
    return !work_queue_is_empty(&loop->ready);
}

static bool spin_until(struct asyncio_loop *loop, uint64_t limit_ns)
{
    uint64_t start = sys_now_ns(), last = start, now;
    do {
        for (int i = 0; i < LOOKS_PER_CLOCK; i++) {
            if (loop_has_news(loop))
                return true;
        }
        now = sys_now_ns();
        if (now - last > pushed_off_ns) {
            spin_pushed_off(&loop->spin);
            return false;
        }
        last = now;
    } while (now - start < limit_ns);
    spin_in_vain(&loop->spin);
    return false;
}

/* With nothing under way but timers, news can only come from other threads,
 * and those who only sleep are to cost nothing. */
bool spin_for_news(struct asyncio_loop *loop, uint64_t patience_ns)
{
    struct spin *spin = &loop->spin;
    if (likely(!spin->limit_ns) || !loop->backend->in_flight)
        return false;
    if (spin->rest) {
        spin->rest--;
        return false;
    }
    uint64_t limit =
        spin->limit_ns < patience_ns ? spin->limit_ns : patience_ns;
    if (!spin_until(loop, limit))
        return false;
    spin_paid(spin);
    return true;
}
