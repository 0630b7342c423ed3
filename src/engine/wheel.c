/* SPDX-License-Identifier: MIT */
/*
 * The timing wheel; see wheel.h.
 *
 * Two facts keep it simple. On any level only slots ahead of the wheel's own
 * digit are occupied (but for the current slot of level 0), since what differs
 * in a higher digit stands on a higher level: so the next timer is in the
 * first occupied slot of the first occupied level. And a timer enters a lower
 * level before any other with its deadline can be inserted there: so equal
 * deadlines stay in the order of insertion.
 */
#include "engine/wheel.h"

#include "base/list_sort.h"

void wheel_init(struct wheel *wheel, uint64_t now_ns)
{
    wheel->tick = now_ns >> WHEEL_TICK_SHIFT;
}

static unsigned wheel_level(uint64_t tick, uint64_t other)
{
    uint64_t difference = tick ^ other;
    if (difference < WHEEL_SLOTS)
        return 0;
    return (63 - (unsigned)__builtin_clzll(difference)) / WHEEL_DIGIT_BITS;
}

static unsigned wheel_digit(uint64_t tick, unsigned level)
{
    return (tick >> (level * WHEEL_DIGIT_BITS)) & (WHEEL_SLOTS - 1);
}

static void wheel_place(struct wheel *wheel, struct asyncio_timer *timer)
{
    uint64_t tick = timer->deadline_ns >> WHEEL_TICK_SHIFT;
    if (tick < wheel->tick)
        tick = wheel->tick;

    unsigned level = wheel_level(tick, wheel->tick);
    unsigned digit = wheel_digit(tick, level);
    struct asyncio_link *slot = &wheel->slots[level][digit];
    uint64_t bit = UINT64_C(1) << digit;
    if (!(wheel->occupied[level] & bit)) {
        list_init(slot);
        wheel->occupied[level] |= bit;
    }
    list_push_back(slot, &timer->link);
}

void wheel_insert(struct wheel *wheel, struct asyncio_timer *timer,
                  uint64_t deadline_ns)
{
    DEBUG_ASSERT(!timer_is_armed(timer));
    timer->deadline_ns = deadline_ns;
    if (deadline_ns == NSEC_NEVER)
        return;
    wheel->count++;
    wheel_place(wheel, timer);
}

void wheel_remove(struct wheel *wheel, struct asyncio_timer *timer)
{
    if (!timer_is_armed(timer))
        return;
    if (timer->deadline_ns != NSEC_NEVER) /* else it is due: not counted */
        wheel->count--;
    list_remove(&timer->link);
}

static bool timer_is_later(const struct asyncio_link *a,
                           const struct asyncio_link *b)
{
    return container_of(a, const struct asyncio_timer, link)->deadline_ns >
           container_of(b, const struct asyncio_timer, link)->deadline_ns;
}

/* Where the next timers are: the first occupied slot. */
struct wheel_slot {
    struct asyncio_link *timers;
    unsigned level;
    unsigned digit;
    uint64_t tick;               /* the first that falls into it */
};

static bool wheel_first_of(struct wheel *wheel, unsigned level,
                           struct wheel_slot *ret_slot)
{
    while (wheel->occupied[level]) {
        unsigned digit = (unsigned)__builtin_ctzll(wheel->occupied[level]);
        unsigned shift = level * WHEEL_DIGIT_BITS;
        uint64_t above = wheel->tick >> shift >> WHEEL_DIGIT_BITS;
        *ret_slot = (struct wheel_slot){
            .timers = &wheel->slots[level][digit],
            .level = level,
            .digit = digit,
            .tick = ((above << WHEEL_DIGIT_BITS) | digit) << shift,
        };
        if (!list_is_empty(ret_slot->timers))
            return true;
        wheel->occupied[level] &= wheel->occupied[level] - 1;
    }
    return false;
}

static bool wheel_first(struct wheel *wheel, struct wheel_slot *ret_slot)
{
    if (!wheel->count)
        return false;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        if (wheel_first_of(wheel, level, ret_slot))
            return true;
    }
    panic("the timing wheel has lost %zu timers", wheel->count);
}

/* Empties a slot: what is due goes to `ret_due`, the rest to lower levels. */
static void wheel_empty(struct wheel *wheel, const struct wheel_slot *slot,
                        uint64_t now_ns, struct asyncio_link *ret_due)
{
    struct asyncio_link taken;
    list_init(&taken);
    list_splice(&taken, slot->timers);
    wheel->occupied[slot->level] &= ~(UINT64_C(1) << slot->digit);
    if (slot->level == 0)
        list_sort(&taken, timer_is_later);

    struct asyncio_link *link;
    while ((link = list_pop_front(&taken))) {
        struct asyncio_timer *timer =
            container_of(link, struct asyncio_timer, link);
        if (slot->level > 0 || timer->deadline_ns > now_ns) {
            wheel_place(wheel, timer);
            continue;
        }
        timer->deadline_ns = NSEC_NEVER;
        list_push_back(ret_due, link);
        wheel->count--;
    }
}

/* Slot by slot, so that only the timers of one tick are ever sorted, and are
 * still in the cache when they are called. */
bool wheel_advance(struct wheel *wheel, uint64_t now_ns,
                   struct asyncio_link *ret_due)
{
    uint64_t to = now_ns >> WHEEL_TICK_SHIFT;
    if (to < wheel->tick)
        to = wheel->tick;

    list_init(ret_due);
    struct wheel_slot slot;
    while (wheel_first(wheel, &slot) && slot.tick <= to) {
        wheel->tick = slot.tick;
        wheel_empty(wheel, &slot, now_ns, ret_due);
        if (slot.level == 0 && slot.tick == to)
            break;
        if (!list_is_empty(ret_due))
            return true;
    }
    wheel->tick = to;
    return false;
}

static uint64_t slot_earliest_ns(struct asyncio_link *timers)
{
    uint64_t earliest = NSEC_NEVER;
    LIST_FOR_EACH(link, timers) {
        uint64_t deadline =
            container_of(link, struct asyncio_timer, link)->deadline_ns;
        if (deadline < earliest)
            earliest = deadline;
    }
    return earliest;
}

uint64_t wheel_next_ns(struct wheel *wheel)
{
    struct wheel_slot slot;
    if (!wheel_first(wheel, &slot))
        return NSEC_NEVER;
    if (slot.level == 0)
        return slot_earliest_ns(slot.timers);
    return slot.tick << WHEEL_TICK_SHIFT;
}
