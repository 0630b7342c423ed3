/* SPDX-License-Identifier: MIT */
/*
 * The first code of a new context on x86-64; switch_x86_64.h has the rest.
 *
 * The stack holds `entry` and `arg` (struct ctx_cpu_first). `entry` is jumped
 * to: a `call` that never returns would leave an entry in the return stack
 * buffer, and whoever the context hands over to at its end would mispredict
 * its own return (1 ns of the 33 that a spawn and join took). The frame has no
 * caller, which the CFI says, so that debuggers and unwinders stop here.
 *
 * This file carries no shadow-stack mark, and a linker gives the mark only to
 * what consists of marked files: shadow stacks stay off in every program that
 * links this library, since a switch would leave them behind. Landing pads
 * for indirect jumps are there, and marked where the compiler wants them.
 */
    .text
    .globl ctx_cpu_start
    .hidden ctx_cpu_start
    .type ctx_cpu_start, @function
    .p2align 4
ctx_cpu_start:
    .cfi_startproc
    .cfi_undefined rip
    endbr64
    popq %rax                   /* entry */
    popq %rdi                   /* arg */
    leaq 1f(%rip), %rcx
    pushq %rcx                  /* aligns as the ABI has it: rsp was 16n */
    jmpq *%rax
1:  ud2                         /* entry returned: ctx.h forbids it */
    .cfi_endproc
    .size ctx_cpu_start, . - ctx_cpu_start

    .section .note.GNU-stack, "", @progbits

#if defined(__CET__) && (__CET__ & 1)
    .section .note.gnu.property, "a"
    .p2align 3
    .long 4                     /* length of the name */
    .long 16                    /* length of the property */
    .long 5                     /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz "GNU"
    .long 0xc0000002            /* GNU_PROPERTY_X86_FEATURE_1_AND */
    .long 4
    .long 1                     /* IBT, and not SHSTK, which would be 2 */
    .long 0
#endif
