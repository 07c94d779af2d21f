/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the kernel's face load. The object beside it is made from this by
 *
 *   clang-14 -O2 -g -target bpf -mcpu=v3 -fno-ident -ffile-prefix-map=$PWD=. \
 *     -isystem /usr/include/x86_64-linux-gnu -c src/kernel/testdata/probe.c -o src/kernel/testdata/probe.bpf.o
 *   llvm-strip-14 -g src/kernel/testdata/probe.bpf.o
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Shared with the test by mmap(2). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, __u64);
} shared_words SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");

/* Constants, which a loader may set. */
const volatile __u32 first = 1;
const volatile __u32 answer = 41;

/* Counts its runs in word 0 by an atomic addition, copies word 1 to word 2, and returns the constant. */
SEC("tc")
int count(struct __sk_buff *skb)
{
	__u32 i = 0;
	__u64 *words = bpf_map_lookup_elem(&shared_words, &i);
	__u64 *to;

	if (words)
		__sync_fetch_and_add(words, first);
	i = 1;
	words = bpf_map_lookup_elem(&shared_words, &i);
	i = 2;
	to = bpf_map_lookup_elem(&shared_words, &i);
	if (words && to)
		*to = *words;
	return answer;
}

/* Lets the frame on, as a director that knows nothing about it. */
SEC("tc")
int pass(struct __sk_buff *skb)
{
	return -1; /* TC_ACT_UNSPEC */
}

SEC("sk_lookup")
int lookup(struct bpf_sk_lookup *ctx)
{
	return SK_PASS;
}

/* Reads the packet without asking for its end: the verifier refuses it. Loaded only when asked for. */
SEC("?tc")
int refused(struct __sk_buff *skb)
{
	return *(__u8 *)(long)skb->data;
}

char LICENSE[] SEC("license") = "GPL";
