/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMPv6 errors of others about our connections: see icmp_errors.h. */
#ifndef SLUICE_ICMP6_ERRORS_H
#define SLUICE_ICMP6_ERRORS_H

#include "fullnat6.h"

/* NAT inside the quoted header. True if it could be done. */
always_inline int quote_rewrite6(hook_ctx *ctx, __u32 icmp_at, const struct quote *q, int from_client,
				 const struct address6 *address, __be16 port)
{
	__u32 address_at = from_client ? __builtin_offsetof(struct ipv6hdr, saddr) : __builtin_offsetof(struct ipv6hdr, daddr);
	__u32 check_at = icmp_at + __builtin_offsetof(struct icmp_header, checksum);
	__be16 old_port = from_client ? q->flow.dport : q->flow.sport;
	struct address6 old, new = *address;
	__u32 diff = 0;

	__builtin_memcpy(&old, from_client ? q->flow.daddr : q->flow.saddr, sizeof(old));
	for (int i = 0; i < 4; i++)
		diff = csum_add32(diff, csum_sub32(new.word[i], old.word[i]));
	if (bpf_skb_store_bytes(ctx, q->ip + address_at, &new, sizeof(new), 0) ||
	    bpf_skb_store_bytes(ctx, q->l4 + (from_client ? 0 : 2), &port, sizeof(port), 0) ||
	    bpf_l4_csum_replace(ctx, check_at, 0, diff, 0))
		return 0;
	return port == old_port || !bpf_l4_csum_replace(ctx, check_at, old_port, port, 2);
}

/* An ICMPv6 packet for this host; see icmp_receive4. Neighbour discovery and pings are the stack's. */
verified_apart int icmp_receive6(hook_ctx *ctx, struct packet *p)
{
	struct flow_entry *entry;
	struct icmp_header icmp;
	const void *address;
	struct server *server;
	struct connection *c;
	struct quote q;
	int from_client;
	__be16 port;

	if (!p || p->frag & bpf_htons(IP_MF | IP_OFFSET) || bpf_skb_load_bytes(ctx, p->l4, &icmp, sizeof(icmp)))
		return VERDICT_PASS;
	if (icmp.type >= ICMP6_INFORMATIONAL || !quote_parse6(ctx, p, p->l4 + sizeof(icmp), &q))
		return VERDICT_PASS;
	if (quote_is_tunnel(&q))
		return TUNNELLED;
	entry = flow_find_of(SLUICE_FAMILY_INET6, &q.flow);
	c = entry ? connection_of(SLUICE_FAMILY_INET6, entry) : NULL;
	if (!c) {
		if (!sysctl_get(SLUICE_SYSCTL_SCHEDULE_ICMP))
			return q.flow.protocol == IPPROTO_UDP ? TUNNELLED : VERDICT_PASS;
		goto related;
	}
	server = server_get(c->server);
	if (!server)
		return VERDICT_PASS;
	from_client = (entry->tag & 1) == SLUICE_SIDE_REQUEST;
	if (from_client)
		address = server->address;
	else
		address = ((struct connection6 *)c)->vaddr;
	port = from_client ? c->dport : c->vport;
	if (c->method == SLUICE_METHOD_MASQ && !quote_rewrite6(ctx, p->l4, &q, from_client, address, port))
		return drop(SLUICE_DROP_MALFORMED);
	if (c->method == SLUICE_METHOD_FULLNAT &&
	    !quote_restore_full6(ctx, &q, p->l4, reference(SLUICE_FAMILY_INET6, entry->connection), from_client))
		return drop(SLUICE_DROP_MALFORMED);
related:
	p->flow = q.flow;
	p->later_fragment = 1;
	p->related = 1;
	return RELATED;
}

#endif
