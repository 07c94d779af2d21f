/* SPDX-License-Identifier: GPL-2.0-only */
/* IPv6's addresses and headers. */
#ifndef SLUICE_PACKET6_H
#define SLUICE_PACKET6_H

#include <linux/ipv6.h>
#include "packet.h"

#define IP6_LEN ((__u32)sizeof(struct ipv6hdr))
#define IP6_MIN_MTU 1280
/* How far the transport header may stand from the frame's start. */
#define L4_MAX6 0x1ff

#define NEXT_HOP_BY_HOP 0
#define NEXT_IPIP 4
#define NEXT_IPV6 41
#define NEXT_ROUTING 43
#define NEXT_FRAGMENT 44
#define NEXT_AUTHENTICATION 51
#define NEXT_ICMP6 58
#define NEXT_OPTIONS 60

struct address6 {
	__be32 word[4];
};

always_inline int address6_equal(const struct address6 *a, const struct address6 *b)
{
	return a->word[0] == b->word[0] && a->word[1] == b->word[1] && a->word[2] == b->word[2] && a->word[3] == b->word[3];
}

/* May an address be a client's: one host, and one that the director could find again by a route? */
always_inline int address6_is_routable(const struct address6 *a)
{
	if ((a->word[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000) /* multicast */ ||
	    (a->word[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000) /* link-local */)
		return 0;
	/* :: and ::1 */
	return a->word[0] || a->word[1] || a->word[2] || (a->word[3] & ~bpf_htonl(1));
}

/* The addresses of a pseudo-header (RFC 8200 section 8.1). */
always_inline __u32 ip6_sum_addresses(const struct address6 *from, const struct address6 *to)
{
	__u32 sum = 0;

	for (int i = 0; i < 4; i++)
		sum = csum_add32(csum_add32(sum, from->word[i]), to->word[i]);
	return sum;
}

always_inline __u8 ip6_class(const struct ipv6hdr *ip)
{
	return bpf_ntohs(*(const __be16 *)ip) >> 4;
}

/* What an IPv6 header tells, but for the packet's length; the rest is as of a packet without extension headers. */
always_inline void packet_head6(struct packet *p, const struct ipv6hdr *ip)
{
	__builtin_memset(&p->flow, 0, sizeof(p->flow));
	__builtin_memcpy(p->flow.saddr, &ip->saddr, sizeof(p->flow.saddr));
	__builtin_memcpy(p->flow.daddr, &ip->daddr, sizeof(p->flow.daddr));
	p->flow.protocol = ip->nexthdr;
	p->flow.family = SLUICE_FAMILY_INET6;
	p->l4 = ETH_LEN + IP6_LEN;
	p->frag = 0;
	p->id = 0;
	p->ttl = ip->hop_limit;
	p->tos = ip6_class(ip);
}

/* The transport header's offset; see packet_l4. */
always_inline __u32 packet6_l4(const struct packet *p)
{
	__u32 l4 = p->l4;

	asm volatile("" : "+r"(l4));
	return l4 & L4_MAX6;
}

#endif
