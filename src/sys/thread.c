/* SPDX-License-Identifier: MIT */
/* Threads. */
#include "sys/internal.h"

#include <limits.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

/* What a new thread runs; on the heap until the thread has read it. */
struct thread_start {
    void (*run)(void *arg);
    void *arg;
};

static void *thread_main(void *opaque)
{
    struct thread_start start = *(struct thread_start *)opaque;
    mem_free(opaque);
    start.run(start.arg);
    return NULL;
}

static int thread_create(struct thread_start *start, size_t stack_size)
{
    pthread_attr_t attr;
    int err = pthread_attr_init(&attr);
    if (err)
        return -err;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (stack_size) {
        size_t least = (size_t)PTHREAD_STACK_MIN;
        pthread_attr_setstacksize(&attr,
                                  stack_size < least ? least : stack_size);
    }

    /* A thread inherits its maker's mask, and there must be no moment in
     * which a signal for the loop's thread could be delivered to this one. */
    sigset_t old;
    sys_block_signals(&old);
    pthread_t thread;
    err = pthread_create(&thread, &attr, thread_main, start);
    sys_unblock_signals(&old);
    pthread_attr_destroy(&attr);
    return -err;
}

int sys_thread_start(void (*run)(void *arg), void *arg, size_t stack_size)
{
    if (fault_strikes(FAULT_SYSCALL))
        return -EAGAIN;
    struct thread_start *start = mem_alloc(sizeof(*start));
    if (!start)
        return -EAGAIN;
    *start = (struct thread_start){.run = run, .arg = arg};
    int err = thread_create(start, stack_size);
    if (err < 0) {
        mem_free(start);
        return -EAGAIN;
    }
    return 0;
}

void sys_thread_sleep(uint64_t ns)
{
    struct timespec left = {
        .tv_sec = (time_t)(ns / NSEC_PER_SEC),
        .tv_nsec = (long)(ns % NSEC_PER_SEC),
    };
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        ;
}

int sys_thread_id(void)
{
    return (int)gettid();
}

int sys_process_id(void)
{
    return (int)getpid();
}

bool sys_is_main_thread(void)
{
    return gettid() == getpid();
}
