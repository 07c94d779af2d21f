/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * At a real server's ingress, for kernels without an ipip device: takes the outer header off IPIP packets, so that the
 * stack meets the client's packet for the VIP on lo.
 */
#include "packet.h"

/* Packets taken out of their tunnel, and those that had to be dropped instead. */
enum { DECAPSULATED, DROPPED, TALLIES };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TALLIES);
	__type(key, __u32);
	__type(value, __u64);
} decap_tallies SEC(".maps");

always_inline void tally(__u32 what)
{
	__u64 *n = bpf_map_lookup_elem(&decap_tallies, &what);

	if (n)
		__sync_fetch_and_add(n, 1);
}

SEC("tc")
int sluice_decap(struct __sk_buff *ctx)
{
	struct iphdr *ip, *inner;
	__u32 outer;

	if (packet_is_foreign(ctx) || ctx->protocol != bpf_htons(ETH_P_IP))
		return VERDICT_PASS;
	if (packet_start(ctx) + ETH_LEN + 2 * sizeof(*ip) > packet_end(ctx)) {
		if (ctx->len < ETH_LEN + 2 * sizeof(*ip) || bpf_skb_pull_data(ctx, ETH_LEN + 2 * sizeof(*ip)))
			return VERDICT_PASS;
	}
	ip = packet_start(ctx) + ETH_LEN;
	if ((void *)(ip + 1) > packet_end(ctx))
		return VERDICT_PASS;
	outer = ip->ihl * 4;
	/* Fragments are for the stack to put together first; options on a tunnel's header are nobody's habit. */
	if (ip->version != 4 || outer != sizeof(*ip) || ip->protocol != IPPROTO_IPIP ||
	    ip->frag_off & bpf_htons(IP_MF | IP_OFFSET))
		return VERDICT_PASS;
	inner = ip + 1;
	if ((void *)(inner + 1) > packet_end(ctx) || inner->version != 4)
		return VERDICT_PASS;
	if (bpf_skb_adjust_room(ctx, -(__s32)sizeof(*ip), BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO)) {
		tally(DROPPED);
		return VERDICT_DROP;
	}
	tally(DECAPSULATED);
	return VERDICT_PASS;
}

/* Tells whether the namespace still exists: see tc.c. */
SEC("sk_lookup")
int sluice_netns(struct bpf_sk_lookup *ctx)
{
	(void)ctx;
	return SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";
