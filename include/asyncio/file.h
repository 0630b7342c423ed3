/* SPDX-License-Identifier: MIT */
/*
 * Open files. What the page cache has is read at once, in one system call; for
 * everything else the ring or a thread waits for the disk, and other tasks run.
 *
 *     asyncio_file *file;
 *     int err = asyncio_file_open("notes.txt", O_RDONLY, 0, &file);
 *     if (err < 0)
 *         return err;
 *     ssize_t len = asyncio_file_read(file, buf, sizeof buf);
 *     asyncio_file_close(file);
 *
 * pread and pwrite take an offset, and any number of tasks may call them at
 * once. read and write use the position that the handle keeps: one task at a
 * time (-EBUSY). A handle belongs to the loop it was opened in (-EXDEV
 * elsewhere) and is closed by whoever opened it. Outside of a task every call
 * that suspends is -EPERM; in a simulation there are no files: -ENOTSUP.
 *
 * Memory is lent until the call returns and may be on the stack. A cancel
 * takes back what neither the disk nor a thread has begun; what has begun
 * finishes first, and bytes that were moved are reported.
 *
 * With O_DIRECT, memory, lengths and offsets must be multiples of the disk's
 * block (usually 512; 4096 is always safe): -EINVAL otherwise. Many such reads
 * of different tasks are in the ring at the same time.
 */
#ifndef ASYNCIO_FILE_H
#define ASYNCIO_FILE_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <asyncio/base.h>
#include <asyncio/stream.h>
#include <asyncio/task.h>

ASYNCIO_BEGIN

typedef struct asyncio_file asyncio_file;

/* ---- opening ---- */

/*
 * Opens `path` as open(2) does, with its flags (O_CLOEXEC is added) and, for
 * O_CREAT, the new file's `mode`. Writes *ret_file. Suspends. Cancelled:
 * -ECANCELED; an open that hangs (a dead file server, a FIFO without another
 * side) is left behind, and what it opens after all is closed; a file that it
 * has created stays. As open(2) otherwise.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_file_open(const char *path, int flags,
                                                   mode_t mode,
                                                   asyncio_file **ret_file);

/* Makes a file of a descriptor, which it takes over; its position is the
 * descriptor's. On failure it stays the caller's. Never suspends. -EBADF;
 * -ENOMEM; -EPERM: no loop runs here. */
ASYNCIO_API int asyncio_file_from_fd(int take_fd, asyncio_file **ret_file);

/*
 * Closes it and frees it, whatever it returns. Calls of other tasks that are
 * under way end as they would have; the last of them closes it then. What has
 * been written is safe only after asyncio_file_fsync. A handle that can write
 * is closed by a thread, since some file systems send the rest away then:
 * suspends; cancelled, that is left behind: -ECANCELED. NULL is fine. -EIO,
 * -ENOSPC, -EDQUOT: what the file system had to say; -EXDEV: of another loop,
 * and still open.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_file_close(asyncio_file *take_file);

/* ---- reading ---- */

/*
 * Reads `len` bytes at the handle's position and moves it on. Fewer only where
 * the file ends (0: at its end), or where a failure or a cancel came after
 * them; from what has no position (a FIFO, a terminal), as soon as there are
 * any. Suspends unless the page cache has them. Cancelled: -ECANCELED, nothing
 * read.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t asyncio_file_read(asyncio_file *file,
                                                       void *buf, size_t len);

/* As asyncio_file_read, into `count` pieces one after the other. -EINVAL:
 * together they are longer than SSIZE_MAX. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t asyncio_file_readv(
    asyncio_file *file, const struct iovec *parts, size_t count);

/* As asyncio_file_read, from `offset` on; the position stays. -ESPIPE: it has
 * no positions. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t asyncio_file_pread(asyncio_file *file,
                                                        void *buf, size_t len,
                                                        int64_t offset);

/* As asyncio_file_pread, into `count` pieces. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_file_preadv(asyncio_file *file, const struct iovec *parts,
                    size_t count, int64_t offset);

/* ---- writing ---- */

/*
 * Writes all `len` bytes at the handle's position, moves it on, and returns
 * `len`. With O_APPEND they go to the end of the file, whoever else writes
 * there, and the position (of reads) stays. When it fails, *ret_moved (may be
 * NULL) says how many bytes have been written all the same. Suspends.
 * Cancelled: -ECANCELED; bytes that are on their way are written first.
 * -ENOSPC, -EDQUOT, -EFBIG, -EIO.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_file_write(asyncio_file *file, const void *buf, size_t len,
                   size_t *ret_moved);

/* As asyncio_file_write, of `count` pieces one after the other. -EINVAL:
 * together they are longer than SSIZE_MAX. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_file_writev(asyncio_file *file, const struct iovec *parts,
                    size_t count, size_t *ret_moved);

/* As asyncio_file_write, from `offset` on; the position stays. (With O_APPEND
 * Linux writes at the end all the same.) -ESPIPE: it has no positions. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_file_pwrite(asyncio_file *file, const void *buf, size_t len,
                    int64_t offset, size_t *ret_moved);

/* As asyncio_file_pwrite, of `count` pieces. */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_file_pwritev(asyncio_file *file, const struct iovec *parts,
                     size_t count, int64_t offset, size_t *ret_moved);

/* ---- the position ---- */

/*
 * Moves the handle's position: `whence` is SEEK_SET, SEEK_CUR, SEEK_END,
 * SEEK_DATA or SEEK_HOLE. Returns the new one. Suspends but for the first two;
 * cancelled before a thread has begun: -ECANCELED. -EINVAL: it would be
 * negative; -ESPIPE; -ENXIO: no data or hole there; -EBUSY.
 */
ASYNCIO_API ASYNCIO_SUSPENDS int64_t
asyncio_file_seek(asyncio_file *file, int64_t offset, int whence);

/* The position. Never suspends. -ESPIPE: it has none. */
ASYNCIO_API int64_t asyncio_file_tell(const asyncio_file *file);

/* ---- the file as a whole; each suspends, must finish once begun, and is
 * -ECANCELED when it was cancelled before ---- */

/* Makes it `size` bytes long: cuts it, or adds zeros. As ftruncate(2). */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_file_truncate(asyncio_file *file,
                                                       int64_t size);

/* Returns once all that was written is on the disk, as fsync(2). -EIO: some of
 * it is lost, and is told of only once. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_file_fsync(asyncio_file *file);

/* As asyncio_file_fsync, without facts such as times, as fdatasync(2). */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_file_fdatasync(asyncio_file *file);

/* Facts about it, as fstat(2). */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_file_stat(asyncio_file *file,
                                                   struct stat *ret_facts);

/* Says how a range will be used, as posix_fadvise(2): `advice` is
 * POSIX_FADV_*; `len` 0: to the end. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_file_advise(asyncio_file *file,
                                                     int64_t offset,
                                                     int64_t len, int advice);

/* Has the disk set aside room for a range, as fallocate(2) with its `mode`
 * (0: plain). -ENOSPC; -EOPNOTSUPP. */
ASYNCIO_API ASYNCIO_SUSPENDS int asyncio_file_allocate(asyncio_file *file,
                                                       int mode,
                                                       int64_t offset,
                                                       int64_t len);

/* Its descriptor, which stays the file's. Never suspends. */
ASYNCIO_API int asyncio_file_fd(const asyncio_file *file);

/* ---- to a stream ---- */

/*
 * Writes `count` bytes of the file, from `offset` on, to a stream and returns
 * how many that were: fewer only where the file ends; `count` 0: all to its
 * end. The bytes stay in the kernel (sendfile(2)) as far as the page cache has
 * them and no filter has to see them. The file's position stays. When it
 * fails, *ret_moved (may be NULL) says how many bytes have gone all the same.
 * Suspends. Cancelled: -ECANCELED. Failures as those of asyncio_stream_write
 * and asyncio_file_pread.
 */
ASYNCIO_API ASYNCIO_SUSPENDS ssize_t
asyncio_stream_sendfile(asyncio_stream *stream, asyncio_file *file,
                        int64_t offset, size_t count, size_t *ret_moved);

ASYNCIO_END

#endif
