/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tunnels to a real server: what stands between the frame's header and the client's packet. IP in IP (RFC 2003, 2473,
 * 4213), GRE (RFC 2784) and GUE, version 0 (draft-ietf-intarea-gue); of either family outside and inside.
 */
#ifndef SLUICE_TUNNEL_H
#define SLUICE_TUNNEL_H

#include "icmp6.h"
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
	struct address6 saddr; /* IPv4: the first word */
	struct address6 daddr;
	__u32 length; /* of all the headers */
	__be16 sport; /* GUE */
	__be16 dport;
	__u8 type; /* enum sluice_tunnel */
	__u8 checked;
	__u8 tos;
	__u8 ttl;
	__be16 df;
	__be16 id;
	__u8 six; /* the outer header is IPv6's */
	__u8 inner; /* protocol: IPv4 or IPv6 */
	__u16 spare;
};

/* Bytes that a tunnel puts in front of each packet. */
always_inline __u32 tunnel_overhead(__u32 type, __u32 checked, __u32 six)
{
	__u32 header = six ? IP6_LEN : sizeof(struct iphdr);

	switch (type) {
	case SLUICE_TUNNEL_GUE:
		return header + sizeof(struct gue_header);
	case SLUICE_TUNNEL_GRE:
		return header + (checked ? sizeof(struct gre_header) : GRE_BARE);
	}
	return header;
}

/* The sum of a pseudo-header without the protocol and the length. */
always_inline __u32 outer_sum_addresses(const struct outer *o)
{
	return ip6_sum_addresses(&o->saddr, &o->daddr);
}

/* A congestion mark stays inside; the outer header says that marks may be set (RFC 3168 section 9.1.1). */
always_inline __u8 outer_tos(__u8 tos)
{
	return (tos & 3) == 3 ? tos & ~1 : tos;
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
	gue->protocol = o->inner;
	gue->flags = 0;
	if (o->checked) {
		sum = csum_add32(inner_sum, outer_sum_addresses(o));
		sum = csum_add32(sum, bpf_htons(IPPROTO_UDP) + 2 * bpf_htons(length) + o->sport + o->dport + bpf_htons(o->inner));
		gue->udp.check = ~csum_fold32(sum);
		if (!gue->udp.check)
			gue->udp.check = 0xffff;
	}
	return 1;
}

always_inline int gre_write(void *at, void *end, const struct outer *o, __u32 inner_sum)
{
	__be16 protocol = bpf_htons(o->inner == NEXT_IPV6 ? ETH_P_IPV6 : ETH_P_IP);
	struct gre_header *gre = at;

	if (at + GRE_BARE > end)
		return 0;
	gre->flags = o->checked ? bpf_htons(GRE_CSUM) : 0;
	gre->protocol = protocol;
	if (!o->checked)
		return 1;
	if ((void *)(gre + 1) > end)
		return 0;
	gre->reserved = 0;
	gre->check = ~csum_fold32(csum_add32(inner_sum, bpf_htons(GRE_CSUM) + protocol));
	return 1;
}

/* The outer IPv6 header, all zeros but what is set here; no flow label, as IPVS. */
always_inline void tunnel_write6(struct ipv6hdr *ip, const struct outer *o, __u32 inner, __u8 protocol)
{
	__u32 length = o->length - IP6_LEN + inner;

	*(__be32 *)ip = bpf_htonl(6U << 28 | (__u32)o->tos << 20);
	/* beyond 64 KiB it is a GSO packet, whose segments get lengths of their own */
	ip->payload_len = length > 0xffff ? 0 : bpf_htons(length);
	ip->nexthdr = protocol;
	ip->hop_limit = o->ttl;
	__builtin_memcpy(&ip->saddr, &o->saddr, sizeof(o->saddr));
	__builtin_memcpy(&ip->daddr, &o->daddr, sizeof(o->daddr));
}

always_inline void tunnel_write4(struct iphdr *ip, const struct outer *o, __u32 inner, __u8 protocol)
{
	ip->version = 4;
	ip->ihl = 5;
	ip->tos = o->tos;
	ip->tot_len = bpf_htons(o->length + inner);
	ip->id = o->id;
	ip->frag_off = o->df;
	ip->ttl = o->ttl;
	ip->protocol = protocol;
	ip->saddr = o->saddr.word[0];
	ip->daddr = o->daddr.word[0];
	ip->check = 0;
	ip->check = ~csum_fold32(csum_add32(bpf_htons(0x4500 | o->tos) + ip->tot_len + ip->id + ip->frag_off +
						    bpf_htons(o->ttl << 8 | protocol),
					    outer_sum_addresses(o)));
}

/* Writes the headers into the room that was made for them, in front of `inner` bytes. False: they do not fit. */
always_inline int tunnel_write(hook_ctx *ctx, const struct outer *o, __u32 inner, __u32 inner_sum)
{
	struct ethhdr *eth = packet_start(ctx);
	void *end = packet_end(ctx), *ip = eth + 1, *next;
	__u8 protocol = o->inner;

	if (o->type == SLUICE_TUNNEL_GUE)
		protocol = IPPROTO_UDP;
	else if (o->type == SLUICE_TUNNEL_GRE)
		protocol = IPPROTO_GRE;
	if (ip + sizeof(struct iphdr) > end)
		return 0;
	if (o->six) {
		next = ip + IP6_LEN;
		if (next > end)
			return 0;
		eth->h_proto = bpf_htons(ETH_P_IPV6);
		tunnel_write6(ip, o, inner, protocol);
		/* a device's sum of the whole packet is to know of it; IPv4's header sums up to nothing */
		bpf_csum_update(ctx, bpf_csum_diff(NULL, 0, ip, IP6_LEN, 0));
	} else {
		next = ip + sizeof(struct iphdr);
		eth->h_proto = bpf_htons(ETH_P_IP);
		tunnel_write4(ip, o, inner, protocol);
	}
	if (o->type == SLUICE_TUNNEL_GUE && !gue_write(next, end, o, inner, inner_sum))
		return 0;
	if (o->type == SLUICE_TUNNEL_GRE && !gre_write(next, end, o, inner_sum))
		return 0;
	return 1;
}

/* The packet becomes one hop older. False: it is not all there. */
always_inline int tunnel_age(hook_ctx *ctx, const struct packet *p, __u8 ttl)
{
	void *inner = packet_start(ctx) + ETH_LEN;

	if (p->flow.family == SLUICE_FAMILY_INET) {
		struct iphdr *ip = inner;

		if ((void *)(ip + 1) > packet_end(ctx))
			return 0;
		ip->check = csum_replace16(ip->check, bpf_htons(p->ttl << 8 | ip->protocol), bpf_htons(ttl << 8 | ip->protocol));
		ip->ttl = ttl;
	} else {
		struct ipv6hdr *ip = inner;

		if ((void *)(ip + 1) > packet_end(ctx))
			return 0;
		ip->hop_limit = ttl;
		bpf_csum_update(ctx, csum_sub32(bpf_htons(ttl), bpf_htons(p->ttl)));
	}
	return 1;
}

/* Ages the packet and puts it into its tunnel; the frame's addresses are left to the caller. False: it could not be done. */
verified_apart int tunnel_wrap(hook_ctx *ctx, const struct packet *p, const struct outer *o)
{
	__u32 sum = 0;

	if (!p || !o || !tunnel_age(ctx, p, o->ttl))
		return 0;
	if (o->checked)
		sum = tunnel_inner_sum(ctx, p);
	return !tunnel_make_room(ctx, o) && tunnel_write(ctx, o, p->ip_len, sum);
}

#endif
