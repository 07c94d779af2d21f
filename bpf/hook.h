/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hook that the source around it is compiled for: TC, or XDP with SLUICE_XDP. Only this file, parse.h and route.h touch
 * the hook's context.
 */
#ifndef SLUICE_HOOK_H
#define SLUICE_HOOK_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define always_inline static inline __attribute__((always_inline))
/*
 * A global function: the verifier walks it once by itself, for any arguments, instead of once for every path that leads
 * to it. Its pointer arguments may be NULL as far as the verifier knows.
 */
#define verified_apart __attribute__((noinline))

/*
 * Zero, of which the verifier does not know that it is; `any` is a number that it does not know. What the steps of a loop
 * change and branch on begins with it: kernel 6.1 verifies a step once, with what it knows before the first one, and takes
 * the branches that this one cannot go out of the program for all of them.
 */
always_inline __u64 zero_unknown(__u64 any)
{
	asm volatile("%0 ^= %0" : "+r"(any));
	return any;
}

#ifdef SLUICE_XDP
typedef struct xdp_md hook_ctx;
#else
typedef struct __sk_buff hook_ctx;
#endif

/*
 * One load with a constant offset. Left to itself the compiler keeps the field's address in a register, and the
 * verifier refuses loads through a context pointer that was added to.
 */
#define CTX_LOAD(ctx, field)                                                                                           \
	({                                                                                                             \
		long value_;                                                                                           \
		asm volatile("%0 = *(u32 *)(%1 + %2)"                                                                  \
			     : "=r"(value_)                                                                            \
			     : "r"(ctx), "i"(__builtin_offsetof(hook_ctx, field)));                            \
		value_;                                                                                                \
	})

always_inline void *packet_start(hook_ctx *ctx)
{
	return (void *)CTX_LOAD(ctx, data);
}

always_inline void *packet_end(hook_ctx *ctx)
{
	return (void *)CTX_LOAD(ctx, data_end);
}

/* Bytes of the frame; of a GSO packet, of all its segments. */
always_inline __u32 packet_len(hook_ctx *ctx)
{
#ifdef SLUICE_XDP
	return CTX_LOAD(ctx, data_end) - CTX_LOAD(ctx, data);
#else
	return CTX_LOAD(ctx, len);
#endif
}

/* Tells of a change a device's sum of the whole packet, which only the stack's packets have. */
always_inline void packet_sum_changed(hook_ctx *ctx, __u32 diff)
{
#ifdef SLUICE_XDP
	(void)ctx;
	(void)diff;
#else
	bpf_csum_update(ctx, diff);
#endif
}

/* Tells it of words that were put in front. */
always_inline void packet_sum_grew(hook_ctx *ctx, const void *words, __u32 length)
{
#ifdef SLUICE_XDP
	(void)ctx;
	(void)words;
	(void)length;
#else
	bpf_csum_update(ctx, bpf_csum_diff(NULL, 0, (void *)words, length, 0));
#endif
}

#endif
