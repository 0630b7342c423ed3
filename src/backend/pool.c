/* SPDX-License-Identifier: MIT */
/*
 * The pools of threads. See pool.h for what they promise.
 *
 * Everything in a pool, and job_state and discard of the ops that are in it,
 * is guarded by the pool's lock. An op leaves the pool's care at RETURNED:
 * from then on only its work's way home touches it.
 */
#include "backend/pool.h"

#include <errno.h>
#include <pthread.h>

#include "backend/mailbox.h"
#include "backend/op_class.h"
#include "sys/cpus.h"
#include "sys/sys.h"

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work_came;    /* on the monotonic clock; set up with ready */
    bool ready;
    struct asyncio_link queue;   /* of ops, oldest first, by their link */
    unsigned queued;             /* how many that are */
    unsigned threads;
    unsigned idle;               /* of them, those that wait for work_came */
    unsigned threads_max;        /* 0: as many as asyncio's executor has */
};

#define POOL_INITIALIZER(pool, max)                                           \
    {                                                                         \
        .lock = PTHREAD_MUTEX_INITIALIZER,                                    \
        .queue = {&(pool).queue, &(pool).queue}, .threads_max = (max),        \
    }

struct pool pool_files = POOL_INITIALIZER(pool_files, 16);
struct pool pool_names = POOL_INITIALIZER(pool_names, 8);
struct pool pool_tasks = POOL_INITIALIZER(pool_tasks, 0);

uint64_t pool_idle_ns = 5 * NSEC_PER_SEC;

/* What cannot be in an initializer. */
static void pool_make_ready(struct pool *pool)
{
    if (pool->ready)
        return;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->work_came, &attr);
    pthread_condattr_destroy(&attr);
    if (pool->threads_max == 0) {
        unsigned cpus = sys_cpu_count();
        pool->threads_max = cpus + 4 < 32 ? cpus + 4 : 32;
    }
    pool->ready = true;
}

static void pool_enqueue(struct pool *pool, struct op *op)
{
    op->job_state = JOB_QUEUED;
    list_push_back(&pool->queue, &op->link);
    pool->queued++;
}

static void pool_dequeue(struct pool *pool, struct op *op, enum job_state next)
{
    list_remove(&op->link);
    pool->queued--;
    op->job_state = next;
}

/* ---- a thread's life ---- */

/* Waits for work with the lock held. False: long enough, and none came. */
static bool pool_wait(struct pool *pool)
{
    uint64_t until_ns = sys_now_ns() + pool_idle_ns;
    struct timespec until = {
        .tv_sec = (time_t)(until_ns / NSEC_PER_SEC),
        .tv_nsec = (long)(until_ns % NSEC_PER_SEC),
    };
    int err = 0;
    pool->idle++;
    while (list_is_empty(&pool->queue) && err != ETIMEDOUT)
        err = pthread_cond_timedwait(&pool->work_came, &pool->lock, &until);
    pool->idle--;
    return !list_is_empty(&pool->queue);
}

/* The loop's thread runs this: the completion has come home. */
static void pool_deliver(struct work *work)
{
    op_end(container_of(work, struct op, work));
}

/* Runs one job, with the lock held at entry and at return only. */
static void pool_run_job(struct pool *pool, struct op *op)
{
    bool wanted = !op->discard;
    pool_dequeue(pool, op, JOB_RUNNING);
    pthread_mutex_unlock(&pool->lock);

    if (wanted)
        op->result = op_class[op->kind]->block(op);

    pthread_mutex_lock(&pool->lock);
    op->job_state = JOB_RETURNED;
    void (*discard)(struct op *) = op->discard;
    pthread_mutex_unlock(&pool->lock);

    /* The op may be gone as soon as it is posted. A loop that has ended has
     * nobody who waits for it: then that is all. */
    struct mailbox *home = op->home;
    if (discard)
        discard(op);
    else
        (void)mailbox_post(home, &op->work);
    mailbox_unref(home);

    pthread_mutex_lock(&pool->lock);
}

static void pool_thread(void *arg)
{
    struct pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    while (!list_is_empty(&pool->queue) || pool_wait(pool))
        pool_run_job(pool,
                     container_of(pool->queue.next, struct op, link));
    pool->threads--;
    pthread_mutex_unlock(&pool->lock);
}

/* ---- what the loops call ---- */

/* Sees to it that somebody takes the job just queued; with the lock held. */
static int pool_staff(struct pool *pool)
{
    int err = 0;
    if (pool->queued > pool->idle && pool->threads < pool->threads_max) {
        /* Counted first: the thread may begin at once. */
        pool->threads++;
        err = sys_thread_start(pool_thread, pool, 0);
        if (err < 0)
            pool->threads--;
    }
    /* A busy thread will come round to it. */
    if (pool->threads == 0)
        return err;
    if (pool->idle > 0)
        pthread_cond_signal(&pool->work_came);
    return 0;
}

int pool_submit(struct pool *pool, struct op *op, struct mailbox *home)
{
    op->state = OP_IN_FLIGHT;
    op->work.run = pool_deliver;
    op->home = mailbox_ref(home);
    op->discard = NULL;

    pthread_mutex_lock(&pool->lock);
    pool_make_ready(pool);
    pool_enqueue(pool, op);
    int err = pool_staff(pool);
    if (err < 0)
        pool_dequeue(pool, op, JOB_NONE);
    pthread_mutex_unlock(&pool->lock);

    if (err < 0) {
        op->state = OP_IDLE;
        mailbox_unref(home);
    }
    return err;
}

bool pool_withdraw(struct pool *pool, struct op *op)
{
    pthread_mutex_lock(&pool->lock);
    bool queued = op->job_state == JOB_QUEUED && !op->discard;
    if (queued)
        pool_dequeue(pool, op, JOB_NONE);
    pthread_mutex_unlock(&pool->lock);
    if (queued) {
        op->state = OP_IDLE;
        mailbox_unref(op->home);
    }
    return queued;
}

bool pool_abandon(struct pool *pool, struct op *op,
                  void (*discard)(struct op *op))
{
    pthread_mutex_lock(&pool->lock);
    bool in_time = op->job_state == JOB_QUEUED || op->job_state == JOB_RUNNING;
    if (in_time)
        op->discard = discard;
    pthread_mutex_unlock(&pool->lock);
    return in_time;
}

void pool_count(struct pool *pool, unsigned *ret_threads, unsigned *ret_idle)
{
    pthread_mutex_lock(&pool->lock);
    *ret_threads = pool->threads;
    *ret_idle = pool->idle;
    pthread_mutex_unlock(&pool->lock);
}

/* ---- fork ---- */

static struct pool *const pools[] = {&pool_files, &pool_names, &pool_tasks};

void pool_before_fork(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(pools); i++)
        pthread_mutex_lock(&pools[i]->lock);
}

void pool_after_fork_in_parent(void)
{
    for (size_t i = ARRAY_SIZE(pools); i-- > 0;)
        pthread_mutex_unlock(&pools[i]->lock);
}

/* The jobs in the queue are those of the parent's loops. */
static void pool_reset(struct pool *pool)
{
    pool->ready = false;         /* the parent's threads wait for work_came */
    list_init(&pool->queue);
    pool->queued = 0;
    pool->threads = 0;
    pool->idle = 0;
}

void pool_reset_after_fork(void)
{
    for (size_t i = ARRAY_SIZE(pools); i-- > 0;) {
        pool_reset(pools[i]);
        pthread_mutex_unlock(&pools[i]->lock);
    }
}
