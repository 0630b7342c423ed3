/* SPDX-License-Identifier: MIT */
/*
 * Peer of read-hot and read-direct: uv_fs_read, one at a time or DEPTH at once,
 * on libuv's pool of its default size, four threads.
 */
#include <uv.h>

#include "../file/file.h"

struct reader {
    uv_fs_t request;
    char *memory;
};

static struct blocks plan;
static struct reader readers[DEPTH];
static uv_file file;
static long started;

static void on_read(uv_fs_t *request);

static void start(struct reader *reader)
{
    uv_buf_t part = uv_buf_init(reader->memory, BLOCK);
    started++;
    uv_fs_read(uv_default_loop(), &reader->request, file, &part, 1,
               blocks_next(&plan), on_read);
}

static void on_read(uv_fs_t *request)
{
    bench_check(request->result == BLOCK, "uv_fs_read");
    uv_fs_req_cleanup(request);
    if (started < plan.reads)
        start(request->data);
}

static void slice(struct blocks *blocks, void *arg)
{
    int depth = blocks->is_direct ? DEPTH : 1;
    (void)arg;
    started = 0;
    for (int i = 0; i < depth; i++)
        start(&readers[i]);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    plan = blocks_plan(argc, argv);
    char *memory = blocks_memory();
    blocks_warm(&plan, memory);
    file = open(plan.path, blocks_flags(&plan));
    bench_check(file >= 0, "open");
    for (int i = 0; i < DEPTH; i++) {
        readers[i].memory = memory + (size_t)i * BLOCK;
        readers[i].request.data = &readers[i];
    }
    blocks_measure(&plan, slice, NULL);
    return 0;
}
