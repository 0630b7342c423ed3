/* SPDX-License-Identifier: MIT */
/*
 * Deep and wide: long chains of tasks that wait for one another, scopes in
 * scopes, trees of groups, crowds before one door, and children that nobody
 * awaits. Nothing here may take stack in proportion to the depth.
 */
#include "rig.h"

/* ---- chains ---- */

enum { CHAIN = 10000 };

struct chain {
    size_t length;               /* tasks in it */
    asyncio_fn *link;            /* starts the next one and waits for it */
    size_t begun, ended;
    size_t cancelled;            /* of those that ended */
};

static int chain_end(struct chain *chain, int err)
{
    chain->ended++;
    chain->cancelled += asyncio_check_cancelled() == -ECANCELED;
    return err;
}

static int link_await(void *arg)
{
    struct chain *chain = arg;
    if (++chain->begun == chain->length)
        return chain_end(chain, asyncio_sleep(ASYNCIO_FOREVER));
    asyncio_task next = asyncio_create_task(link_await, chain);
    return chain_end(chain, asyncio_await(next));
}

static int link_gather(void *arg)
{
    struct chain *chain = arg;
    if (++chain->begun == chain->length)
        return chain_end(chain, asyncio_sleep(ASYNCIO_FOREVER));
    asyncio_task next = asyncio_create_task(link_gather, chain);
    return chain_end(chain, asyncio_gather(&next, 1, NULL));
}

static int link_group(void *arg)
{
    struct chain *chain = arg;
    struct asyncio_group group;
    if (++chain->begun == chain->length)
        return chain_end(chain, asyncio_sleep(ASYNCIO_FOREVER));
    CHEAP_ASSERT(asyncio_group_begin(&group) == 0);
    asyncio_group_create_task(&group, link_group, chain);
    return chain_end(chain, asyncio_group_end(&group, 0));
}

/* Each under a deadline of its own. */
static int link_wait_for(void *arg)
{
    struct chain *chain = arg;
    if (++chain->begun == chain->length)
        return chain_end(chain, asyncio_sleep(ASYNCIO_FOREVER));
    asyncio_task next = asyncio_create_task(link_wait_for, chain);
    return chain_end(chain, asyncio_wait_for(next, 100000));
}

/* Lets the whole chain begin, one link a turn. */
static asyncio_task chain_start(struct chain *chain)
{
    asyncio_task top = asyncio_create_task(chain->link, chain);
    for (size_t i = 0; i < 2 * chain->length + 10; i++) {
        if (chain->begun == chain->length)
            break;
        CHEAP_ASSERT(asyncio_sleep(0) == 0);
    }
    ck_assert_uint_eq(chain->begun, chain->length);
    ck_assert_uint_eq(chain->ended, 0);
    return top;
}

static void chain_check(const struct chain *chain)
{
    ck_assert_uint_eq(chain->ended, chain->length);
    ck_assert_uint_eq(chain->cancelled, chain->length);
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), 1);
}

/* From a task: its stack is smaller than a thread's. */
static int cancel_chain(void *arg)
{
    struct chain chain = {.link = *(asyncio_fn **)arg};
    chain.length = crowd_of(CHAIN);
    asyncio_task top = chain_start(&chain);
    ck_assert_int_eq(asyncio_task_cancel(top), 0);
    ck_assert_int_eq(asyncio_await(top), -ECANCELED);
    chain_check(&chain);
    return 0;
}

/* By a deadline, which the loop's own stack serves. */
static int expire_chain(void *arg)
{
    struct chain chain = {.link = *(asyncio_fn **)arg};
    struct asyncio_timeout timeout;
    chain.length = crowd_of(CHAIN);
    asyncio_task top = chain_start(&chain);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, TICK), 0);
    int err = asyncio_timeout_end(&timeout, asyncio_await(top));
    ck_assert_int_eq(err, -ETIMEDOUT);
    chain_check(&chain);
    return 0;
}

/* By the end of the one who started it. */
static int leave_chain(void *arg)
{
    struct chain *chain = arg;
    chain->length = crowd_of(CHAIN);
    chain_start(chain);
    return 0;
}

static int drop_chain(void *arg)
{
    struct chain chain = {.link = *(asyncio_fn **)arg};
    asyncio_task owner = asyncio_create_task(leave_chain, &chain);
    ck_assert_int_eq(asyncio_await(owner), 0);
    chain_check(&chain);
    return 0;
}

static asyncio_fn *const links[] = {
    link_await,
    link_gather,
    link_group,
    link_wait_for,
};

START_TEST(a_chain_is_cancelled_from_its_top)
{
    for (size_t i = 0; i < ARRAY_SIZE(links); i++)
        ck_assert_int_eq(asyncio_run(cancel_chain, (void *)&links[i]), 0);
}
END_TEST

START_TEST(a_chain_runs_out_of_time)
{
    for (size_t i = 0; i < ARRAY_SIZE(links); i++)
        ck_assert_int_eq(asyncio_run(expire_chain, (void *)&links[i]), 0);
}
END_TEST

START_TEST(a_chain_is_left_behind)
{
    for (size_t i = 0; i < ARRAY_SIZE(links); i++)
        ck_assert_int_eq(asyncio_run(drop_chain, (void *)&links[i]), 0);
}
END_TEST

/* Waiting for the one above would wait for ever, however far above it is. */
static int wait_for_the_top(void *arg)
{
    const asyncio_task *top = arg;
    ck_assert_int_eq(asyncio_await(*top), -EDEADLK);
    ck_assert_int_eq(asyncio_gather(top, 1, NULL), -EDEADLK);
    return 0;
}

struct ladder {
    asyncio_task top;
    size_t depth;
};

static int climb_down(void *arg)
{
    struct ladder *ladder = arg;
    asyncio_task next =
        --ladder->depth ? asyncio_create_task(climb_down, ladder)
                        : asyncio_create_task(wait_for_the_top, &ladder->top);
    return asyncio_await(next);
}

static int ladder_main(void *arg)
{
    struct ladder ladder = {.depth = crowd_of(CHAIN)};
    (void)arg;
    ladder.top = asyncio_create_task(climb_down, &ladder);
    /* Nobody awaits it, so that there is no other reason to refuse. */
    while (!asyncio_task_is_done(ladder.top))
        ck_assert_int_eq(asyncio_sleep(TICK), 0);
    return asyncio_await(ladder.top);
}

START_TEST(a_circle_of_ten_thousand_is_found)
{
    ck_assert_int_eq(asyncio_run(ladder_main, NULL), 0);
}
END_TEST

/* ---- scopes in scopes, in one task ---- */

enum { SCOPES = 1000 };

static int innermost(void)
{
    ck_assert_int_eq(asyncio_check_cancelled(), 0);
    return asyncio_sleep(ASYNCIO_FOREVER);
}

/* Timeouts around one another, of which `short_at` is the short one. */
static int nest_timeouts(int depth, int short_at)
{
    struct asyncio_timeout timeout;
    if (depth == SCOPES)
        return innermost();
    double seconds = depth == short_at ? TICK : 10000;
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, seconds), 0);
    int err = nest_timeouts(depth + 1, short_at);
    ck_assert_int_eq(asyncio_timeout_expired(&timeout), depth == short_at);
    err = asyncio_timeout_end(&timeout, err);
    ck_assert_int_eq(err, depth > short_at ? -ECANCELED : -ETIMEDOUT);
    return err;
}

static int timeouts_main(void *arg)
{
    (void)arg;
    ck_assert_int_eq(nest_timeouts(0, 0), -ETIMEDOUT);
    ck_assert_int_eq(nest_timeouts(0, SCOPES / 2), -ETIMEDOUT);
    ck_assert_int_eq(nest_timeouts(0, SCOPES - 1), -ETIMEDOUT);
    return 0;
}

/* A shield at every other depth; the outermost timeout, far above them, has
 * passed before anything waits. */
static int nest_shields(int depth)
{
    struct asyncio_timeout timeout;
    struct asyncio_shield shield;
    if (depth == SCOPES) {
        ck_assert_int_eq(asyncio_check_cancelled(), 0);
        return asyncio_sleep(TICK);
    }
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, -1), 0);
    ck_assert_int_eq(asyncio_check_cancelled(), -ECANCELED);
    ck_assert_int_eq(asyncio_shield_begin(&shield, ASYNCIO_FOREVER), 0);
    int err = asyncio_shield_end(&shield, nest_shields(depth + 1));
    ck_assert_int_eq(err, 0);
    ck_assert_int_eq(asyncio_sleep(TICK), -ECANCELED);
    return asyncio_timeout_end(&timeout, err);
}

static int shields_main(void *arg)
{
    (void)arg;
    return nest_shields(0);
}

/* On a stack that holds them. */
static int run_roomy(void *arg)
{
    const struct asyncio_task_options options = {.stack_size = 8 << 20};
    asyncio_fn **fn = arg;
    return asyncio_await(asyncio_create_task_with(*fn, NULL, &options));
}

START_TEST(a_thousand_timeouts_in_one_another)
{
    asyncio_fn *fn = timeouts_main;
    ck_assert_int_eq(asyncio_run(run_roomy, &fn), 0);
}
END_TEST

START_TEST(a_thousand_shields_in_one_another)
{
    asyncio_fn *fn = shields_main;
    ck_assert_int_eq(asyncio_run(run_roomy, &fn), 0);
}
END_TEST

/* ---- a tree of groups ---- */

enum { TREE_DEPTH = 12 };

static struct {
    int depth;
    size_t leaf;                 /* the one that fails; counted */
    size_t leaves, alive, failures;
} tree;

struct tree_node {
    int depth;
};

static int tree_leaf(void)
{
    if (tree.leaves++ == tree.leaf) {
        int err = asyncio_sleep(TICK);
        ck_assert_int_eq(err, 0);
        return -EIO;
    }
    return asyncio_sleep(ASYNCIO_FOREVER);
}

static int tree_grow(void *arg)
{
    const struct tree_node *node = arg;
    struct tree_node below = {node->depth + 1};
    struct asyncio_group group;
    tree.alive++;
    int err;
    if (node->depth == tree.depth) {
        err = tree_leaf();
    } else {
        CHEAP_ASSERT(asyncio_group_begin(&group) == 0);
        asyncio_group_create_task(&group, tree_grow, &below);
        asyncio_group_create_task(&group, tree_grow, &below);
        err = asyncio_group_end(&group, 0);
        tree.failures += asyncio_group_failures(&group);
    }
    tree.alive--;
    return err;
}

static int tree_main(void *arg)
{
    struct tree_node root = {0};
    (void)arg;
    tree.depth = crowd_of(SIZE_MAX) < 10000 ? 7 : TREE_DEPTH;
    ck_assert_int_eq(asyncio_await(asyncio_create_task(tree_grow, &root)),
                     -EIO);
    ck_assert_uint_eq(tree.leaves, (size_t)1 << tree.depth);
    ck_assert_uint_eq(tree.alive, 0);
    /* One way up, from the leaf to the root; nobody else has failed. */
    ck_assert_uint_eq(tree.failures, (size_t)tree.depth);
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), 1);
    return 0;
}

START_TEST(a_leaf_fails_in_a_tree_of_groups)
{
    const size_t failing[] = {0, 17, 100};
    for (size_t i = 0; i < ARRAY_SIZE(failing); i++) {
        memset(&tree, 0, sizeof tree);
        tree.leaf = failing[i];
        ck_assert_int_eq(asyncio_run(tree_main, NULL), 0);
    }
}
END_TEST

/* ---- many before one door ---- */

enum { GUESTS = 10000 };

static struct {
    struct asyncio_lock lock;
    struct asyncio_event event;
    struct asyncio_semaphore semaphore;
    size_t inside, inside_max, passed;
} door;

static int guest_of_lock(void *arg)
{
    (void)arg;
    TRY(asyncio_lock_acquire(&door.lock));
    door.passed++;
    CHEAP_ASSERT(++door.inside == 1);
    int err = door.passed % 64 ? 0 : asyncio_sleep(0);
    door.inside--;
    CHEAP_ASSERT(asyncio_lock_release(&door.lock) == 0);
    return err;
}

static int guest_of_event(void *arg)
{
    (void)arg;
    TRY(asyncio_event_wait(&door.event));
    door.passed++;
    return 0;
}

static int guest_of_semaphore(void *arg)
{
    (void)arg;
    TRY(asyncio_semaphore_acquire(&door.semaphore));
    door.passed++;
    CHEAP_ASSERT(++door.inside <= 3);
    if (door.inside > door.inside_max)
        door.inside_max = door.inside;
    int err = door.passed % 8 ? 0 : asyncio_sleep(0);
    door.inside--;
    CHEAP_ASSERT(asyncio_semaphore_release(&door.semaphore) == 0);
    return err;
}

/* Every third is cancelled while it waits; the others must all get in. */
static void pass_door(asyncio_fn *guest, void (*open)(void))
{
    size_t count = crowd_of(GUESTS), cancelled = 0;
    asyncio_task *tasks = calloc(count, sizeof *tasks);
    int *results = calloc(count, sizeof *results);
    ck_assert(tasks && results);
    door.inside = door.inside_max = door.passed = 0;
    for (size_t i = 0; i < count; i++)
        tasks[i] = asyncio_create_task(guest, NULL);
    ck_assert_int_eq(asyncio_sleep(TICK), 0);
    ck_assert_uint_eq(door.passed, 0);
    for (size_t i = 0; i < count; i += 3)
        CHEAP_ASSERT(asyncio_task_cancel(tasks[i]) == 0);
    open();
    ck_assert_int_eq(asyncio_gather(tasks, count, results), -ECANCELED);
    for (size_t i = 0; i < count; i++) {
        CHEAP_ASSERT(results[i] == (i % 3 ? 0 : -ECANCELED));
        cancelled += results[i] < 0;
    }
    ck_assert_uint_eq(door.passed + cancelled, count);
    free(tasks);
    free(results);
}

static void open_lock(void)
{
    ck_assert_int_eq(asyncio_lock_release(&door.lock), 0);
}

static void open_event(void)
{
    asyncio_event_set(&door.event);
}

static void open_semaphore(void)
{
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(asyncio_semaphore_release(&door.semaphore), 0);
}

static int doors_main(void *arg)
{
    (void)arg;
    asyncio_lock_init(&door.lock);
    ck_assert_int_eq(asyncio_lock_acquire(&door.lock), 0);
    pass_door(guest_of_lock, open_lock);
    ck_assert(!asyncio_lock_is_locked(&door.lock));
    asyncio_lock_fini(&door.lock);

    asyncio_event_init(&door.event);
    pass_door(guest_of_event, open_event);
    asyncio_event_fini(&door.event);

    asyncio_semaphore_init(&door.semaphore, 0);
    pass_door(guest_of_semaphore, open_semaphore);
    ck_assert_uint_ge(door.inside_max, 2);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(asyncio_semaphore_try_acquire(&door.semaphore), 0);
    ck_assert_int_eq(asyncio_semaphore_try_acquire(&door.semaphore), -EAGAIN);
    asyncio_semaphore_fini(&door.semaphore);
    return 0;
}

START_TEST(ten_thousand_before_one_door)
{
    ck_assert_int_eq(asyncio_run(doors_main, NULL), 0);
}
END_TEST

/* ---- children that nobody awaits ---- */

enum { CHILDREN = 5000 };

static struct {
    size_t begun, ended;
    size_t depth;
} family;

static int stay(void *arg)
{
    struct asyncio_shield shield;
    family.begun++;
    int err = asyncio_sleep(ASYNCIO_FOREVER);
    CHEAP_ASSERT(err == -ECANCELED);
    if (arg) {
        CHEAP_ASSERT(asyncio_shield_begin(&shield, ASYNCIO_FOREVER) == 0);
        CHEAP_ASSERT(asyncio_sleep(TICK) == 0);
        err = asyncio_shield_end(&shield, err);
    }
    family.ended++;
    return err;
}

/* Some of them need time to end. */
static int have_children(void *arg)
{
    size_t count = crowd_of(CHILDREN);
    for (size_t i = 0; i < count; i++)
        CHEAP_ASSERT(asyncio_task_error(asyncio_create_task(
                         stay, i % 5 ? NULL : &family)) == 0);
    return arg ? asyncio_sleep(TICK) : 0;
}

static int children_main(void *arg)
{
    size_t count = crowd_of(CHILDREN);
    for (int i = 0; i < 2; i++) {
        memset(&family, 0, sizeof family);
        asyncio_task parent =
            asyncio_create_task(have_children, i ? &family : arg);
        ck_assert_int_eq(asyncio_await(parent), 0);
        ck_assert_uint_eq(family.begun, count);
        ck_assert_uint_eq(family.ended, count);
        ck_assert_int_eq(asyncio_all_tasks(NULL, 0), 1);
    }
    return 0;
}

START_TEST(five_thousand_children_end_before_their_parent)
{
    ck_assert_int_eq(asyncio_run(children_main, NULL), 0);
}
END_TEST

/* Each has one child and returns at once. */
static int descend(void *arg)
{
    family.begun++;
    if (--family.depth)
        asyncio_create_task(descend, arg);
    return 0;
}

static int generations_main(void *arg)
{
    size_t count = crowd_of(CHAIN);
    memset(&family, 0, sizeof family);
    family.depth = count;
    ck_assert_int_eq(asyncio_await(asyncio_create_task(descend, arg)), 0);
    ck_assert_uint_eq(family.begun, count);
    ck_assert_int_eq(asyncio_all_tasks(NULL, 0), 1);
    return 0;
}

START_TEST(ten_thousand_generations)
{
    ck_assert_int_eq(asyncio_run(generations_main, NULL), 0);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("deep");
    suite_case(suite, a_chain_is_cancelled_from_its_top);
    suite_case(suite, a_chain_runs_out_of_time);
    suite_case(suite, a_chain_is_left_behind);
    suite_case(suite, a_circle_of_ten_thousand_is_found);
    suite_case(suite, a_thousand_timeouts_in_one_another);
    suite_case(suite, a_thousand_shields_in_one_another);
    suite_case(suite, a_leaf_fails_in_a_tree_of_groups);
    suite_case(suite, ten_thousand_before_one_door);
    suite_case(suite, five_thousand_children_end_before_their_parent);
    suite_case(suite, ten_thousand_generations);
    return suite;
}
