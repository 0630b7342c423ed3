/* SPDX-License-Identifier: MIT */
/* asyncio_process_communicate: input and outputs at once, their limits, and a
 * cancel at each of its waits. */
#include "process_rig.h"

#include "base/fault.h"

static const struct asyncio_redirect to_pipe = {.to = ASYNCIO_PIPE};

static const struct asyncio_process_options all_piped = {
    .std_in = {.to = ASYNCIO_PIPE},
    .std_out = {.to = ASYNCIO_PIPE},
    .std_err = {.to = ASYNCIO_PIPE},
};

enum { MEGABYTE = 1 << 20 };

static char megabyte[MEGABYTE];

static void fill_megabyte(void)
{
    for (size_t i = 0; i < sizeof megabyte; i++)
        megabyte[i] = (char)('a' + i % 23);
}

NET_SCENARIO(what_goes_in_comes_out)
{
    const char *inputs[] = {"", "x", "hello, world\n"};
    for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
        size_t len = strlen(inputs[i]);
        struct asyncio_communication talk = {.input = inputs[i],
                                             .input_len = len};
        asyncio_process *process = start_program(ARGV("cat"), &all_piped);
        ck_assert_int_eq(asyncio_process_communicate(process, &talk), 0);
        ck_assert_uint_eq(talk.input_taken, len);
        ck_assert_uint_eq(talk.out.len, len);
        ck_assert_str_eq(talk.out.bytes ? talk.out.bytes : "", inputs[i]);
        ck_assert_uint_eq(talk.err.len, 0);
        ck_assert_int_eq(wait_for(process), 0);
        asyncio_communication_fini(&talk);
        ck_assert_ptr_null(talk.out.bytes);
        asyncio_process_close(process);
    }
}

/* More than fits in the pipes, in all three directions at once. */
NET_SCENARIO(a_megabyte_each_way_is_no_deadlock)
{
    fill_megabyte();
    struct asyncio_communication talk = {.input = megabyte,
                                         .input_len = sizeof megabyte};
    asyncio_process *process = start_shell("tee /dev/stderr", &all_piped);
    ck_assert_int_eq(asyncio_process_communicate(process, &talk), 0);
    ck_assert_uint_eq(talk.input_taken, sizeof megabyte);
    ck_assert_uint_eq(talk.out.len, sizeof megabyte);
    ck_assert_uint_eq(talk.err.len, sizeof megabyte);
    ck_assert(!memcmp(talk.out.bytes, megabyte, sizeof megabyte));
    ck_assert(!memcmp(talk.err.bytes, megabyte, sizeof megabyte));
    asyncio_communication_fini(&talk);
    asyncio_process_close(process);
}

NET_SCENARIO(a_child_need_not_read_its_input)
{
    fill_megabyte();
    const struct {
        const char *command;
        int returncode;
    } childs[] = {
        {"true", 0},
        {"exec 0<&-; echo deaf; exit 3", 3},
        {"head -c 10 >/dev/null; exit 4", 4},
        {"kill -KILL $$", -SIGKILL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(childs); i++) {
        struct asyncio_communication talk = {.input = megabyte,
                                             .input_len = sizeof megabyte};
        asyncio_process *process = start_shell(childs[i].command, &all_piped);
        ck_assert_int_eq(asyncio_process_communicate(process, &talk), 0);
        ck_assert_uint_lt(talk.input_taken, sizeof megabyte);
        ck_assert_int_eq(wait_for(process), childs[i].returncode);
        asyncio_communication_fini(&talk);
        asyncio_process_close(process);
    }
}

NET_SCENARIO(without_pipes_it_waits_for_the_end)
{
    struct asyncio_communication talk = {.input = "ignored", .input_len = 7};
    asyncio_process *process = start_program(ARGV("false"), NULL);
    ck_assert_int_eq(asyncio_process_communicate(process, &talk), 0);
    ck_assert_int_eq(wait_for(process), 1);
    ck_assert_uint_eq(talk.input_taken, 0);
    ck_assert_ptr_null(talk.out.bytes);
    ck_assert_ptr_null(talk.err.bytes);
    /* And again, when it has ended. */
    ck_assert_int_eq(asyncio_process_communicate(process, &talk), 0);
    asyncio_communication_fini(&talk);
    asyncio_process_close(process);
}

NET_SCENARIO(what_was_said_before_is_not_said_again)
{
    struct asyncio_communication talk = {.input = "two\n", .input_len = 4};
    asyncio_process *process = start_program(ARGV("cat"), &all_piped);
    say_text(asyncio_process_stdin(process), "one\n");
    hear_text(asyncio_process_stdout(process), "one\n");
    ck_assert_int_eq(asyncio_process_communicate(process, &talk), 0);
    ck_assert_str_eq(talk.out.bytes, "two\n");
    asyncio_communication_fini(&talk);
    asyncio_process_close(process);
}

/* ---- limits ---- */

NET_SCENARIO(an_output_may_be_just_as_long_as_its_limit)
{
    const size_t sizes[] = {1, 2, 4095, 4096, 4097, 8191, 100000};
    fill_megabyte();
    for (size_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
        size_t size = sizes[i / 2];
        bool fits = i % 2 == 0;
        struct asyncio_communication talk = {
            .input = megabyte, .input_len = size, .limit = size - !fits};
        if (talk.limit == 0)
            continue;            /* that is the default */
        asyncio_process *process = start_program(ARGV("cat"), &all_piped);
        ck_assert_int_eq(asyncio_process_communicate(process, &talk),
                         fits ? 0 : -EMSGSIZE);
        ck_assert_uint_eq(talk.out.len, talk.limit);
        ck_assert(!memcmp(talk.out.bytes, megabyte, talk.limit));
        ck_assert_int_eq(talk.out.bytes[talk.limit], '\0');
        asyncio_communication_fini(&talk);
        asyncio_process_close(process);
    }
    struct asyncio_communication talk = {.limit = SIZE_MAX};
    asyncio_process *process = start_program(ARGV("true"), NULL);
    ck_assert_int_eq(asyncio_process_communicate(process, &talk), -EINVAL);
    asyncio_process_close(process);
}

NET_SCENARIO(an_output_without_end_is_emsgsize)
{
    struct asyncio_process_options options = {.std_out = to_pipe,
                                              .std_err = to_pipe};
    const char *commands[] = {"yes", "yes >&2"};
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        struct asyncio_communication talk = {.limit = 200000};
        asyncio_process *process = start_shell(commands[i], &options);
        struct asyncio_output *output = i == 0 ? &talk.out : &talk.err;
        ck_assert_int_eq(asyncio_process_communicate(process, &talk),
                         -EMSGSIZE);
        ck_assert_uint_eq(output->len, 200000);
        ck_assert_mem_eq(output->bytes, "y\ny\n", 4);
        asyncio_communication_fini(&talk);
        asyncio_process_close(process);
    }
    assert_no_children();
}

/* ---- others at it ---- */

static int read_a_byte(void *stream)
{
    char byte;
    return (int)asyncio_stream_read(stream, &byte, 1);
}

NET_SCENARIO(a_stream_that_somebody_reads_is_ebusy)
{
    struct asyncio_communication talk = {0};
    asyncio_process *process = start_program(ARGV("cat"), &all_piped);
    asyncio_task reader = asyncio_create_task(
        read_a_byte, asyncio_process_stdout(process));
    let_a_turn_pass();
    ck_assert_int_eq(asyncio_process_communicate(process, &talk), -EBUSY);
    asyncio_communication_fini(&talk);
    asyncio_process_close(process);
    ck_assert_int_eq(asyncio_await(reader), -EBADF);
}

struct talk_call {
    asyncio_process *process;
    struct asyncio_communication talk;
};

static int communicate(void *arg)
{
    struct talk_call *call = arg;
    return asyncio_process_communicate(call->process, &call->talk);
}

NET_SCENARIO(closed_meanwhile_it_is_ebadf)
{
    for (int turns = 0; turns < 6; turns++) {
        struct talk_call call = {
            .process = start_program(ARGV("cat"), &all_piped),
            .talk = {.input = megabyte, .input_len = sizeof megabyte},
        };
        asyncio_task task = asyncio_create_task(communicate, &call);
        for (int i = 0; i < turns; i++)
            asyncio_sleep(0);
        asyncio_process_close(call.process);
        ck_assert_int_eq(asyncio_await(task), -EBADF);
        asyncio_communication_fini(&call.talk);
    }
    assert_no_children();
}

/* ---- cancels ---- */

/* A cancel at each of its waits: after so many turns of the loop, and from
 * some number on after so many moments. True: it came too late. */
static bool cancel_after(int steps, bool kill_on_cancel)
{
    struct asyncio_process_options options = all_piped;
    options.kill_on_cancel = kill_on_cancel;
    struct talk_call call = {
        .process = start_shell("cat; echo end >&2; exit 5", &options),
        .talk = {.input = megabyte, .input_len = sizeof megabyte / 4},
    };
    asyncio_task task = asyncio_create_task(communicate, &call);
    for (int i = 0; i < steps; i++)
        asyncio_sleep(i < 60 ? 0 : 0.0003);
    asyncio_task_cancel(task);
    int err = asyncio_await(task);
    int returncode = 0;
    int ended = asyncio_process_returncode(call.process, &returncode);
    ck_assert(err == 0 || err == -ECANCELED);
    if (err == 0) {
        ck_assert_int_eq(returncode, 5);
        ck_assert_uint_eq(call.talk.out.len, sizeof megabyte / 4);
        ck_assert_str_eq(call.talk.err.bytes, "end\n");
    } else if (kill_on_cancel) {
        ck_assert_int_eq(ended, 0);
        ck_assert(returncode == -SIGTERM || returncode == 5);
    }
    ck_assert(!call.talk.out.len ||
              !memcmp(call.talk.out.bytes, megabyte, call.talk.out.len));
    asyncio_communication_fini(&call.talk);
    asyncio_process_close(call.process);
    assert_no_children();
    return err == 0;
}

static void cancel_everywhere(bool kill_on_cancel)
{
    fill_megabyte();
    warm_up();
    int fds = count_fds(), late = 0;
    int stride = rig_slowness() > 1 ? 5 : 1;
    for (int steps = 0; late < 3 && steps < 400; steps += stride)
        late += cancel_after(steps, kill_on_cancel);
    settle_fds(fds);
}

NET_SCENARIO(cancelled_at_each_wait_it_leaves_nothing_behind)
{
    cancel_everywhere(false);
}

NET_SCENARIO(cancelled_at_each_wait_it_ends_the_child_if_asked)
{
    cancel_everywhere(true);
}

NET_SCENARIO(cancelled_it_keeps_what_was_heard)
{
    struct talk_call call = {
        .process = start_shell("echo first; exec sleep 100", &all_piped)};
    asyncio_task task = asyncio_create_task(communicate, &call);
    while (call.talk.out.len < 6)
        ck_assert_int_eq(asyncio_sleep(0.0005), 0);
    asyncio_task_cancel(task);
    ck_assert_int_eq(asyncio_await(task), -ECANCELED);
    ck_assert_str_eq(call.talk.out.bytes, "first\n");
    ck_assert_int_eq(asyncio_process_returncode(call.process, NULL), -EAGAIN);
    asyncio_communication_fini(&call.talk);
    asyncio_process_close(call.process);
}

/* ---- shortages ---- */

NET_SCENARIO(without_memory_it_is_enomem)
{
    warm_up();
    int fds = count_fds(), failures = 0;
    for (uint64_t n = 1;; n++) {
        struct asyncio_communication talk = {.input = "hello",
                                             .input_len = 5};
        asyncio_process *process = start_program(ARGV("cat"), &all_piped);
        fault_arm(FAULT_MEMORY, n);
        int err = asyncio_process_communicate(process, &talk);
        bool has_struck = fault_disarm() >= n;
        if (err < 0)
            ck_assert_int_eq(err, -ENOMEM);
        else
            ck_assert_str_eq(talk.out.bytes, "hello");
        failures += err < 0;
        asyncio_communication_fini(&talk);
        asyncio_process_close(process);
        settle_fds(fds);
        if (!has_struck)
            break;
    }
    ck_assert_int_gt(failures, 0);
    assert_no_children();
}

Suite *test_suite(void)
{
    skip_without_pidfds();
    Suite *suite = suite_create("communicate");
    suite_case(suite, what_goes_in_comes_out);
    suite_case(suite, a_megabyte_each_way_is_no_deadlock);
    suite_case(suite, a_child_need_not_read_its_input);
    suite_case(suite, without_pipes_it_waits_for_the_end);
    suite_case(suite, what_was_said_before_is_not_said_again);
    suite_case(suite, an_output_may_be_just_as_long_as_its_limit);
    suite_case(suite, an_output_without_end_is_emsgsize);
    suite_case(suite, a_stream_that_somebody_reads_is_ebusy);
    suite_case(suite, closed_meanwhile_it_is_ebadf);
    suite_case(suite, cancelled_at_each_wait_it_leaves_nothing_behind);
    suite_case(suite, cancelled_at_each_wait_it_ends_the_child_if_asked);
    suite_case(suite, cancelled_it_keeps_what_was_heard);
    suite_case(suite, without_memory_it_is_enomem);
    return suite;
}
