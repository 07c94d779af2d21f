/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors of others about our connections: led to the other end, with what they quote rewritten as it was sent. */
#ifndef SLUICE_ICMP_ERRORS_H
#define SLUICE_ICMP_ERRORS_H

#include "stream.h"
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
	if (ip.protocol == IPPROTO_IPIP || ip.protocol == IPPROTO_GRE)
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

/* Where the quoted tunnel's headers end; 0: not a header that we write. */
always_inline __u32 quote_tunnel_end(hook_ctx *ctx, const struct quote *outer)
{
	struct gre_header gre;
	struct gue_header gue;

	switch (outer->flow.protocol) {
	case IPPROTO_IPIP:
		return outer->l4;
	case IPPROTO_GRE:
		if (bpf_skb_load_bytes(ctx, outer->l4, &gre, GRE_BARE) || gre.protocol != bpf_htons(ETH_P_IP) ||
		    gre.flags & ~bpf_htons(GRE_CSUM))
			return 0;
		return outer->l4 + (gre.flags ? sizeof(gre) : GRE_BARE);
	case IPPROTO_UDP:
		if (bpf_skb_load_bytes(ctx, outer->l4, &gue, sizeof(gue)) || gue.version_length || gue.protocol != IPPROTO_IPIP)
			return 0;
		return outer->l4 + sizeof(gue);
	}
	return 0;
}

/* Did this quoted header come from the tunnel that the server has now? */
always_inline int quote_is_of_tunnel(const struct quote *outer, const struct server *server)
{
	const struct server_options *options = server_options_get(server);

	if (*(__be32 *)server->address != outer->flow.saddr[0])
		return 0;
	switch (outer->flow.protocol) {
	case IPPROTO_IPIP:
		return options->tunnel == SLUICE_TUNNEL_IPIP;
	case IPPROTO_GRE:
		return options->tunnel == SLUICE_TUNNEL_GRE;
	}
	return options->tunnel == SLUICE_TUNNEL_GUE && options->tunnel_port == outer->flow.sport;
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
 * An error about a packet that we put into a tunnel: the client is told what happened to the packet inside, with an MTU
 * that leaves room for the outer headers.
 */
always_inline int icmp_error_tunnel(hook_ctx *ctx, const struct quote *outer, __u8 type, __u8 code, __u32 mtu)
{
	__u32 cut, at = quote_tunnel_end(ctx, outer), overhead;
	struct flow_entry *entry;
	struct server *server;
	struct connection *c;
	struct quote inner;
	struct flow request;

	if (!at || !quote_parse4(ctx, at, &inner) || inner.flow.protocol == IPPROTO_IPIP ||
	    inner.flow.protocol == IPPROTO_GRE)
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
	if (!server || !quote_is_of_tunnel(outer, server))
		return VERDICT_PASS;
	overhead = at - outer->ip;
	if (type == ICMP_DEST_UNREACH && code == ICMP_FRAG_NEEDED) {
		if (mtu < 68 + overhead)
			return drop(SLUICE_DROP_MALFORMED);
		mtu -= overhead;
	} else {
		mtu = 0;
	}
	cut = at - ETH_LEN;
	if (cut < 48 || cut > 192 || bpf_skb_adjust_room(ctx, -(__s32)cut, BPF_ADJ_ROOM_MAC, 0))
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
	if (q.flow.protocol == IPPROTO_IPIP || q.flow.protocol == IPPROTO_GRE)
		return icmp_error_tunnel(ctx, &q, icmp.type, icmp.code, bpf_ntohl(icmp.info) & 0xffff);
	entry = flow_find(&q.flow);
	c = entry ? connection_of(SLUICE_FAMILY_INET, entry) : NULL;
	if (!c)
		return q.flow.protocol == IPPROTO_UDP ?
			       icmp_error_tunnel(ctx, &q, icmp.type, icmp.code, bpf_ntohl(icmp.info) & 0xffff) :
			       VERDICT_PASS;
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
	p->flow = q.flow;
	p->later_fragment = 1;
	p->related = 1;
	return RELATED;
}

#endif
