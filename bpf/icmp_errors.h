/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors of others about our connections: led to the other end, with what they quote rewritten as it was sent. */
#ifndef SLUICE_ICMP_ERRORS_H
#define SLUICE_ICMP_ERRORS_H

#include "xmit.h"

/* Where the quoted packet's parts stand, from the frame's start. */
struct quote {
	struct flow flow; /* turned round: the flow of what came the other way, which is the error's way */
	__u32 ip;
	__u32 l4;
};

/* Reads a quoted header of at least addresses and ports. */
always_inline int quote_parse4(hook_ctx *ctx, __u32 at, struct quote *q)
{
	struct iphdr ip;
	__be16 ports[2];

	if (bpf_skb_load_bytes(ctx, at, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5)
		return 0;
	q->ip = at;
	q->l4 = at + ip.ihl * 4;
	__builtin_memset(&q->flow, 0, sizeof(q->flow));
	q->flow.protocol = ip.protocol;
	q->flow.family = SLUICE_FAMILY_INET;
	q->flow.saddr[0] = ip.daddr;
	q->flow.daddr[0] = ip.saddr;
	if (ip.frag_off & bpf_htons(IP_OFFSET))
		return 0;
	if (ip.protocol == IPPROTO_IPIP)
		return 1;
	if (ip.protocol != IPPROTO_TCP && ip.protocol != IPPROTO_UDP)
		return 0;
	if (bpf_skb_load_bytes(ctx, q->l4, ports, sizeof(ports)))
		return 0;
	q->flow.sport = ports[1];
	q->flow.dport = ports[0];
	return 1;
}

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

/*
 * An error about a packet that we put into a tunnel: the client is told what happened to the packet inside, with an MTU
 * that leaves room for the outer header.
 */
always_inline int icmp_error_tunnel(hook_ctx *ctx, const struct quote *outer, __u8 type, __u8 code, __u32 mtu)
{
	struct flow_entry *entry;
	struct server *server;
	struct connection *c;
	struct quote inner;
	struct flow request;
	__u32 cut;

	if (!quote_parse4(ctx, outer->l4, &inner) || inner.flow.protocol == IPPROTO_IPIP)
		return VERDICT_PASS;
	request = inner.flow;
	request.saddr[0] = inner.flow.daddr[0];
	request.daddr[0] = inner.flow.saddr[0];
	request.sport = inner.flow.dport;
	request.dport = inner.flow.sport;
	entry = flow_find(&request);
	c = entry && (entry->tag & 1) == SLUICE_SIDE_REQUEST ? connection_of(SLUICE_FAMILY_INET, entry) : NULL;
	if (!c || c->method != SLUICE_METHOD_TUNNEL)
		return VERDICT_PASS;
	server = server_get(c->server);
	if (!server || *(__be32 *)server->address != outer->flow.saddr[0])
		return VERDICT_PASS;
	if (type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED) {
		if (mtu < 68 + sizeof(struct iphdr))
			return drop(SLUICE_DROP_MALFORMED);
		mtu -= sizeof(struct iphdr);
	} else {
		mtu = 0;
	}
	cut = outer->l4 - ETH_LEN;
	if (cut < 48 || cut > 180 || bpf_skb_adjust_room(ctx, -(__s32)cut, BPF_ADJ_ROOM_MAC, 0))
		return drop(SLUICE_DROP_MALFORMED);
	return icmp_send4(ctx, type, code, bpf_htonl(mtu), 0);
}

/* Not a verdict: the packet goes the way of the flow that it quotes. */
#define RELATED 101

/*
 * An ICMP packet for this host: errors about our connections are ours, all else is the stack's (so it answers pings).
 * With NAT the quote is rewritten here. On RELATED, p->flow is the flow that the error follows, and the packet counts as
 * one without a transport header: only its addresses are to change.
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
	if (!quote_parse4(ctx, p->l4 + sizeof(icmp), &q))
		return VERDICT_PASS;
	if (q.flow.protocol == IPPROTO_IPIP)
		return icmp_error_tunnel(ctx, &q, icmp.type, icmp.code, bpf_ntohl(icmp.info) & 0xffff);
	entry = flow_find(&q.flow);
	c = entry ? connection_of(SLUICE_FAMILY_INET, entry) : NULL;
	if (!c)
		return VERDICT_PASS;
	server = server_get(c->server);
	if (!server)
		return VERDICT_PASS;
	from_client = (entry->tag & 1) == SLUICE_SIDE_REQUEST;
	/* the client knows the virtual service, the server itself */
	address = from_client ? *(__be32 *)server->address : c->vaddr;
	port = from_client ? c->dport : c->vport;
	if (c->method == SLUICE_METHOD_MASQ && !quote_rewrite(ctx, p->l4, &q, from_client, address, port))
		return drop(SLUICE_DROP_MALFORMED);
	p->flow = q.flow;
	p->later_fragment = 1;
	p->related = 1;
	return RELATED;
}

#endif
