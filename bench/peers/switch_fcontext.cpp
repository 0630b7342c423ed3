/* SPDX-License-Identifier: MIT */
/*
 * Peer of switch: Boost.Context's fcontext, the layer below its fibers.
 *
 * N coroutines are entered from main in turn and switch back at once: one
 * round trip. The stacks come from Boost's own default allocator. Since
 * those all start at the same offset in their page, their tops are moved apart
 * as those of our tasks are: a thousand would fight for a few cache lines.
 */
#include <boost/context/detail/fcontext.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <boost/version.hpp>

#include <vector>

#include "../bench.h"

namespace ctx = boost::context;
using ctx::detail::fcontext_t;
using ctx::detail::jump_fcontext;
using ctx::detail::make_fcontext;
using ctx::detail::transfer_t;

enum { SLICES = 15 };

static void body(transfer_t from)
{
    for (;;)
        from = jump_fcontext(from.fctx, nullptr);
}

/* Makes one coroutine whose top is moved down by shift bytes. */
static fcontext_t make_one(size_t shift)
{
    ctx::fixedsize_stack allocator;
    ctx::stack_context stack = allocator.allocate();
    return make_fcontext(static_cast<char *>(stack.sp) - shift,
                         stack.size - shift, body);
}

static void round_trips(std::vector<fcontext_t> &all, long rounds)
{
    for (long i = 0; i < rounds; i++)
        for (fcontext_t &one : all)
            one = jump_fcontext(one, nullptr).fctx;
}

int main(int argc, char **argv)
{
    const char *row = bench_row(argc, argv, "switch-2");
    if (strcmp(row, "--version") == 0) {
        printf("Boost %d.%d\n", BOOST_VERSION / 100000,
               BOOST_VERSION / 100 % 1000);
        return 0;
    }
    bench_check(strncmp(row, "switch-", 7) == 0, "the row is switch-N");
    long count = bench_number(row + 7);

    std::vector<fcontext_t> all;
    for (long i = 0; i < count; i++)
        all.push_back(make_one(size_t(i % 16) * 192));

    long rounds = bench_count(argc, argv, 4000000) / count;
    double slices[SLICES];
    round_trips(all, rounds / 4 + 1);
    for (double &slice : slices) {
        int64_t begin = bench_now_ns();
        round_trips(all, rounds);
        slice = bench_each(bench_now_ns() - begin, rounds * count);
    }
    bench_report(row, bench_quartile(slices, SLICES), "ns");
    return 0;
}
