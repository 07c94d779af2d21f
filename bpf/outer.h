/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tunnels to a real server: what stands between the frame's header and the client's packet. IP in IP (RFC 2003, 2473,
 * 4213), GRE (RFC 2784) and GUE, version 0 (draft-ietf-intarea-gue); of either family outside and inside.
 */
#ifndef SLUICE_OUTER_H
#define SLUICE_OUTER_H

#include "route.h"
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

/*
 * The tunnel of a packet to a server: IPv6's inside (`six`) and outside, its type; `checked`: with a checksum of its own. The
 * outer header takes TTL and TOS from the inner one, and DF, which pmtu_disc 0 leaves out.
 */
always_inline void outer_describe(struct outer *o, const struct packet *p, const struct server *server, const int six,
				  const int outside, const __u32 type, const int checked)
{
	__builtin_memset(o, 0, sizeof(*o));
	o->six = outside;
	o->inner = six ? NEXT_IPV6 : NEXT_IPIP;
	o->type = type;
	o->checked = checked;
	o->length = tunnel_overhead(o->type, o->checked, o->six);
	__builtin_memcpy(&o->daddr, server->address, sizeof(o->daddr));
	o->tos = outer_tos(p->tos);
	o->ttl = p->ttl - 1;
	o->df = !six && sysctl_get(SLUICE_SYSCTL_PMTU_DISC) ? p->frag & bpf_htons(IP_DF) : 0;
	o->id = o->df ? 0 : six ? (__be16)bpf_get_prandom_u32() : (__be16)p->id;
}

/* Looks up its route. Segments are judged with the headers that they will each get. */
always_inline long outer_route(hook_ctx *ctx, const struct outer *o, struct bpf_fib_lookup *fib, const struct packet *p)
{
	__u32 flags = fib_gives_source ? FIB_GIVES_SOURCE : 0;

	return o->six ? route6(ctx, fib, NULL, o->daddr.word, p->tos, p->segment + o->length, flags) :
			route4(ctx, fib, 0, o->daddr.word[0], p->tos, p->segment + o->length, flags);
}

/* The outer source: the route's, or where that was not told, the one that the control plane found. 0: none. */
always_inline int tunnel_source(struct outer *o, const struct bpf_fib_lookup *fib, long rc,
				const struct server_options *options)
{
	if (!fib_gives_source || (rc != BPF_FIB_LKUP_RET_SUCCESS && rc != BPF_FIB_LKUP_RET_NO_NEIGH))
		__builtin_memcpy(&o->saddr, options->tunnel_source, sizeof(o->saddr));
	else if (o->six)
		__builtin_memcpy(&o->saddr, fib->ipv6_src, sizeof(o->saddr));
	else
		o->saddr.word[0] = fib->ipv4_src;
	return o->saddr.word[0] || o->saddr.word[1] || o->saddr.word[2] || o->saddr.word[3];
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
	/* its other addresses are 0 */
	ip->check = ~csum_fold32(csum_add32(bpf_htons(0x4500 | o->tos) + ip->tot_len + ip->id + ip->frag_off +
						    bpf_htons(o->ttl << 8 | protocol),
					    csum_add32(o->saddr.word[0], o->daddr.word[0])));
}

/* Writes the headers into the room that was made for them, in front of `inner` bytes. False: they do not fit. */
always_inline int tunnel_write(hook_ctx *ctx, const struct outer *o, __u32 inner, __u32 inner_sum)
{
	void *start = packet_start(ctx), *end = packet_end(ctx), *ip = start + ETH_LEN, *next;
	__be16 *type = start + ETH_TYPE;
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
		*type = bpf_htons(ETH_P_IPV6);
		tunnel_write6(ip, o, inner, protocol);
		/* IPv4's header sums up to nothing */
		packet_sum_grew(ctx, ip, IP6_LEN);
	} else {
		next = ip + sizeof(struct iphdr);
		*type = bpf_htons(ETH_P_IP);
		tunnel_write4(ip, o, inner, protocol);
	}
	if (o->type == SLUICE_TUNNEL_GUE && !gue_write(next, end, o, inner, inner_sum))
		return 0;
	if (o->type == SLUICE_TUNNEL_GRE && !gre_write(next, end, o, inner_sum))
		return 0;
	return 1;
}

/* The packet, which begins at `at`, becomes one hop older. False: it is not all there. */
always_inline int tunnel_age(hook_ctx *ctx, const struct packet *p, __u32 at)
{
	void *inner = packet_start(ctx) + at;

	if (p->flow.family == SLUICE_FAMILY_INET) {
		struct iphdr *ip = inner;

		if ((void *)(ip + 1) > packet_end(ctx))
			return 0;
		ipv4_age(ip, p->ttl);
	} else {
		struct ipv6hdr *ip = inner;

		if ((void *)(ip + 1) > packet_end(ctx))
			return 0;
		ip->hop_limit = p->ttl - 1;
		packet_sum_changed(ctx, csum_sub32(bpf_htons(p->ttl - 1), bpf_htons(p->ttl)));
	}
	return 1;
}

#endif
