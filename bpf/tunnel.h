/* SPDX-License-Identifier: GPL-2.0-only */
/* Tunnels to a real server at TC: room for the headers, and their checksums. */
#ifndef SLUICE_TUNNEL_H
#define SLUICE_TUNNEL_H

#include "icmp6.h"
#include "outer.h"

struct sum_walk {
	hook_ctx *ctx;
	__u32 at;
	__u32 left;
	__u32 sum;
};

static long sum_step(__u32 i, struct sum_walk *walk)
{
	__u32 words[SUM_CHUNK / 4] = {}, n = walk->left;

	(void)i;
	if (!n)
		return 1;
	if (n >= SUM_CHUNK) {
		n = SUM_CHUNK;
		if (bpf_skb_load_bytes(walk->ctx, walk->at, words, SUM_CHUNK))
			return 1;
	} else {
		/* 6.1 wants to see that it is not 0 */
		asm volatile("" : "+r"(n));
		n = ((n - 1) & (SUM_CHUNK - 1)) + 1;
		if (bpf_skb_load_bytes(walk->ctx, walk->at, words, n))
			return 1;
	}
	walk->sum = bpf_csum_diff(NULL, 0, (__be32 *)words, SUM_CHUNK, walk->sum);
	walk->at += n;
	walk->left -= n;
	return 0;
}

/* Sums `length` bytes of the packet. */
verified_apart __u32 packet_sum(hook_ctx *ctx, __u32 at, __u32 length)
{
	struct sum_walk walk = { ctx, at, length, 0 };

	bpf_loop(0x10000 / SUM_CHUNK, sum_step, &walk, 0);
	return walk.sum;
}

/*
 * The sum of a packet without reading it all: IPv4's header sums up to nothing, and a TCP segment or UDP datagram whose
 * checksum is right, or which the device will make right, to the complement of its pseudo-header's sum (RFC 1071). One whose
 * checksum is wrong gets a wrong outer one too. What has no such checksum is read. The header is the packet's as it leaves.
 */
always_inline __u32 tunnel_inner_sum(hook_ctx *ctx, const struct packet *p)
{
	const __u32 six = p->flow.family == SLUICE_FAMILY_INET6;
	__u32 l4 = packet6_l4(p), length = p->ip_len - (p->l4 - ETH_LEN), sum = 0, header = 0;
	__u16 check = 0;

	if (!(p->frag & bpf_htons(IP_MF)) && !p->later_fragment) {
		if (p->flow.protocol == IPPROTO_TCP)
			check = 1;
		else if (p->flow.protocol == IPPROTO_UDP)
			bpf_skb_load_bytes(ctx, l4 + __builtin_offsetof(struct udphdr, check), &check, sizeof(check));
	}
	if (six && (!check || l4 != ETH_LEN + IP6_LEN))
		return packet_sum(ctx, ETH_LEN, p->ip_len);
	if (six)
		header = packet_sum(ctx, ETH_LEN, IP6_LEN);
	if (!check)
		return packet_sum(ctx, l4, length);
	for (int i = 0; i < 4; i++)
		sum = csum_add32(csum_add32(sum, p->flow.saddr[i]), p->flow.daddr[i]);
	sum = csum_add32(sum, bpf_htonl(p->flow.protocol));
	sum = csum_add32(sum, bpf_htonl(length));
	return csum_add32(header, (__u16)~csum_fold32(sum));
}

/*
 * How the headers are put in front of the packet. The segments of a GSO packet get a copy each, with lengths of their own,
 * but no checksum of their own: such a packet goes without.
 */
always_inline long tunnel_make_room(hook_ctx *ctx, const struct outer *o)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;

	flags |= o->six ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4;
	if (o->type == SLUICE_TUNNEL_GUE)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	else if (o->type == SLUICE_TUNNEL_GRE)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_GRE;
	return bpf_skb_adjust_room(ctx, o->length, BPF_ADJ_ROOM_MAC, flags);
}

/* Ages the packet and puts it into its tunnel; the frame's addresses are left to the caller. False: it could not be done. */
verified_apart int tunnel_wrap(hook_ctx *ctx, const struct packet *p, const struct outer *o)
{
	__u32 sum = 0;

	if (!p || !o || !tunnel_age(ctx, p, ETH_LEN))
		return 0;
	if (o->checked)
		sum = tunnel_inner_sum(ctx, p);
	return !tunnel_make_room(ctx, o) && tunnel_write(ctx, o, p->ip_len, sum);
}

#endif
