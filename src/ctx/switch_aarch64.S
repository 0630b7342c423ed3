/* SPDX-License-Identifier: MIT */
/*
 * The first code of a new context on aarch64; switch_aarch64.h has the rest.
 *
 * The stack holds `entry` and `arg` (struct ctx_cpu_first). The frame has no
 * caller, which the CFI says, so that debuggers and unwinders stop here.
 */
    .text
    .globl ctx_cpu_start
    .hidden ctx_cpu_start
    .type ctx_cpu_start, %function
    .p2align 4
ctx_cpu_start:
    .cfi_startproc
    .cfi_undefined x30
    hint #38                    /* bti jc */
    ldp x1, x0, [sp], #16       /* entry, arg */
    mov x30, xzr
    blr x1
    brk #1                      /* entry returned: ctx.h forbids it */
    .cfi_endproc
    .size ctx_cpu_start, . - ctx_cpu_start

    .section .note.GNU-stack, "", %progbits

#ifdef __ARM_FEATURE_BTI_DEFAULT
    .section .note.gnu.property, "a"
    .p2align 3
    .long 4                     /* length of the name */
    .long 16                    /* length of the property */
    .long 5                     /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz "GNU"
    .long 0xc0000000            /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
    .long 4
    .long 1                     /* BTI, and not PAC, which would be 2 */
    .long 0
#endif
