/* SPDX-License-Identifier: MIT */
/* Open files: bytes, positions, the cache and the disk, cancels. */
#include "file_rig.h"

#include "backend/backend.h"
#include "task/runner.h"

/* ---- reading and writing at the position ---- */

FILE_SCENARIO(what_is_written_is_read)
{
    char buf[32] = "";
    size_t moved = 99;
    asyncio_file *file = open_file("new", O_RDWR | O_CREAT | O_EXCL);
    ck_assert_int_eq(asyncio_file_write(file, "hello ", 6, &moved), 6);
    ck_assert_uint_eq(moved, 6);
    ck_assert_int_eq(asyncio_file_write(file, "world", 5, NULL), 5);
    ck_assert_int_eq(asyncio_file_tell(file), 11);
    ck_assert_int_eq(asyncio_file_read(file, buf, sizeof buf), 0);
    ck_assert_int_eq(asyncio_file_seek(file, 0, SEEK_SET), 0);
    ck_assert_int_eq(asyncio_file_read(file, buf, 6), 6);
    ck_assert_int_eq(asyncio_file_read(file, buf + 6, sizeof buf - 6), 5);
    ck_assert_str_eq(buf, "hello world");
    ck_assert_int_eq(asyncio_file_read(file, buf, 1), 0);
    ck_assert_int_eq(asyncio_file_tell(file), 11);
    close_file(file);
    assert_contents("new", "hello world");
}

FILE_SCENARIO(offsets_leave_the_position_alone)
{
    char buf[8] = "";
    asyncio_file *file = open_file("new", O_RDWR | O_CREAT);
    ck_assert_int_eq(asyncio_file_pwrite(file, "abc", 3, 4, NULL), 3);
    ck_assert_int_eq(asyncio_file_tell(file), 0);
    ck_assert_int_eq(asyncio_file_pread(file, buf, 2, 5), 2);
    ck_assert_str_eq(buf, "bc");
    ck_assert_int_eq(asyncio_file_pread(file, buf, 8, 5), 2);
    ck_assert_int_eq(asyncio_file_pread(file, buf, 8, 7), 0);
    ck_assert_int_eq(asyncio_file_pread(file, buf, 8, 1 << 20), 0);
    ck_assert_int_eq(asyncio_file_read(file, buf, 4), 4);
    ck_assert_mem_eq(buf, "\0\0\0", 4);
    close_file(file);
}

FILE_SCENARIO(an_appended_file_grows_and_is_read_from_its_start)
{
    char buf[16] = "";
    make_file("log", "one ");
    asyncio_file *file = open_file("log", O_RDWR | O_APPEND);
    ck_assert_int_eq(asyncio_file_write(file, "two ", 4, NULL), 4);
    ck_assert_int_eq(asyncio_file_read(file, buf, 4), 4);
    ck_assert_int_eq(asyncio_file_write(file, "three", 5, NULL), 5);
    ck_assert_int_eq(asyncio_file_read(file, buf + 4, 12), 9);
    ck_assert_str_eq(buf, "one two three");
    close_file(file);
}

FILE_SCENARIO(the_position_goes_where_it_is_told)
{
    make_file("text", "0123456789");
    asyncio_file *file = open_file("text", O_RDONLY);
    ck_assert_int_eq(asyncio_file_seek(file, 4, SEEK_SET), 4);
    ck_assert_int_eq(asyncio_file_seek(file, 3, SEEK_CUR), 7);
    ck_assert_int_eq(asyncio_file_seek(file, -2, SEEK_CUR), 5);
    ck_assert_int_eq(asyncio_file_seek(file, -1, SEEK_END), 9);
    ck_assert_int_eq(asyncio_file_seek(file, 2, SEEK_DATA), 2);
    ck_assert_int_eq(asyncio_file_seek(file, 0, SEEK_HOLE), 10);
    ck_assert_int_eq(asyncio_file_seek(file, 20, SEEK_DATA), -ENXIO);
    ck_assert_int_eq(asyncio_file_seek(file, -1, SEEK_SET), -EINVAL);
    ck_assert_int_eq(asyncio_file_seek(file, -11, SEEK_CUR), -EINVAL);
    ck_assert_int_eq(asyncio_file_seek(file, INT64_MAX, SEEK_CUR), -EOVERFLOW);
    ck_assert_int_eq(asyncio_file_seek(file, 0, 77), -EINVAL);
    ck_assert_int_eq(asyncio_file_tell(file), 10);
    close_file(file);
}

/* ---- pieces ---- */

enum { PIECES = 3000 };

FILE_SCENARIO(many_pieces_are_one_after_the_other)
{
    static unsigned char bytes[PIECES * 3];
    static struct iovec parts[PIECES];
    size_t len = 0, moved;
    for (size_t i = 0; i < PIECES; i++) {
        parts[i] = (struct iovec){bytes + len, i % 4};
        len += i % 4;
    }
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_of(i);
    asyncio_file *file = open_file("new", O_RDWR | O_CREAT);
    ck_assert_int_eq(asyncio_file_writev(file, parts, PIECES, &moved), len);
    ck_assert_uint_eq(moved, len);
    ck_assert_int_eq(asyncio_file_pwritev(file, parts + 3, 1, 0, NULL), 3);
    ck_assert_int_eq(asyncio_file_seek(file, 0, SEEK_SET), 0);
    memset(bytes, 0, sizeof bytes);
    ck_assert_int_eq(asyncio_file_readv(file, parts, PIECES), len);
    ck_assert_mem_eq(bytes, ((unsigned char[]){byte_of(3), byte_of(4),
                                               byte_of(5), byte_of(3)}),
                     4);
    assert_bytes(bytes + 3, len - 3, 3);
    memset(bytes, 0, sizeof bytes);
    ck_assert_int_eq(asyncio_file_preadv(file, parts, PIECES, 3), len - 3);
    assert_bytes(bytes, len - 3, 3);
    close_file(file);
}

FILE_SCENARIO(nothing_is_moved_at_once)
{
    struct iovec none[2] = {{NULL, 0}, {NULL, 0}};
    asyncio_file *file = open_file("new", O_RDWR | O_CREAT);
    ck_assert_int_eq(asyncio_file_read(file, NULL, 0), 0);
    ck_assert_int_eq(asyncio_file_write(file, NULL, 0, NULL), 0);
    ck_assert_int_eq(asyncio_file_readv(file, none, 2), 0);
    ck_assert_int_eq(asyncio_file_readv(file, none, 0), 0);
    ck_assert_int_eq(asyncio_file_writev(file, none, 2, NULL), 0);
    ck_assert_int_eq(asyncio_file_tell(file), 0);
    close_file(file);
}

FILE_SCENARIO(pieces_that_are_too_long_together_are_refused)
{
    size_t moved = 7;
    char byte;
    struct iovec parts[2] = {{&byte, SSIZE_MAX}, {&byte, 1}};
    asyncio_file *file = open_file("new", O_RDWR | O_CREAT);
    ck_assert_int_eq(asyncio_file_readv(file, parts, 2), -EINVAL);
    ck_assert_int_eq(asyncio_file_preadv(file, parts, 2, 0), -EINVAL);
    ck_assert_int_eq(asyncio_file_writev(file, parts, 2, &moved), -EINVAL);
    ck_assert_uint_eq(moved, 0);
    ck_assert_int_eq(asyncio_file_pwritev(file, parts, 2, 0, NULL), -EINVAL);
    close_file(file);
}

/* ---- cold and hot ---- */

enum { LARGE = 3 << 20 };

FILE_SCENARIO(a_cold_file_is_read_whole_by_one_call)
{
    unsigned char *bytes = malloc(LARGE + 1);
    make_large("large", LARGE);
    asyncio_file *file = open_file("large", O_RDONLY);
    for (int i = 0; i < 3; i++) {
        make_cold(asyncio_file_fd(file));
        memset(bytes, 0, LARGE);
        ck_assert_int_eq(asyncio_file_pread(file, bytes, LARGE + 1, 0), LARGE);
        assert_bytes(bytes, LARGE, 0);
    }
    /* A part of it is there, the rest is not. */
    make_cold(asyncio_file_fd(file));
    ck_assert_int_eq(asyncio_file_pread(file, bytes, 4096, 1 << 20), 4096);
    memset(bytes, 0, LARGE);
    ck_assert_int_eq(asyncio_file_pread(file, bytes, LARGE - 5, 5), LARGE - 5);
    assert_bytes(bytes, LARGE - 5, 5);
    close_file(file);
    free(bytes);
}

FILE_SCENARIO(much_is_written_by_one_call)
{
    unsigned char *bytes = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = byte_of(i);
    asyncio_file *file = open_file("new", O_RDWR | O_CREAT);
    ck_assert_int_eq(asyncio_file_write(file, bytes, LARGE, NULL), LARGE);
    ck_assert_int_eq(asyncio_file_fsync(file), 0);
    ck_assert_int_eq(asyncio_file_fdatasync(file), 0);
    memset(bytes, 0, LARGE);
    ck_assert_int_eq(asyncio_file_pread(file, bytes, LARGE, 0), LARGE);
    assert_bytes(bytes, LARGE, 0);
    close_file(file);
    free(bytes);
}

static int set_flag(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

FILE_SCENARIO(a_hot_read_neither_suspends_nor_allocates)
{
    char buf[4096];
    bool has_run = false;
    make_large("hot", 64 * sizeof buf);
    asyncio_file *file = open_file("hot", O_RDONLY);
    let_a_turn_pass();
    if (cache_can_be_asked(asyncio_file_fd(file))) {
        asyncio_task task = asyncio_create_task(set_flag, &has_run);
        uint64_t before = mem_alloc_count();
        for (int i = 0; i < 40; i++)
            ck_assert_int_eq(
                asyncio_file_pread(file, buf, sizeof buf, 4096 * i), 4096);
        ck_assert_uint_eq(mem_alloc_count(), before);
        ck_assert(!has_run);
        ck_assert_int_eq(asyncio_await(task), 0);
    }
    close_file(file);
}

struct hot_reader {
    asyncio_file *file;
    long count;
};

static int read_on_and_on(void *arg)
{
    struct hot_reader *reader = arg;
    char buf[64];
    ssize_t got;
    while ((got = asyncio_file_pread(reader->file, buf, 64, 0)) == 64)
        reader->count++;
    return (int)got;
}

FILE_SCENARIO(a_reader_of_what_is_always_there_lets_others_run)
{
    make_large("hot", 64);
    struct hot_reader reader = {open_file("hot", O_RDONLY), 0};
    asyncio_task task = asyncio_create_task(read_on_and_on, &reader);
    for (int i = 0; i < 5; i++)
        let_a_turn_pass();
    ck_assert_int_gt(reader.count, 0);
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    close_file(reader.file);
}

/* ---- O_DIRECT ---- */

enum { MANY_READERS = 64, BLOCK = 4096 };

struct direct_reader {
    asyncio_file *file;
    unsigned char *block;
    int number;
};

static int read_block(void *arg)
{
    struct direct_reader *reader = arg;
    return (int)asyncio_file_pread(reader->file, reader->block, BLOCK,
                                   (int64_t)reader->number * BLOCK);
}

/* NULL, and says so, where the file system has no O_DIRECT. */
static asyncio_file *open_direct(const char *path)
{
    asyncio_file *file;
    int err = asyncio_file_open(path, O_RDWR | O_DIRECT, 0, &file);
    if (err == 0)
        return file;
    ck_assert_int_eq(err, -EINVAL);
    printf("skipped: this file system has no O_DIRECT\n");
    return NULL;
}

FILE_SCENARIO(many_direct_reads_are_in_flight_at_once)
{
    static struct direct_reader readers[MANY_READERS];
    asyncio_task tasks[MANY_READERS];
    int results[MANY_READERS];
    make_large("large", MANY_READERS * BLOCK);
    asyncio_file *file = open_direct("large");
    if (!file)
        return;
    unsigned char *memory = aligned_alloc(BLOCK, MANY_READERS * BLOCK);
    for (int i = 0; i < MANY_READERS; i++) {
        readers[i] = (struct direct_reader){file, memory + i * BLOCK, i};
        tasks[i] = asyncio_create_task(read_block, &readers[i]);
    }
    ck_assert_int_eq(asyncio_sleep(0), 0);
    if (!asyncio_task_is_done(tasks[0]))
        ck_assert_uint_eq(runner_current->loop->backend->in_flight,
                          MANY_READERS);
    ck_assert_int_eq(asyncio_gather(tasks, MANY_READERS, results), 0);
    for (int i = 0; i < MANY_READERS; i++)
        ck_assert_int_eq(results[i], BLOCK);
    assert_bytes(memory, MANY_READERS * BLOCK, 0);
    close_file(file);
    free(memory);
}

/* Some file systems (fuse, btrfs) do what does not fit through the cache. */
FILE_SCENARIO(what_is_not_aligned_is_einval_with_o_direct)
{
    make_large("large", 4 * BLOCK);
    asyncio_file *file = open_direct("large");
    if (!file)
        return;
    char *block = aligned_alloc(BLOCK, 2 * BLOCK);
    memset(block, 0, 2 * BLOCK);
    if (pread(asyncio_file_fd(file), block + 1, BLOCK, 0) >= 0) {
        printf("skipped: this file system takes what is not aligned\n");
    } else {
        ck_assert_int_eq(asyncio_file_pread(file, block + 1, BLOCK, 0),
                         -EINVAL);
        ck_assert_int_eq(asyncio_file_pread(file, block, BLOCK, 1), -EINVAL);
        ck_assert_int_eq(asyncio_file_pwrite(file, block, 7, 0, NULL),
                         -EINVAL);
    }
    ck_assert_int_eq(asyncio_file_pread(file, block, BLOCK, BLOCK), BLOCK);
    assert_bytes(block, BLOCK, BLOCK);
    ck_assert_int_eq(asyncio_file_pwrite(file, block, BLOCK, 0, NULL), BLOCK);
    ck_assert_int_eq(asyncio_file_fsync(file), 0);
    close_file(file);
    free(block);
}

/* ---- the file as a whole ---- */

FILE_SCENARIO(a_file_is_cut_and_lengthened)
{
    struct stat facts;
    asyncio_file *file = open_file("new", O_RDWR | O_CREAT);
    ck_assert_int_eq(asyncio_file_write(file, "0123456789", 10, NULL), 10);
    ck_assert_int_eq(asyncio_file_truncate(file, 4), 0);
    ck_assert_int_eq(asyncio_file_stat(file, &facts), 0);
    ck_assert_int_eq(facts.st_size, 4);
    ck_assert_int_eq(asyncio_file_truncate(file, 100), 0);
    ck_assert_int_eq(asyncio_file_stat(file, &facts), 0);
    ck_assert_int_eq(facts.st_size, 100);
    ck_assert_int_eq(asyncio_file_truncate(file, -1), -EINVAL);
    ck_assert_int_eq(asyncio_file_truncate(file, INT64_MAX), -EFBIG);
    close_file(file);
}

FILE_SCENARIO(room_is_set_aside_and_use_is_told)
{
    struct stat facts;
    asyncio_file *file = open_file("new", O_RDWR | O_CREAT);
    int err = asyncio_file_allocate(file, 0, 0, 1 << 16);
    if (err == -EOPNOTSUPP) {
        printf("skipped: this file system sets no room aside\n");
    } else {
        ck_assert_int_eq(err, 0);
        ck_assert_int_eq(asyncio_file_stat(file, &facts), 0);
        ck_assert_int_eq(facts.st_size, 1 << 16);
        ck_assert_int_ge(facts.st_blocks, 128);
    }
    ck_assert_int_eq(asyncio_file_allocate(file, 0, -1, 1), -EINVAL);
    ck_assert_int_eq(asyncio_file_advise(file, 0, 0, POSIX_FADV_RANDOM), 0);
    ck_assert_int_eq(asyncio_file_advise(file, 0, 0, POSIX_FADV_WILLNEED), 0);
    ck_assert_int_eq(asyncio_file_advise(file, 0, 0, 99), -EINVAL);
    close_file(file);
}

FILE_SCENARIO(a_descriptor_is_taken_over_where_it_stands)
{
    char buf[8] = "";
    asyncio_file *file;
    make_file("text", "0123456789");
    int fd = open("text", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ck_assert_int_eq(lseek(fd, 4, SEEK_SET), 4);
    ck_assert_int_eq(asyncio_file_from_fd(fd, &file), 0);
    ck_assert_int_eq(asyncio_file_fd(file), fd);
    ck_assert_int_eq(asyncio_file_read(file, buf, 3), 3);
    ck_assert_str_eq(buf, "456");
    make_cold(fd);
    ck_assert_int_eq(asyncio_file_read(file, buf, 3), 3);
    close_file(file);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    ck_assert_int_eq(asyncio_file_from_fd(fd, &file), -EBADF);
    close_file(NULL);
}

/* ---- what is no file ---- */

FILE_SCENARIO(a_fifo_is_read_as_it_comes)
{
    char buf[8] = "";
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    int other = open("fifo", O_RDWR | O_CLOEXEC);
    asyncio_file *file = open_file("fifo", O_RDWR);
    put(other, "abc");
    ck_assert_int_eq(asyncio_file_read(file, buf, sizeof buf), 3);
    ck_assert_str_eq(buf, "abc");
    ck_assert_int_eq(asyncio_file_write(file, "xyz", 3, NULL), 3);
    ck_assert_int_eq(read(other, buf, 8), 3);
    ck_assert_int_eq(asyncio_file_pread(file, buf, 1, 0), -ESPIPE);
    ck_assert_int_eq(asyncio_file_pwrite(file, buf, 1, 0, NULL), -ESPIPE);
    ck_assert_int_eq(asyncio_file_seek(file, 0, SEEK_SET), -ESPIPE);
    ck_assert_int_eq(asyncio_file_tell(file), -ESPIPE);
    close_file(file);
    close(other);
}

static int read_eight(void *arg)
{
    char buf[8];
    return (int)asyncio_file_read(arg, buf, sizeof buf);
}

FILE_SCENARIO(a_reader_of_an_empty_fifo_waits_and_is_cancelled)
{
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    asyncio_file *file = open_file("fifo", O_RDWR);
    asyncio_task task = asyncio_create_task(read_eight, file);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(task));
    ck_assert_int_eq(read_eight(file), -EBUSY);
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    close_file(file);
}

FILE_SCENARIO(devices_and_proc_are_files_too)
{
    char buf[64] = "x";
    asyncio_file *file = open_file("/dev/zero", O_RDWR);
    ck_assert_int_eq(asyncio_file_read(file, buf, sizeof buf), sizeof buf);
    ck_assert_int_eq(buf[0], 0);
    ck_assert_int_eq(asyncio_file_write(file, buf, sizeof buf, NULL), 64);
    close_file(file);
    file = open_file("/proc/self/stat", O_RDONLY);
    ck_assert_int_gt(asyncio_file_read(file, buf, 10), 0);
    ck_assert_int_eq(strtol(buf, NULL, 10), getpid());
    close_file(file);
}

/* ---- failures ---- */

FILE_SCENARIO(opening_says_what_is_wrong)
{
    char name[NAME_MAX + 2];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    make_file("file", "");
    ck_assert_int_eq(mkdir("dir", 0700), 0);
    ck_assert_int_eq(symlink("loop", "loop"), 0);
    ck_assert_int_eq(open_error("missing", O_RDONLY), -ENOENT);
    ck_assert_int_eq(open_error("missing/file", O_RDONLY | O_CREAT), -ENOENT);
    ck_assert_int_eq(open_error("", O_RDONLY), -ENOENT);
    ck_assert_int_eq(open_error("file/x", O_RDONLY), -ENOTDIR);
    ck_assert_int_eq(open_error("dir", O_WRONLY), -EISDIR);
    ck_assert_int_eq(open_error("file", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
    ck_assert_int_eq(open_error("file", O_RDONLY | O_DIRECTORY), -ENOTDIR);
    ck_assert_int_eq(open_error("loop", O_RDONLY), -ELOOP);
    ck_assert_int_eq(open_error(name, O_RDONLY), -ENAMETOOLONG);
}

FILE_SCENARIO(what_is_forbidden_is_eacces)
{
    uid_t user = geteuid();
    ck_assert_int_eq(chmod(".", 0711), 0);
    make_file("secret", "x");
    ck_assert_int_eq(chmod("secret", 0), 0);
    /* Root may do everything: somebody else asks. */
    if (user == 0 && seteuid(65534) < 0) {
        printf("skipped: cannot become somebody else\n");
        return;
    }
    int err = open_error("secret", O_RDONLY);
    int created = open_error("new", O_WRONLY | O_CREAT);
    ck_assert_int_eq(seteuid(user), 0);
    ck_assert_int_eq(err, -EACCES);
    if (user == 0)
        ck_assert_int_eq(created, -EACCES);
}

FILE_SCENARIO(the_wrong_side_of_a_file_is_ebadf)
{
    char byte = 'x';
    make_file("file", "x");
    asyncio_file *reader = open_file("file", O_RDONLY);
    asyncio_file *writer = open_file("file", O_WRONLY);
    ck_assert_int_eq(asyncio_file_write(reader, &byte, 1, NULL), -EBADF);
    ck_assert_int_eq(asyncio_file_pwrite(reader, &byte, 1, 0, NULL), -EBADF);
    ck_assert_int_eq(asyncio_file_read(writer, &byte, 1), -EBADF);
    ck_assert_int_eq(asyncio_file_pread(writer, &byte, 1, 0), -EBADF);
    ck_assert_int_eq(asyncio_file_truncate(reader, 0), -EINVAL);
    close_file(reader);
    close_file(writer);
}

FILE_SCENARIO(a_directory_has_no_bytes)
{
    char byte;
    asyncio_file *file = open_file(".", O_RDONLY);
    ck_assert_int_eq(asyncio_file_read(file, &byte, 1), -EISDIR);
    ck_assert_int_eq(asyncio_file_pread(file, &byte, 1, 0), -EISDIR);
    ck_assert_int_eq(asyncio_file_fsync(file), 0);
    close_file(file);
}

FILE_SCENARIO(offsets_that_make_no_sense_are_refused)
{
    char byte = 'x';
    asyncio_file *file = open_file("file", O_RDWR | O_CREAT);
    ck_assert_int_eq(asyncio_file_pread(file, &byte, 1, -1), -EINVAL);
    ck_assert_int_eq(asyncio_file_pwrite(file, &byte, 1, -1, NULL), -EINVAL);
    ck_assert_int_eq(
        asyncio_file_pwrite(file, &byte, 1, INT64_MAX - 4096, NULL), -EFBIG);
    close_file(file);
}

FILE_SCENARIO(a_full_device_is_enospc)
{
    size_t moved = 7;
    asyncio_file *file = open_file("/dev/full", O_WRONLY);
    ck_assert_int_eq(asyncio_file_write(file, "x", 1, &moved), -ENOSPC);
    ck_assert_uint_eq(moved, 0);
    ck_assert_int_eq(asyncio_file_tell(file), 0);
    close_file(file);
}

FILE_SCENARIO(a_full_disk_is_enospc_and_says_how_much_went)
{
    static char bytes[128 * 1024];
    size_t moved = 0;
    if (!mount_tmpfs("small", "size=64k"))
        return;
    asyncio_file *file = open_file("small/file", O_WRONLY | O_CREAT);
    ck_assert_int_eq(asyncio_file_write(file, bytes, sizeof bytes, &moved),
                     -ENOSPC);
    ck_assert_uint_gt(moved, 0);
    ck_assert_uint_le(moved, 64 * 1024);
    ck_assert_int_eq(asyncio_file_tell(file), moved);
    ck_assert_int_eq(asyncio_file_allocate(file, 0, 0, 1 << 20), -ENOSPC);
    close_file(file);
    unmount("small");
}

FILE_SCENARIO(a_file_system_that_is_read_only_is_erofs)
{
    if (!mount_tmpfs("still", "ro"))
        return;
    ck_assert_int_eq(open_error("still/file", O_WRONLY | O_CREAT), -EROFS);
    ck_assert_int_eq(asyncio_mkdir("still/dir", 0700), -EROFS);
    ck_assert_int_eq(asyncio_replace_file("still/file", "x", 1, 0), -EROFS);
    unmount("still");
}

/* ---- cancels ---- */

static int open_fifo(void *arg)
{
    asyncio_file *file;
    return asyncio_file_open(arg, O_RDONLY, 0, &file);
}

FILE_SCENARIO(an_open_that_hangs_is_left_behind)
{
    char path[] = "fifo";
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    let_a_turn_pass();           /* the loop has its own by now */
    int fds = count_fds();
    asyncio_task task = asyncio_create_task(open_fifo, path);
    let_a_turn_pass();
    ck_assert(!asyncio_task_is_done(task));
    ck_assert_int_eq(asyncio_task_cancel(task), 0);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    /* The other side comes after all: what that opens is closed. */
    int other = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(other, 0);
    await_fds(fds + 1);
    close(other);
}

FILE_SCENARIO(cancelled_already_nothing_is_moved)
{
    struct asyncio_timeout timeout;
    struct stat facts;
    char byte = 0;
    size_t moved = 7;
    make_file("file", "abc");
    asyncio_file *file = open_file("file", O_RDWR);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    ck_assert_int_eq(asyncio_file_read(file, &byte, 1), -ECANCELED);
    ck_assert_int_eq(asyncio_file_pread(file, &byte, 1, 0), -ECANCELED);
    ck_assert_int_eq(asyncio_file_read(file, &byte, 0), -ECANCELED);
    ck_assert_int_eq(asyncio_file_write(file, "x", 1, &moved), -ECANCELED);
    ck_assert_uint_eq(moved, 0);
    ck_assert_int_eq(asyncio_file_fsync(file), -ECANCELED);
    ck_assert_int_eq(asyncio_file_truncate(file, 0), -ECANCELED);
    ck_assert_int_eq(asyncio_file_stat(file, &facts), -ECANCELED);
    ck_assert_int_eq(asyncio_file_seek(file, 0, SEEK_END), -ECANCELED);
    ck_assert_int_eq(open_error("new", O_WRONLY | O_CREAT), -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, -ECANCELED), -ETIMEDOUT);
    ck_assert_int_eq(asyncio_file_tell(file), 0);
    close_file(file);
    ck_assert(!exists("new"));
    assert_contents("file", "abc");
}

FILE_SCENARIO(a_cancelled_close_closes_all_the_same)
{
    struct asyncio_timeout timeout;
    let_a_turn_pass();           /* the loop has its own by now */
    int fds = count_fds();
    asyncio_file *file = open_file("new", O_RDWR | O_CREAT);
    ck_assert_int_eq(asyncio_timeout_begin(&timeout, 0), 0);
    ck_assert_int_eq(asyncio_file_close(file), -ECANCELED);
    ck_assert_int_eq(asyncio_timeout_end(&timeout, 0), 0);
    await_fds(fds);
}

struct block_call {
    asyncio_file *file;
    unsigned char *block;        /* of BLOCK bytes */
    bool is_write;
    int step;                    /* calls made */
};

static int move_blocks(void *arg)
{
    struct block_call *call = arg;
    ssize_t done = BLOCK;
    while (done == BLOCK) {
        int64_t offset = (int64_t)(call->step++ % 16) * BLOCK;
        done = call->is_write
                   ? asyncio_file_pwrite(call->file, call->block, BLOCK,
                                         offset, NULL)
                   : asyncio_file_pread(call->file, call->block, BLOCK, offset);
        if (!call->is_write && done > 0)
            assert_bytes(call->block, (size_t)done, (size_t)offset);
    }
    return (int)done;
}

/* Reads of a cold file and of O_DIRECT, and writes, cut short anywhere. */
static void cancel_anywhere(asyncio_file *file, bool is_write)
{
    struct block_call call = {
        .file = file,
        .block = aligned_alloc(BLOCK, BLOCK),
        .is_write = is_write,
    };
    for (size_t i = 0; i < BLOCK; i++)
        call.block[i] = byte_of(i);
    for (int i = 0; i < 60; i++) {
        if (!is_write)
            make_cold(asyncio_file_fd(file));
        asyncio_task task = asyncio_create_task(move_blocks, &call);
        ck_assert_int_eq(asyncio_sleep(i % 6 * 20e-6), 0);
        ck_assert_int_eq(asyncio_task_cancel(task), 0);
        ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    }
    free(call.block);
}

FILE_SCENARIO(cancelled_anywhere_the_memory_is_the_callers_again)
{
    make_large("cold", 16 * BLOCK);
    make_large("direct", 16 * BLOCK);
    asyncio_file *file = open_file("cold", O_RDWR);
    cancel_anywhere(file, false);
    cancel_anywhere(file, true);
    close_file(file);
    file = open_direct("direct");
    if (file) {
        cancel_anywhere(file, false);
        cancel_anywhere(file, true);
        close_file(file);
    }
}

/* ---- closing while others use it ---- */

FILE_SCENARIO(a_file_that_is_in_use_is_closed_by_its_last_user)
{
    char byte;
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    int other = open("fifo", O_RDWR | O_CLOEXEC);
    asyncio_file *file = open_file("fifo", O_RDONLY);
    int fd = asyncio_file_fd(file);
    asyncio_task task = asyncio_create_task(read_eight, file);
    let_a_turn_pass();
    close_file(file);
    ck_assert_int_eq(asyncio_file_read(file, &byte, 1), -EBADF);
    ck_assert_int_eq(asyncio_file_fsync(file), -EBADF);
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
    put(other, "abc");
    ck_assert_int_eq(asyncio_await(task), 3);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    close(other);
}

static asyncio_file *stray;

static int open_stray(void *arg)
{
    (void)arg;
    stray = open_file("/dev/null", O_RDONLY);
    return 0;
}

static int use_stray(void *arg)
{
    char byte;
    (void)arg;
    ck_assert_int_eq(asyncio_file_read(stray, &byte, 1), -EXDEV);
    ck_assert_int_eq(asyncio_file_close(stray), -EXDEV);
    return 0;
}

START_TEST(a_file_of_another_loop_is_exdev)
{
    char byte;
    if (rig_is_virtual())
        return;
    int fds = count_fds();
    ck_assert_int_eq(asyncio_run(open_stray, NULL), 0);
    ck_assert_int_eq(asyncio_run(use_stray, NULL), 0);
    ck_assert_int_eq(asyncio_file_read(stray, &byte, 1), -EPERM);
    ck_assert_int_eq(asyncio_file_close(stray), 0);
    await_fds(fds);
}
END_TEST

START_TEST(outside_of_a_task_files_are_eperm)
{
    asyncio_file *file;
    ck_assert_int_eq(asyncio_file_open("/dev/null", O_RDONLY, 0, &file),
                     -EPERM);
    ck_assert_int_eq(asyncio_file_from_fd(0, &file), -EPERM);
}
END_TEST

SCENARIO(a_simulation_has_no_files)
{
    asyncio_file *file;
    ck_assert_int_eq(asyncio_file_open("/dev/null", O_RDONLY, 0, &file),
                     -ENOTSUP);
    ck_assert_int_eq(asyncio_file_from_fd(0, &file), -ENOTSUP);
}

/* ---- every call fails in turn ---- */

static void use_a_file(void)
{
    char buf[16];
    asyncio_file *file;
    if (asyncio_file_open("file", O_RDWR | O_CREAT, 0600, &file) < 0)
        return;
    (void)asyncio_file_write(file, "hello", 5, NULL);
    (void)asyncio_file_pread(file, buf, sizeof buf, 0);
    (void)asyncio_file_seek(file, 0, SEEK_END);
    (void)asyncio_file_fsync(file);
    (void)asyncio_file_truncate(file, 0);
    (void)asyncio_file_close(file);
}

FILE_SCENARIO(whatever_fails_nothing_is_left_open)
{
    fail_each(use_a_file);
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("file");
    suite_case(suite, outside_of_a_task_files_are_eperm);
    if (rig_is_virtual()) {
        suite_case(suite, a_simulation_has_no_files);
        return suite;
    }
    suite_case(suite, what_is_written_is_read);
    suite_case(suite, offsets_leave_the_position_alone);
    suite_case(suite, an_appended_file_grows_and_is_read_from_its_start);
    suite_case(suite, the_position_goes_where_it_is_told);
    suite_case(suite, many_pieces_are_one_after_the_other);
    suite_case(suite, nothing_is_moved_at_once);
    suite_case(suite, pieces_that_are_too_long_together_are_refused);
    suite_case(suite, a_cold_file_is_read_whole_by_one_call);
    suite_case(suite, much_is_written_by_one_call);
    suite_case(suite, a_hot_read_neither_suspends_nor_allocates);
    suite_case(suite, a_reader_of_what_is_always_there_lets_others_run);
    suite_case(suite, many_direct_reads_are_in_flight_at_once);
    suite_case(suite, what_is_not_aligned_is_einval_with_o_direct);
    suite_case(suite, a_file_is_cut_and_lengthened);
    suite_case(suite, room_is_set_aside_and_use_is_told);
    suite_case(suite, a_descriptor_is_taken_over_where_it_stands);
    suite_case(suite, a_fifo_is_read_as_it_comes);
    suite_case(suite, a_reader_of_an_empty_fifo_waits_and_is_cancelled);
    suite_case(suite, devices_and_proc_are_files_too);
    suite_case(suite, opening_says_what_is_wrong);
    suite_case(suite, what_is_forbidden_is_eacces);
    suite_case(suite, the_wrong_side_of_a_file_is_ebadf);
    suite_case(suite, a_directory_has_no_bytes);
    suite_case(suite, offsets_that_make_no_sense_are_refused);
    suite_case(suite, a_full_device_is_enospc);
    suite_case(suite, a_full_disk_is_enospc_and_says_how_much_went);
    suite_case(suite, a_file_system_that_is_read_only_is_erofs);
    suite_case(suite, an_open_that_hangs_is_left_behind);
    suite_case(suite, cancelled_already_nothing_is_moved);
    suite_case(suite, a_cancelled_close_closes_all_the_same);
    suite_case(suite, cancelled_anywhere_the_memory_is_the_callers_again);
    suite_case(suite, a_file_that_is_in_use_is_closed_by_its_last_user);
    suite_case(suite, a_file_of_another_loop_is_exdev);
    suite_case(suite, whatever_fails_nothing_is_left_open);
    return suite;
}
