/* SPDX-License-Identifier: GPL-2.0-only */
/* What an ICMP error quotes: which of our packets it is about. */
#ifndef SLUICE_QUOTE_H
#define SLUICE_QUOTE_H

#include "parse6.h"
#include "route.h"

/* Where the quoted packet's parts stand, from the frame's start. */
struct quote {
	struct flow flow; /* turned round: the flow of what came the other way, which is the error's way */
	__u32 ip;
	__u32 l4;
};

/* Is it a tunnel for certain? Then its flow has no ports. */
always_inline int quote_is_tunnel(const struct quote *q)
{
	return q->flow.protocol == IPPROTO_IPIP || q->flow.protocol == IPPROTO_IPV6 || q->flow.protocol == IPPROTO_GRE;
}

/* Does the packet that quotes reach that far? What its frame holds behind it is padding. */
always_inline int quote_holds(const struct packet *p, __u32 end)
{
	return end <= ETH_LEN + p->ip_len;
}

/* Reads the ports, of a protocol that has some. */
always_inline int quote_ports(hook_ctx *ctx, const struct packet *p, struct quote *q)
{
	__be16 ports[2];

	if (quote_is_tunnel(q))
		return 1;
	if (q->flow.protocol != IPPROTO_TCP && q->flow.protocol != IPPROTO_UDP &&
	    q->flow.protocol != IPPROTO_SCTP)
		return 0;
	if (!quote_holds(p, q->l4 + sizeof(ports)) || bpf_skb_load_bytes(ctx, q->l4, ports, sizeof(ports)))
		return 0;
	q->flow.sport = ports[1];
	q->flow.dport = ports[0];
	return 1;
}

/* Reads a quoted header of at least addresses and ports. */
always_inline int quote_parse4(hook_ctx *ctx, const struct packet *p, __u32 at, struct quote *q)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(ctx, at, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5)
		return 0;
	q->ip = at;
	q->l4 = at + ip.ihl * 4;
	__builtin_memset(&q->flow, 0, sizeof(q->flow));
	q->flow.protocol = ip.protocol;
	q->flow.family = SLUICE_FAMILY_INET;
	q->flow.saddr[0] = ip.daddr;
	q->flow.daddr[0] = ip.saddr;
	return !(ip.frag_off & bpf_htons(IP_OFFSET)) && quote_ports(ctx, p, q);
}

/* Likewise of IPv6, whose ports may stand behind extension headers. */
always_inline int quote_parse6(hook_ctx *ctx, const struct packet *p, __u32 at, struct quote *q)
{
	struct extensions e;
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(ctx, at, &ip, sizeof(ip)) || ip.version != 6)
		return 0;
	e.at = at + sizeof(ip);
	e.next = ip.nexthdr;
	if (!extensions_walk(ctx, &e) || e.frag & bpf_htons(IP_OFFSET))
		return 0;
	q->ip = at;
	q->l4 = e.at;
	__builtin_memset(&q->flow, 0, sizeof(q->flow));
	q->flow.protocol = e.next;
	q->flow.family = SLUICE_FAMILY_INET6;
	__builtin_memcpy(q->flow.saddr, &ip.daddr, sizeof(q->flow.saddr));
	__builtin_memcpy(q->flow.daddr, &ip.saddr, sizeof(q->flow.daddr));
	return quote_ports(ctx, p, q);
}

#endif
