/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors of others about our connections: led to the other end, with what they quote rewritten as it was sent. */
#ifndef SLUICE_ICMP_ERRORS_H
#define SLUICE_ICMP_ERRORS_H

#include "icmp_tunnel.h"
#include "stream.h"

/*
 * NAT inside the quoted header: the address and port as the error's receiver knows them. The header's checksum takes up
 * its address's change, so the ICMP checksum only feels the port. True if it could be done.
 */
always_inline int quote_rewrite(hook_ctx *ctx, __u32 icmp_at, const struct quote *q, int from_client, __be32 address,
				__be16 port)
{
	/* An error from the client's side quotes what the server sent; one from the server's side what the client sent. */
	__u32 address_at = from_client ? __builtin_offsetof(struct iphdr, saddr) : __builtin_offsetof(struct iphdr, daddr);
	__u32 port_at = q->l4 + (from_client ? 0 : 2);
	__be32 old_address = from_client ? q->flow.daddr[0] : q->flow.saddr[0];
	__be16 old_port = from_client ? q->flow.dport : q->flow.sport;
	__u16 check;

	if (bpf_skb_load_bytes(ctx, q->ip + __builtin_offsetof(struct iphdr, check), &check, sizeof(check)))
		return 0;
	check = csum_replace32(check, old_address, address);
	if (bpf_skb_store_bytes(ctx, q->ip + address_at, &address, sizeof(address), 0) ||
	    bpf_skb_store_bytes(ctx, q->ip + __builtin_offsetof(struct iphdr, check), &check, sizeof(check), 0) ||
	    bpf_skb_store_bytes(ctx, port_at, &port, sizeof(port), 0))
		return 0;
	return port == old_port ||
	       !bpf_l4_csum_replace(ctx, icmp_at + __builtin_offsetof(struct icmp_header, checksum), old_port, port, 2);
}

/* Full NAT inside the quoted header: both ends as the error's receiver knows them, `ports` as they stand in the packet. */
always_inline int quote_rewrite_full(hook_ctx *ctx, __u32 icmp_at, const struct quote *q, __be32 saddr, __be32 daddr,
				     __u32 ports)
{
	__be32 addresses[2] = { saddr, daddr };
	__u32 old_ports = q->flow.dport | (__u32)q->flow.sport << 16;
	__u32 diff = csum_add32(csum_sub32(saddr, q->flow.daddr[0]), csum_sub32(daddr, q->flow.saddr[0]));
	__u16 check;

	if (bpf_skb_load_bytes(ctx, q->ip + __builtin_offsetof(struct iphdr, check), &check, sizeof(check)))
		return 0;
	check = ~csum_fold32(csum_add32((__u16)~check, diff));
	return !bpf_skb_store_bytes(ctx, q->ip + __builtin_offsetof(struct iphdr, saddr), addresses, sizeof(addresses), 0) &&
	       !bpf_skb_store_bytes(ctx, q->ip + __builtin_offsetof(struct iphdr, check), &check, sizeof(check), 0) &&
	       !bpf_skb_store_bytes(ctx, q->l4, &ports, sizeof(ports), 0) &&
	       !bpf_l4_csum_replace(ctx, icmp_at + __builtin_offsetof(struct icmp_header, checksum), old_ports, ports, 4);
}

/* What a packet of the connection's that went to the error's receiver's side looked like where the receiver sent it. */
always_inline int quote_restore_full(hook_ctx *ctx, __u32 icmp_at, const struct quote *q, const struct connection *c,
				     const struct server *server, int from_client)
{
	const struct local_address *local = local_get(c->local);

	if (!local)
		return 0;
	if (from_client)
		return quote_rewrite_full(ctx, icmp_at, q, *(__be32 *)server->address, *(__be32 *)local->address,
					  c->dport | (__u32)c->lport << 16);
	return quote_rewrite_full(ctx, icmp_at, q, c->caddr, c->vaddr, c->cport | (__u32)c->vport << 16);
}

/*
 * An ICMP packet for this host: errors about our connections are ours, all else is the stack's (so it answers pings).
 * With NAT the quote is rewritten here. On RELATED, p->flow is the flow that the error follows, and the packet counts as
 * one without a transport header: only its addresses are to change. With schedule_icmp there may be no such connection yet.
 */
verified_apart int icmp_receive4(hook_ctx *ctx, struct packet *p)
{
	struct flow_entry *entry;
	struct icmp_header icmp;
	struct server *server;
	struct connection *c;
	struct quote q;
	int from_client;
	__be32 address;
	__be16 port;

	if (!p || p->later_fragment || bpf_skb_load_bytes(ctx, p->l4, &icmp, sizeof(icmp)))
		return VERDICT_PASS;
	if (icmp.type != ICMP_DEST_UNREACH && icmp.type != ICMP_SOURCE_QUENCH && icmp.type != ICMP_TIME_EXCEEDED)
		return VERDICT_PASS;
	if (!quote_parse4(ctx, p, p->l4 + sizeof(icmp), &q))
		return VERDICT_PASS;
	if (quote_is_tunnel(&q))
		return TUNNELLED;
	entry = flow_find(&q.flow);
	c = entry ? connection_of(SLUICE_FAMILY_INET, entry) : NULL;
	if (!c) {
		if (!sysctl_get(SLUICE_SYSCTL_SCHEDULE_ICMP))
			return q.flow.protocol == IPPROTO_UDP ? TUNNELLED : VERDICT_PASS;
		goto related;
	}
	server = server_get(c->server);
	if (!server)
		return VERDICT_PASS;
	from_client = (entry->tag & 1) == SLUICE_SIDE_REQUEST;
	/* the client knows the virtual service, the server itself */
	address = from_client ? *(__be32 *)server->address : c->vaddr;
	port = from_client ? c->dport : c->vport;
	if (c->method == SLUICE_METHOD_MASQ && !quote_rewrite(ctx, p->l4, &q, from_client, address, port))
		return drop(SLUICE_DROP_MALFORMED);
	if (c->method == SLUICE_METHOD_FULLNAT && !quote_restore_full(ctx, p->l4, &q, c, server, from_client))
		return drop(SLUICE_DROP_MALFORMED);
	if (c->status & SLUICE_STATUS_STREAM &&
	    !stream_translate_quote(ctx, c, reference(SLUICE_FAMILY_INET, entry->connection),
				    p->l4 + __builtin_offsetof(struct icmp_header, checksum), q.l4, from_client))
		return drop(SLUICE_DROP_MALFORMED);
related:
	p->flow = q.flow;
	p->later_fragment = 1;
	p->related = 1;
	return RELATED;
}

#endif
