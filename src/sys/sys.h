/* SPDX-License-Identifier: MIT */
/*
 * Every system call the library makes, as a function that returns a negative
 * errno. errno is named in this folder only. Each can be made to fail through
 * base/fault.h; each that the kernel may interrupt is retried on EINTR unless
 * its comment says otherwise. All descriptors are close-on-exec from birth.
 */
#ifndef SYS_SYS_H
#define SYS_SYS_H

#include <signal.h>
#include <sys/epoll.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/base.h"

/* ---- clock ---- */

/* CLOCK_MONOTONIC in nanoseconds. Cannot fail. */
uint64_t sys_now_ns(void);

/* ---- memory ---- */

size_t sys_page_size(void);
/* Anonymous private memory, NORESERVE, no huge pages. NULL when out of it. */
void *sys_map(size_t size);
void sys_unmap(void *memory, size_t size);
/* Gives the pages back; they read as zero (guards stay). */
int sys_discard(void *memory, size_t size);
/* Makes `count` ranges of `len` bytes, `stride` apart from `first` on, fault
 * at a touch: MADV_GUARD_INSTALL in batches where it works (found out by its
 * effect, once per process: emulators accept the advice and do nothing),
 * mprotect elsewhere. */
int sys_guard(void *first, size_t len, size_t stride, size_t count);
/* For tests: from now on guard by mprotect, or find out anew. */
void sys_guard_force_mprotect(bool force);

/* ---- descriptors ---- */

void sys_close(int fd);
ssize_t sys_read(int fd, void *buf, size_t len);          /* -EAGAIN as is */
ssize_t sys_write(int fd, const void *buf, size_t len);   /* -EAGAIN as is */
/* Reads or writes at the file position without ever blocking where the kernel
 * can promise that (RWF_NOWAIT); -EAGAIN when it would block, -EOPNOTSUPP
 * when it cannot promise. */
ssize_t sys_read_nowait(int fd, void *buf, size_t len);
ssize_t sys_write_nowait(int fd, const void *buf, size_t len);
/* The events of poll(2) that hold now, without waiting; 0 when none. */
int sys_poll_now(int fd, unsigned events);
/* Is O_NONBLOCK set on it? 1, 0 or negative. */
/* 0, or -EPERM: what it is of cannot be waited for (files, /dev/null). */
int sys_check_pollable(int fd);
int sys_is_nonblocking(int fd);
int sys_set_nonblocking(int fd);
int sys_set_cloexec(int fd);
int sys_eventfd(void);                                    /* nonblocking */
/* Async-signal-safe. */
void sys_eventfd_signal(int fd);
void sys_eventfd_drain(int fd);
int sys_pipe(int ret_fds[2]);                             /* nonblocking */

/* ---- epoll ---- */

int sys_epoll_create(void);
int sys_epoll_ctl(int epfd, int op, int fd, uint32_t events, uint64_t data);
/* timeout_ns NSEC_NEVER waits for ever; epoll_pwait2 where the kernel has it,
 * else milliseconds rounded up. -EINTR is returned as it is. */
int sys_epoll_wait(int epfd, struct epoll_event *events, int max,
                   uint64_t timeout_ns);

/* ---- threads, signals, children ---- */

/* Starts a detached thread with every signal blocked. -EAGAIN when the system
 * refuses. stack_size 0: the system's default. */
int sys_thread_start(void (*run)(void *arg), void *arg, size_t stack_size);
/* Sleeps the calling thread (no task!) for tests and the pool. */
void sys_thread_sleep(uint64_t ns);
int sys_thread_id(void);                                  /* gettid */
bool sys_is_main_thread(void);
int sys_process_id(void);                                 /* getpid */

int sys_sigaction(int signo, const struct sigaction *action,
                  struct sigaction *ret_old);
int sys_sigaltstack(const stack_t *stack, stack_t *ret_old);
/* Put back what the two above replaced. Cannot fail. */
void sys_sigaction_restore(int signo, const struct sigaction *old);
void sys_sigaltstack_restore(const stack_t *old);
/* No signal reaches the calling thread until the mask is put back. */
void sys_block_signals(sigset_t *ret_old);
void sys_unblock_signals(const sigset_t *old);
/* Raises with the default action: the process dies of `signo`. */
void sys_die_by_signal(int signo);

int sys_pidfd_open(pid_t pid);
/* waitid(P_PID...|WNOHANG): 1 and *ret_status (as waitpid's) when `pid` has
 * ended and is reaped, 0 when it runs. */
int sys_wait_child(pid_t pid, int *ret_status);

#endif
