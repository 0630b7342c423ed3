/* SPDX-License-Identifier: MIT */
/*
 * A network of the test's own: nothing but the loopback device, and names that
 * the test gives out. The whole program moves there, before its first thread.
 */
#ifndef IO_NETNS_RIG_H
#define IO_NETNS_RIG_H

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "net_rig.h"

/* (No test runs yet that could fail.) */
static UNUSED bool netns_write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    fputs(text, file);
    return fclose(file) == 0;
}

/* Who is nobody outside may be root inside, where the kernel allows that. */
static UNUSED bool netns_enter_as_user(void)
{
    char map[32];
    snprintf(map, sizeof map, "0 %u 1", (unsigned)geteuid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) < 0)
        return false;
    return netns_write_file("/proc/self/uid_map", map);
}

static UNUSED bool netns_raise_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    is_up = is_up && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    close(fd);
    return is_up;
}

/* In this program alone, `path` reads `text`. */
static UNUSED bool netns_replace_file(const char *path, const char *text)
{
    char name[] = "/tmp/casyncio-test-XXXXXX";
    int fd = mkstemp(name);
    if (fd < 0)
        return false;
    close(fd);
    bool is_done = netns_write_file(name, text) &&
                   mount(name, path, "none", MS_BIND, "") == 0;
    unlink(name);
    return is_done;
}

/* `hosts`: the lines of /etc/hosts. Skips the whole program where a process may
 * have no network of its own. */
static UNUSED void netns_enter(const char *hosts)
{
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 && !netns_enter_as_user())
        suite_skip("no network namespace of its own to be had");
    if (mount("none", "/", "none", MS_REC | MS_PRIVATE, "") < 0 ||
        !netns_raise_loopback() ||
        !netns_replace_file("/etc/hosts", hosts) ||
        !netns_replace_file("/etc/nsswitch.conf", "hosts: files\n"))
        suite_skip("the network namespace cannot be furnished");
}

#endif
