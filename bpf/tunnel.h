/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tunnels to a real server: what stands between the frame's header and the client's packet. IPIP (RFC 2003), GRE (RFC 2784)
 * and GUE, version 0 (draft-ietf-intarea-gue).
 */
#ifndef SLUICE_TUNNEL_H
#define SLUICE_TUNNEL_H

#include "icmp.h"
#include "server.h"

struct gre_header {
	__be16 flags;
	__be16 protocol;
	__u16 check; /* with GRE_CSUM only, and what follows it */
	__be16 reserved;
};

#define GRE_CSUM 0x8000
#define GRE_BARE 4 /* bytes, without a checksum */

struct gue_header {
	struct udphdr udp;
	__u8 version_length; /* two bits of version, one of control, and the options' length in words */
	__u8 protocol; /* of what is inside */
	__be16 flags;
};

/* Source ports of GUE: spread over net.ipv4.ip_local_port_range as it is by default. */
#define GUE_PORT_LOW 32768
#define GUE_PORTS 28231

/* What goes in front of a packet. */
struct outer {
	__be32 saddr;
	__be32 daddr;
	__u32 length; /* of all the headers */
	__be16 sport; /* GUE */
	__be16 dport;
	__u8 type; /* enum sluice_tunnel */
	__u8 checked;
	__u8 tos;
	__u8 ttl;
	__be16 df;
	__be16 id;
};

/* Bytes that a tunnel puts in front of each packet. */
always_inline __u32 tunnel_overhead(__u32 type, __u32 checked)
{
	switch (type) {
	case SLUICE_TUNNEL_GUE:
		return sizeof(struct iphdr) + sizeof(struct gue_header);
	case SLUICE_TUNNEL_GRE:
		return sizeof(struct iphdr) + (checked ? sizeof(struct gre_header) : GRE_BARE);
	}
	return sizeof(struct iphdr);
}

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
 * The sum of an IPv4 packet without reading it all: its header sums up to nothing, and a TCP segment or UDP datagram whose
 * checksum is right, or which the device will make right, to the complement of its pseudo-header's sum (RFC 1071). One whose
 * checksum is wrong gets a wrong outer one too. What has no such checksum is read.
 */
always_inline __u32 tunnel_inner_sum(hook_ctx *ctx, const struct packet *p)
{
	__u32 l4 = packet_l4(p), length = p->ip_len - (p->l4 - ETH_LEN), sum;
	__u16 check = 0;

	if (!(p->frag & bpf_htons(IP_MF | IP_OFFSET)) && !p->related) {
		if (p->flow.protocol == IPPROTO_TCP)
			check = 1;
		else if (p->flow.protocol == IPPROTO_UDP)
			bpf_skb_load_bytes(ctx, l4 + __builtin_offsetof(struct udphdr, check), &check, sizeof(check));
	}
	if (!check)
		return packet_sum(ctx, l4, length);
	sum = (p->flow.saddr[0] & 0xffff) + (p->flow.saddr[0] >> 16) + (p->flow.daddr[0] & 0xffff) +
	      (p->flow.daddr[0] >> 16) + bpf_htons(p->flow.protocol) + bpf_htons(length);
	return (__u16)~csum_fold32(sum);
}

/*
 * How the headers are put in front of the packet. The segments of a GSO packet get a copy each, with lengths of their own,
 * but no checksum of their own: such a packet goes without.
 */
always_inline long tunnel_make_room(hook_ctx *ctx, const struct outer *o)
{
	__u64 flags = BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;

	if (o->type == SLUICE_TUNNEL_GUE)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	else if (o->type == SLUICE_TUNNEL_GRE)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_GRE;
	return bpf_skb_adjust_room(ctx, o->length, BPF_ADJ_ROOM_MAC, flags);
}

always_inline int gue_write(void *at, void *end, const struct outer *o, __u32 inner, __u32 inner_sum)
{
	struct gue_header *gue = at;
	__u32 length = sizeof(*gue) + inner, sum;

	if ((void *)(gue + 1) > end)
		return 0;
	gue->udp.source = o->sport;
	gue->udp.dest = o->dport;
	gue->udp.len = bpf_htons(length);
	gue->udp.check = 0;
	gue->version_length = 0;
	gue->protocol = IPPROTO_IPIP;
	gue->flags = 0;
	if (o->checked) {
		sum = csum_add32(inner_sum, (o->saddr & 0xffff) + (o->saddr >> 16) + (o->daddr & 0xffff) + (o->daddr >> 16));
		sum = csum_add32(sum, bpf_htons(IPPROTO_UDP) + 2 * bpf_htons(length) + o->sport + o->dport + bpf_htons(IPPROTO_IPIP));
		gue->udp.check = ~csum_fold32(sum);
		if (!gue->udp.check)
			gue->udp.check = 0xffff;
	}
	return 1;
}

always_inline int gre_write(void *at, void *end, const struct outer *o, __u32 inner_sum)
{
	struct gre_header *gre = at;

	if (at + GRE_BARE > end)
		return 0;
	gre->flags = o->checked ? bpf_htons(GRE_CSUM) : 0;
	gre->protocol = bpf_htons(ETH_P_IP);
	if (!o->checked)
		return 1;
	if ((void *)(gre + 1) > end)
		return 0;
	gre->reserved = 0;
	gre->check = ~csum_fold32(csum_add32(inner_sum, bpf_htons(GRE_CSUM) + bpf_htons(ETH_P_IP)));
	return 1;
}

/* Writes the headers into the room that was made for them, in front of `inner` bytes. False: they do not fit. */
always_inline int tunnel_write(hook_ctx *ctx, const struct outer *o, __u32 inner, __u32 inner_sum)
{
	void *end = packet_end(ctx);
	struct iphdr *ip = packet_start(ctx) + ETH_LEN;
	__u8 protocol = IPPROTO_IPIP;

	if ((void *)(ip + 1) > end)
		return 0;
	if (o->type == SLUICE_TUNNEL_GUE)
		protocol = IPPROTO_UDP;
	else if (o->type == SLUICE_TUNNEL_GRE)
		protocol = IPPROTO_GRE;
	ip->version = 4;
	ip->ihl = 5;
	ip->tos = o->tos;
	ip->tot_len = bpf_htons(o->length + inner);
	ip->id = o->id;
	ip->frag_off = o->df;
	ip->ttl = o->ttl;
	ip->protocol = protocol;
	ip->saddr = o->saddr;
	ip->daddr = o->daddr;
	ip->check = 0;
	ip->check = ~csum_fold32(bpf_htons(0x4500 | o->tos) + ip->tot_len + ip->id + ip->frag_off +
				 bpf_htons(o->ttl << 8 | protocol) + (o->saddr & 0xffff) + (o->saddr >> 16) +
				 (o->daddr & 0xffff) + (o->daddr >> 16));
	if (o->type == SLUICE_TUNNEL_GUE)
		return gue_write(ip + 1, end, o, inner, inner_sum);
	if (o->type == SLUICE_TUNNEL_GRE)
		return gre_write(ip + 1, end, o, inner_sum);
	return 1;
}

/* Ages the packet and puts it into its tunnel; the frame's addresses are left to the caller. False: it could not be done. */
verified_apart int tunnel_wrap(hook_ctx *ctx, const struct packet *p, const struct outer *o)
{
	struct iphdr *inner;
	__u32 sum = 0;

	if (!p || !o)
		return 0;
	if (o->checked)
		sum = tunnel_inner_sum(ctx, p);
	inner = packet_start(ctx) + ETH_LEN;
	if ((void *)(inner + 1) > packet_end(ctx))
		return 0;
	inner->check = csum_replace16(inner->check, bpf_htons(p->ttl << 8 | p->flow.protocol),
				      bpf_htons(o->ttl << 8 | p->flow.protocol));
	inner->ttl = o->ttl;
	return !tunnel_make_room(ctx, o) && tunnel_write(ctx, o, p->ip_len, sum);
}

#endif
