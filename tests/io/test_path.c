/* SPDX-License-Identifier: MIT */
/* Files by name: facts, names, directories, and files as a whole. */
#include "file_rig.h"

/* ---- facts ---- */

FILE_SCENARIO(facts_are_of_the_file_or_of_the_link)
{
    struct stat facts;
    make_file("file", "12345");
    ck_assert_int_eq(asyncio_symlink("file", "link"), 0);
    ck_assert_int_eq(asyncio_stat("link", &facts), 0);
    ck_assert(S_ISREG(facts.st_mode));
    ck_assert_int_eq(facts.st_size, 5);
    ck_assert_int_eq(asyncio_lstat("link", &facts), 0);
    ck_assert(S_ISLNK(facts.st_mode));
    ck_assert_int_eq(asyncio_stat("missing", &facts), -ENOENT);
    ck_assert_int_eq(asyncio_lstat("file/x", &facts), -ENOTDIR);
}

FILE_SCENARIO(a_link_says_where_it_leads)
{
    char target[8];
    make_file("file", "");
    ck_assert_int_eq(asyncio_symlink("1234567", "link"), 0);
    ck_assert_int_eq(asyncio_readlink("link", target, sizeof target), 7);
    ck_assert_str_eq(target, "1234567");
    ck_assert_int_eq(asyncio_readlink("link", target, 7), -ENAMETOOLONG);
    ck_assert_int_eq(asyncio_readlink("file", target, 8), -EINVAL);
    ck_assert_int_eq(asyncio_readlink("missing", target, 8), -ENOENT);
}

/* ---- names ---- */

FILE_SCENARIO(names_come_and_go)
{
    make_file("a", "contents");
    ck_assert_int_eq(asyncio_link("a", "b"), 0);
    ck_assert_int_eq(asyncio_link("a", "b"), -EEXIST);
    ck_assert_int_eq(asyncio_rename("a", "c"), 0);
    ck_assert(!exists("a"));
    ck_assert_int_eq(asyncio_unlink("b"), 0);
    assert_contents("c", "contents");
    ck_assert_int_eq(asyncio_unlink("b"), -ENOENT);
    ck_assert_int_eq(asyncio_rename("a", "c"), -ENOENT);
    ck_assert_int_eq(asyncio_symlink("x", "c"), -EEXIST);
}

FILE_SCENARIO(directories_come_and_go)
{
    make_file("file", "");
    ck_assert_int_eq(asyncio_mkdir("dir", 0700), 0);
    ck_assert_int_eq(asyncio_mkdir("dir", 0700), -EEXIST);
    ck_assert_int_eq(asyncio_mkdir("file/x", 0700), -ENOTDIR);
    ck_assert_int_eq(asyncio_mkdir("missing/x", 0700), -ENOENT);
    ck_assert_int_eq(asyncio_unlink("dir"), -EISDIR);
    ck_assert_int_eq(asyncio_rmdir("file"), -ENOTDIR);
    make_file("dir/x", "");
    ck_assert_int_eq(asyncio_rmdir("dir"), -ENOTEMPTY);
    ck_assert_int_eq(asyncio_unlink("dir/x"), 0);
    ck_assert_int_eq(asyncio_rmdir("dir"), 0);
    ck_assert(!exists("dir"));
}

FILE_SCENARIO(to_another_file_system_there_is_only_copying)
{
    if (!mount_tmpfs("other", "size=1m"))
        return;
    make_file("file", "contents");
    ck_assert_int_eq(asyncio_rename("file", "other/file"), -EXDEV);
    ck_assert_int_eq(asyncio_link("file", "other/file"), -EXDEV);
    ck_assert_int_eq(asyncio_copy_file("file", "other/file", 0), 0);
    assert_contents("other/file", "contents");
    unmount("other");
}

/* ---- directories ---- */

static asyncio_scandir *open_scan(const char *path)
{
    asyncio_scandir *scan = NULL;
    ck_assert_int_eq(asyncio_scandir_open(path, &scan), 0);
    return scan;
}

FILE_SCENARIO(a_directory_tells_its_entries)
{
    struct asyncio_dirent entry;
    int seen = 0;
    make_file("file", "");
    ck_assert_int_eq(mkdir("dir", 0700), 0);
    ck_assert_int_eq(symlink("file", "link"), 0);
    ck_assert_int_eq(mkfifo(".fifo", 0600), 0);
    asyncio_scandir *scan = open_scan(".");
    while (asyncio_scandir_next(scan, &entry) == 1) {
        struct stat facts;
        ck_assert_int_eq(lstat(entry.name, &facts), 0);
        ck_assert_uint_eq(entry.inode, facts.st_ino);
        ck_assert_int_eq(entry.type, IFTODT(facts.st_mode));
        seen++;
    }
    ck_assert_int_eq(seen, 4);
    ck_assert_int_eq(asyncio_scandir_next(scan, &entry), 0);
    asyncio_scandir_close(scan);
    asyncio_scandir_close(NULL);
}

FILE_SCENARIO(an_empty_directory_has_no_entries)
{
    struct asyncio_dirent entry;
    asyncio_scandir *scan = open_scan(".");
    ck_assert_int_eq(asyncio_scandir_next(scan, &entry), 0);
    asyncio_scandir_close(scan);
}

enum { MANY_ENTRIES = 3000 };

/* More than a block of entries holds. */
FILE_SCENARIO(a_large_directory_tells_each_entry_once)
{
    static bool seen[MANY_ENTRIES];
    struct asyncio_dirent entry;
    char name[32];
    int count = 0;
    for (int i = 0; i < MANY_ENTRIES; i++) {
        snprintf(name, sizeof name, "entry-%d", i);
        make_file(name, "");
    }
    asyncio_scandir *scan = open_scan(".");
    while (asyncio_scandir_next(scan, &entry) == 1) {
        long i = strtol(entry.name + 6, NULL, 10);
        ck_assert(!seen[i]);
        seen[i] = true;
        count++;
    }
    ck_assert_int_eq(count, MANY_ENTRIES);
    asyncio_scandir_close(scan);
}

FILE_SCENARIO(what_is_no_directory_cannot_be_scanned)
{
    asyncio_scandir *scan;
    make_file("file", "");
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    ck_assert_int_eq(asyncio_scandir_open("file", &scan), -ENOTDIR);
    ck_assert_int_eq(asyncio_scandir_open("fifo", &scan), -ENOTDIR);
    ck_assert_int_eq(asyncio_scandir_open("missing", &scan), -ENOENT);
}

FILE_SCENARIO(a_cancelled_scan_loses_no_entry)
{
    struct asyncio_timeout timeout;
    struct asyncio_dirent entry;
    make_file("file", "");
    asyncio_scandir *scan = open_scan(".");
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    ck_assert_int_eq(asyncio_scandir_next(scan, &entry), -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, -ECANCELED), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_scandir_next(scan, &entry), 1);
    ck_assert_str_eq(entry.name, "file");
    asyncio_scandir_close(scan);
}

/* ---- whole files: reading ---- */

enum { LARGE = 3 << 20 };

FILE_SCENARIO(a_whole_file_is_read)
{
    void *bytes = NULL;
    size_t len = 0;
    make_file("small", "hello");
    make_file("empty", "");
    make_large("large", LARGE);
    ck_assert_int_eq(asyncio_read_file("small", 0, &bytes, &len), 0);
    ck_assert_uint_eq(len, 5);
    ck_assert_str_eq(bytes, "hello");
    asyncio_read_file_free(bytes);
    ck_assert_int_eq(asyncio_read_file("empty", 0, &bytes, &len), 0);
    ck_assert_uint_eq(len, 0);
    ck_assert_str_eq(bytes, "");
    asyncio_read_file_free(bytes);
    ck_assert_int_eq(asyncio_read_file("large", 0, &bytes, &len), 0);
    ck_assert_uint_eq(len, LARGE);
    assert_bytes(bytes, len, 0);
    asyncio_read_file_free(bytes);
    asyncio_read_file_free(NULL);
}

FILE_SCENARIO(a_file_without_a_size_is_read_whole_too)
{
    void *bytes = NULL;
    size_t len = 0;
    for (int i = 0; i < 4000; i++)
        free(malloc(1));
    ck_assert_int_eq(asyncio_read_file("/proc/self/smaps", 0, &bytes, &len),
                     0);
    ck_assert_uint_gt(len, 1000);
    ck_assert_uint_eq(strlen(bytes), len);
    ck_assert_int_eq(((char *)bytes)[len - 1], '\n');
    asyncio_read_file_free(bytes);
}

FILE_SCENARIO(a_file_beyond_the_limit_is_efbig)
{
    void *bytes = NULL;
    size_t len = 0;
    char buf[8];
    make_file("file", "12345");
    ck_assert_int_eq(asyncio_read_file("file", 4, &bytes, &len), -EFBIG);
    ck_assert_int_eq(asyncio_read_file("/dev/zero", 1 << 20, &bytes, &len),
                     -EFBIG);
    ck_assert_ptr_null(bytes);
    ck_assert_int_eq(asyncio_read_file("file", 5, &bytes, &len), 0);
    ck_assert_str_eq(bytes, "12345");
    asyncio_read_file_free(bytes);
    ck_assert_int_eq(asyncio_read_file_into("file", buf, 4), -EFBIG);
    ck_assert_int_eq(asyncio_read_file_into("file", buf, 5), 5);
    ck_assert_mem_eq(buf, "12345", 5);
    ck_assert_int_eq(asyncio_read_file_into("file", buf, 8), 5);
}

FILE_SCENARIO(what_cannot_be_read_says_why)
{
    void *bytes;
    size_t len;
    char buf[8];
    ck_assert_int_eq(asyncio_read_file("missing", 0, &bytes, &len), -ENOENT);
    ck_assert_int_eq(asyncio_read_file(".", 0, &bytes, &len), -EISDIR);
    ck_assert_int_eq(asyncio_read_file_into("missing", buf, 8), -ENOENT);
    ck_assert_int_eq(asyncio_read_file_into(".", buf, 8), -EISDIR);
}

static int read_fifo(void *arg)
{
    void *bytes;
    size_t len;
    return asyncio_read_file(arg, 0, &bytes, &len);
}

FILE_SCENARIO(a_read_that_hangs_is_left_behind)
{
    char path[] = "fifo";
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    let_a_turn_pass();           /* the loop has its own by now */
    int fds = count_fds();
    asyncio_task task = asyncio_create_task(read_fifo, path);
    let_a_turn_pass();
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    /* Its other side comes, and leaves: the thread reads the end. */
    int other = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(other, 0);
    close(other);
    await_fds(fds);
}

static int read_zeros(void *arg)
{
    static char bytes[64 << 20];
    (void)arg;
    return (int)asyncio_read_file_into("/dev/zero", bytes, sizeof bytes);
}

FILE_SCENARIO(a_cancelled_read_into_lent_memory_stops)
{
    asyncio_task task = asyncio_create_task(read_zeros, NULL);
    ck_assert_int_eq(asyncio_sleep(1e-3), 0);
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    int err = asyncio_await(task);
    ck_assert_msg(err == -ECANCELED || err == -EFBIG, "%d", err);
}

/* ---- whole files: replacing ---- */

static mode_t mode_of(const char *path)
{
    struct stat facts;
    ck_assert_int_eq(lstat(path, &facts), 0);
    return facts.st_mode & 07777;
}

FILE_SCENARIO(a_file_is_replaced_whole_and_keeps_its_mode)
{
    umask(022);
    ck_assert_int_eq(asyncio_replace_file("file", "one", 3, 0), 0);
    assert_contents("file", "one");
    ck_assert_int_eq(mode_of("file"), 0644);
    ck_assert_int_eq(chmod("file", 0600), 0);
    int old = open("file", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(asyncio_replace_file("file", "second", 6,
                                          ASYNCIO_REPLACE_DURABLE),
                     0);
    assert_contents("file", "second");
    ck_assert_int_eq(mode_of("file"), 0600);
    char buf[8] = "";
    ck_assert_int_eq(read(old, buf, 8), 3);
    ck_assert_str_eq(buf, "one");
    close(old);
    ck_assert_int_eq(asyncio_replace_file("./file", NULL, 0,
                                          ASYNCIO_REPLACE_UNSYNCED),
                     0);
    assert_contents("file", "");
    ck_assert_int_eq(count_entries("."), 1);
}

FILE_SCENARIO(nothing_is_replaced_where_there_must_be_nothing)
{
    ck_assert_int_eq(
        asyncio_replace_file("file", "one", 3, ASYNCIO_REPLACE_NOTHING), 0);
    ck_assert_int_eq(
        asyncio_replace_file("file", "two", 3, ASYNCIO_REPLACE_NOTHING),
        -EEXIST);
    assert_contents("file", "one");
    ck_assert_int_eq(asyncio_replace_file("file", "two", 3, 1u << 20),
                     -EINVAL);
    ck_assert_int_eq(count_entries("."), 1);
}

FILE_SCENARIO(a_link_is_replaced_and_what_it_leads_to_is_not)
{
    make_file("file", "old");
    ck_assert_int_eq(symlink("file", "link"), 0);
    ck_assert_int_eq(asyncio_replace_file("link", "new", 3, 0), 0);
    assert_contents("file", "old");
    assert_contents("link", "new");
    ck_assert_int_eq(count_entries("."), 2);
}

FILE_SCENARIO(what_cannot_be_replaced_stays_and_says_why)
{
    ck_assert_int_eq(mkdir("dir", 0700), 0);
    make_file("file", "old");
    ck_assert_int_eq(asyncio_replace_file("dir", "x", 1, 0), -EISDIR);
    ck_assert_int_eq(asyncio_replace_file("missing/x", "x", 1, 0), -ENOENT);
    ck_assert_int_eq(asyncio_replace_file("file/x", "x", 1, 0), -ENOTDIR);
    assert_contents("file", "old");
    ck_assert_int_eq(count_entries("."), 2);
}

FILE_SCENARIO(a_full_disk_leaves_the_old_file)
{
    static char bytes[128 * 1024];
    if (!mount_tmpfs("small", "size=64k"))
        return;
    make_file("small/file", "old");
    ck_assert_int_eq(asyncio_replace_file("small/file", bytes, sizeof bytes, 0),
                     -ENOSPC);
    make_large("large", sizeof bytes);
    ck_assert_int_eq(asyncio_copy_file("large", "small/file", 0), -ENOSPC);
    assert_contents("small/file", "old");
    ck_assert_int_eq(count_entries("small"), 1);
    unmount("small");
}

/* ---- whole files: copying ---- */

static void assert_large(const char *path, size_t size)
{
    void *bytes;
    size_t len;
    ck_assert_int_eq(asyncio_read_file(path, 0, &bytes, &len), 0);
    ck_assert_uint_eq(len, size);
    assert_bytes(bytes, len, 0);
    asyncio_read_file_free(bytes);
}

FILE_SCENARIO(a_copy_is_the_same_bytes)
{
    umask(022);
    make_large("large", LARGE + 17);
    make_file("empty", "");
    ck_assert_int_eq(chmod("large", 0750), 0);
    ck_assert_int_eq(asyncio_copy_file("large", "copy", 0), 0);
    assert_large("copy", LARGE + 17);
    ck_assert_int_eq(mode_of("copy"), 0750);
    ck_assert_int_eq(asyncio_copy_file("empty", "copy", 0), 0);
    assert_contents("copy", "");
    ck_assert_int_eq(mode_of("copy"), 0750);
    ck_assert_int_eq(asyncio_copy_file("large", "large", 0), 0);
    assert_large("large", LARGE + 17);
    ck_assert_int_eq(count_entries("."), 3);
}

/* The kernel refuses to copy these by itself, or says that there is nothing. */
FILE_SCENARIO(what_the_kernel_does_not_copy_is_copied_by_hand)
{
    bool has_other = mount_tmpfs("other", "size=8m");
    struct stat facts;
    ck_assert_int_eq(asyncio_copy_file("/proc/self/cmdline", "copy", 0), 0);
    ck_assert_int_eq(stat("copy", &facts), 0);
    ck_assert_int_gt(facts.st_size, 0);
    if (!has_other)
        return;
    make_large("large", LARGE);
    ck_assert_int_eq(asyncio_copy_file("large", "other/copy", 0), 0);
    assert_large("other/copy", LARGE);
    unmount("other");
}

FILE_SCENARIO(what_cannot_be_copied_says_why)
{
    make_file("file", "x");
    ck_assert_int_eq(mkdir("dir", 0700), 0);
    ck_assert_int_eq(asyncio_copy_file("missing", "copy", 0), -ENOENT);
    ck_assert_int_eq(asyncio_copy_file("dir", "copy", 0), -EISDIR);
    ck_assert_int_eq(asyncio_copy_file("file", "dir", 0), -EISDIR);
    ck_assert_int_eq(asyncio_copy_file("file", "copy", 1u << 20), -EINVAL);
    ck_assert_int_eq(
        asyncio_copy_file("file", "file", ASYNCIO_REPLACE_NOTHING), -EEXIST);
    ck_assert_int_eq(count_entries("."), 2);
}

static int copy_zeros(void *arg)
{
    (void)arg;
    return asyncio_copy_file("/dev/zero", "copy", ASYNCIO_REPLACE_UNSYNCED);
}

/* The source never ends: only a cancel does. */
FILE_SCENARIO(a_cancelled_copy_leaves_nothing)
{
    make_file("copy", "old");
    asyncio_task task = asyncio_create_task(copy_zeros, NULL);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(task));
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    assert_contents("copy", "old");
    ck_assert_int_eq(count_entries("."), 1);
}

/* ---- cancelled already, elsewhere, failing ---- */

FILE_SCENARIO(cancelled_already_nothing_happens)
{
    struct asyncio_timeout timeout;
    struct stat facts;
    asyncio_scandir *scan;
    void *bytes;
    size_t len;
    make_file("file", "old");
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    ck_assert_int_eq(asyncio_stat("file", &facts), -ECANCELED);
    ck_assert_int_eq(asyncio_unlink("file"), -ECANCELED);
    ck_assert_int_eq(asyncio_rename("file", "new"), -ECANCELED);
    ck_assert_int_eq(asyncio_mkdir("new", 0700), -ECANCELED);
    ck_assert_int_eq(asyncio_scandir_open(".", &scan), -ECANCELED);
    ck_assert_int_eq(asyncio_read_file("file", 0, &bytes, &len), -ECANCELED);
    ck_assert_int_eq(asyncio_read_file_into("file", &facts, 8), -ECANCELED);
    ck_assert_int_eq(asyncio_replace_file("file", "x", 1, 0), -ECANCELED);
    ck_assert_int_eq(asyncio_copy_file("file", "new", 0), -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, -ECANCELED), -ETIMEDOUT);
    assert_contents("file", "old");
    ck_assert_int_eq(count_entries("."), 1);
}

static void expect_everywhere(int err)
{
    struct stat facts;
    asyncio_scandir *scan;
    void *bytes;
    size_t len;
    char buf[8];
    ck_assert_int_eq(asyncio_stat("/", &facts), err);
    ck_assert_int_eq(asyncio_readlink("/", buf, 8), err);
    ck_assert_int_eq(asyncio_unlink("/"), err);
    ck_assert_int_eq(asyncio_scandir_open("/", &scan), err);
    ck_assert_int_eq(asyncio_read_file("/", 0, &bytes, &len), err);
    ck_assert_int_eq(asyncio_read_file_into("/", buf, 8), err);
    ck_assert_int_eq(asyncio_replace_file("/", "x", 1, 0), err);
    ck_assert_int_eq(asyncio_copy_file("/", "/", 0), err);
}

START_TEST(outside_of_a_task_names_are_eperm)
{
    expect_everywhere(-EPERM);
}
END_TEST

SCENARIO(a_simulation_has_no_names)
{
    expect_everywhere(-ENOTSUP);
}

static void replace_one(void)
{
    static const char old[] = "old";
    make_file("file", old);
    int err = asyncio_replace_file("file", "new", 3, 0);
    assert_contents("file", err == 0 ? "new" : "old");
}

static void copy_one(void)
{
    make_file("copy", "old");
    int err = asyncio_copy_file("from", "copy", 0);
    assert_contents("copy", err == 0 ? "from" : "old");
}

static void ask_all(void)
{
    void *bytes;
    size_t len;
    struct stat facts;
    asyncio_scandir *scan;
    struct asyncio_dirent entry;
    if (asyncio_read_file("from", 0, &bytes, &len) == 0) {
        ck_assert_str_eq(bytes, "from");
        asyncio_read_file_free(bytes);
    }
    (void)asyncio_stat("from", &facts);
    if (asyncio_scandir_open(".", &scan) == 0) {
        while (asyncio_scandir_next(scan, &entry) == 1)
            ;
        asyncio_scandir_close(scan);
    }
}

FILE_SCENARIO(whatever_fails_it_is_the_old_file_or_the_new_one)
{
    make_file("from", "from");
    fail_each(replace_one);
    fail_each(copy_one);
    fail_each(ask_all);
}

/* ---- cancelled at any moment ---- */

static int do_everything(void *arg)
{
    static char bytes[2 << 20];
    (void)arg;
    for (;;) {
        ask_all();
        int err = asyncio_replace_file("file", "new", 3, 0);
        if (err == 0)
            err = asyncio_copy_file("large", "copy", 0);
        if (err == 0)
            err = (int)asyncio_read_file_into("copy", bytes, sizeof bytes);
        if (err < 0)
            return err;
    }
}

FILE_SCENARIO(cancelled_at_any_moment_it_is_the_old_file_or_the_new_one)
{
    struct stat facts;
    make_file("from", "from");
    make_large("large", 1 << 20);
    let_a_turn_pass();           /* the loop has its own by now */
    int fds = count_fds();
    for (int i = 0; i < 60; i++) {
        make_file("file", "old");
        make_file("copy", "old");
        asyncio_task task = asyncio_create_task(do_everything, NULL);
        ck_assert_int_eq(asyncio_sleep(i * 50e-6), 0);
        ck_assert_int_eq(asyncio_task_cancel(task), 0);
        ck_assert_int_eq(asyncio_await(task), -ECANCELED);
        ck_assert_int_eq(stat("file", &facts), 0);
        ck_assert_int_eq(facts.st_size, 3);
        ck_assert_int_eq(stat("copy", &facts), 0);
        ck_assert(facts.st_size == 3 || facts.st_size == 1 << 20);
        ck_assert_int_eq(count_entries("."), 4);
        await_fds(fds);
    }
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("path");
    suite_case(suite, outside_of_a_task_names_are_eperm);
    if (rig_is_virtual()) {
        suite_case(suite, a_simulation_has_no_names);
        return suite;
    }
    suite_case(suite, facts_are_of_the_file_or_of_the_link);
    suite_case(suite, a_link_says_where_it_leads);
    suite_case(suite, names_come_and_go);
    suite_case(suite, directories_come_and_go);
    suite_case(suite, to_another_file_system_there_is_only_copying);
    suite_case(suite, a_directory_tells_its_entries);
    suite_case(suite, an_empty_directory_has_no_entries);
    suite_case(suite, a_large_directory_tells_each_entry_once);
    suite_case(suite, what_is_no_directory_cannot_be_scanned);
    suite_case(suite, a_cancelled_scan_loses_no_entry);
    suite_case(suite, a_whole_file_is_read);
    suite_case(suite, a_file_without_a_size_is_read_whole_too);
    suite_case(suite, a_file_beyond_the_limit_is_efbig);
    suite_case(suite, what_cannot_be_read_says_why);
    suite_case(suite, a_read_that_hangs_is_left_behind);
    suite_case(suite, a_cancelled_read_into_lent_memory_stops);
    suite_case(suite, a_file_is_replaced_whole_and_keeps_its_mode);
    suite_case(suite, nothing_is_replaced_where_there_must_be_nothing);
    suite_case(suite, a_link_is_replaced_and_what_it_leads_to_is_not);
    suite_case(suite, what_cannot_be_replaced_stays_and_says_why);
    suite_case(suite, a_full_disk_leaves_the_old_file);
    suite_case(suite, a_copy_is_the_same_bytes);
    suite_case(suite, what_the_kernel_does_not_copy_is_copied_by_hand);
    suite_case(suite, what_cannot_be_copied_says_why);
    suite_case(suite, a_cancelled_copy_leaves_nothing);
    suite_case(suite, cancelled_already_nothing_happens);
    suite_case(suite, whatever_fails_it_is_the_old_file_or_the_new_one);
    suite_case(suite,
               cancelled_at_any_moment_it_is_the_old_file_or_the_new_one);
    return suite;
}
