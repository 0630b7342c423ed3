/* SPDX-License-Identifier: MIT */
/* For ThreadSanitizer: a context or task and another thread write to one
 * variable. */
#include "planted.h"

#include <pthread.h>

static long shared;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void add(bool is_clean)
{
    if (is_clean)
        pthread_mutex_lock(&mutex);
    shared++;
    if (is_clean)
        pthread_mutex_unlock(&mutex);
}

static void *add_from_thread(void *arg)
{
    for (int i = 0; i < 1000; i++)
        add(*(bool *)arg);
    return NULL;
}

static __attribute__((noinline)) void planted_race(bool is_clean)
{
    pthread_t thread;
    pthread_create(&thread, NULL, add_from_thread, &is_clean);
    for (int i = 0; i < 1000; i++)
        add(is_clean);
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    return run_planted(argc, argv, planted_race);
}
