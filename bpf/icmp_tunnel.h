/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors about packets that we put into a tunnel: the client is told what happened to the packet inside. */
#ifndef SLUICE_ICMP_TUNNEL_H
#define SLUICE_ICMP_TUNNEL_H

#include "quote.h"
#include "tunnel.h"
#include "life.h"

/* Cuts the frame down to the packet that stands at `at`; its family may be another than the frame's. False: it could not. */
always_inline int cut_to(hook_ctx *ctx, __u32 at, const __u32 from, const __u32 to)
{
	const __s32 more = IP6_LEN - sizeof(struct iphdr);
	__s32 cut = at - ETH_LEN;
	struct ethhdr *eth;

	if (cut < 48 || cut > L4_MAX6)
		return 0;
	if (from == SLUICE_FAMILY_INET && to == SLUICE_FAMILY_INET6) {
		if (bpf_skb_change_proto(ctx, bpf_htons(ETH_P_IPV6), 0))
			return 0;
		cut += more;
	} else if (from != to) {
		cut -= more;
	}
	if (bpf_skb_adjust_room(ctx, -cut, BPF_ADJ_ROOM_MAC, 0))
		return 0;
	if (from == SLUICE_FAMILY_INET6 && to == SLUICE_FAMILY_INET && bpf_skb_change_proto(ctx, bpf_htons(ETH_P_IP), 0))
		return 0;
	eth = packet_start(ctx);
	if ((void *)(eth + 1) > packet_end(ctx))
		return 0;
	eth->h_proto = bpf_htons(to == SLUICE_FAMILY_INET6 ? ETH_P_IPV6 : ETH_P_IP);
	return 1;
}

/* Where the quoted tunnel's headers end, and in *protocol what stands there. 0: not a header that we write. */
always_inline __u32 quote_tunnel_end(hook_ctx *ctx, const struct quote *outer, __u32 *protocol)
{
	struct gre_header gre;
	struct gue_header gue;

	switch (outer->flow.protocol) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		*protocol = outer->flow.protocol;
		return outer->l4;
	case IPPROTO_GRE:
		if (bpf_skb_load_bytes(ctx, outer->l4, &gre, GRE_BARE) || gre.flags & ~bpf_htons(GRE_CSUM))
			return 0;
		if (gre.protocol == bpf_htons(ETH_P_IP))
			*protocol = IPPROTO_IPIP;
		else if (gre.protocol == bpf_htons(ETH_P_IPV6))
			*protocol = IPPROTO_IPV6;
		else
			return 0;
		return outer->l4 + (gre.flags ? sizeof(gre) : GRE_BARE);
	case IPPROTO_UDP:
		if (bpf_skb_load_bytes(ctx, outer->l4, &gue, sizeof(gue)) || gue.version_length ||
		    (gue.protocol != IPPROTO_IPIP && gue.protocol != IPPROTO_IPV6))
			return 0;
		*protocol = gue.protocol;
		return outer->l4 + sizeof(gue);
	}
	return 0;
}

/* Did this quoted header come from the tunnel that the server has now? */
always_inline int quote_is_of_tunnel(const struct quote *outer, const struct server *server)
{
	const struct server_options *options = server_options_get(server);

	if (server->family != outer->flow.family ||
	    !address6_equal((const void *)server->address, (const void *)outer->flow.saddr))
		return 0;
	switch (outer->flow.protocol) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		return options->tunnel == SLUICE_TUNNEL_IPIP;
	case IPPROTO_GRE:
		return options->tunnel == SLUICE_TUNNEL_GRE;
	}
	return options->tunnel == SLUICE_TUNNEL_GUE && options->tunnel_port == outer->flow.sport;
}

/*
 * The error `type`, `code` of family `from` (`mtu`: 0, or the way's if the packet was too big for it) about a tunnel that
 * quotes a packet of family `to` at `at`. Asks for an error about the packet inside, by the same name if there is one in
 * its family, with an MTU that leaves room for the outer headers.
 */
always_inline int icmp_error_inside(hook_ctx *ctx, struct packet *p, const struct quote *outer, __u32 at,
				    const __u32 from, const __u32 to, __u8 type, __u8 code, __u32 mtu)
{
	const __u32 overhead = at - outer->ip, six = to == SLUICE_FAMILY_INET6;
	__u32 expired = type == (from == SLUICE_FAMILY_INET6 ? ICMP6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED);
	struct flow_entry *entry;
	struct server *server;
	struct connection *c;
	struct quote inner;
	struct flow request;

	if (!(six ? quote_parse6(ctx, p, at, &inner) : quote_parse4(ctx, p, at, &inner)) || quote_is_tunnel(&inner))
		return VERDICT_PASS;
	request = inner.flow;
	__builtin_memcpy(request.saddr, inner.flow.daddr, sizeof(request.saddr));
	__builtin_memcpy(request.daddr, inner.flow.saddr, sizeof(request.daddr));
	request.sport = inner.flow.dport;
	request.dport = inner.flow.sport;
	entry = flow_find_of(to, &request);
	c = entry && (entry->tag & 1) == SLUICE_SIDE_REQUEST ? connection_of(to, entry) : NULL;
	if (!c || c->method != SLUICE_METHOD_TUNNEL)
		return VERDICT_PASS;
	server = server_get(c->server);
	if (!server || !quote_is_of_tunnel(outer, server))
		return VERDICT_PASS;
	if (mtu && mtu < overhead + 68)
		return drop(SLUICE_DROP_MALFORMED);
	if (!cut_to(ctx, at, from, to))
		return drop(SLUICE_DROP_MALFORMED);
	p->flow = request;
	p->l4 = inner.l4 - at + ETH_LEN;
	p->ip_len = packet_len(ctx) - ETH_LEN;
	p->frag = 0;
	p->later_fragment = 0;
	p->related = 0;
	p->answer_info = 0;
	if (mtu) {
		p->answer = six ? ICMP6_TOO_BIG << 8 : ICMP_DEST_UNREACH << 8 | ICMP_FRAG_NEEDED;
		mtu -= overhead;
		p->answer_info = bpf_htonl(six && mtu < IP6_MIN_MTU ? IP6_MIN_MTU : mtu);
	} else if (from == to) {
		p->answer = type << 8 | code;
	} else if (expired) {
		p->answer = (six ? ICMP6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED) << 8;
	} else {
		p->answer = six ? ICMP6_DEST_UNREACH << 8 | ICMP6_ADDRESS_UNREACH : ICMP_DEST_UNREACH << 8 | ICMP_HOST_UNREACH;
	}
	return ANSWER;
}

/* An ICMP error about what may be a tunnel of ours. Returns ANSWER or a verdict. */
always_inline int icmp_error_tunnel(hook_ctx *ctx, const __u32 family, struct packet *p)
{
	const __u32 six = family == SLUICE_FAMILY_INET6;
	__u32 mtu = 0, at, protocol = 0;
	struct icmp_header icmp;
	struct quote outer;

	if (!p || bpf_skb_load_bytes(ctx, p->l4, &icmp, sizeof(icmp)))
		return VERDICT_PASS;
	at = p->l4 + sizeof(icmp);
	if (!(six ? quote_parse6(ctx, p, at, &outer) : quote_parse4(ctx, p, at, &outer)))
		return VERDICT_PASS;
	at = quote_tunnel_end(ctx, &outer, &protocol);
	if (!at)
		return VERDICT_PASS;
	/* an MTU of 0 comes from routers older than RFC 1191 */
	if (six && icmp.type == ICMP6_TOO_BIG)
		mtu = bpf_ntohl(icmp.info) ?: 1;
	if (!six && icmp.type == ICMP_DEST_UNREACH && icmp.code == ICMP_FRAG_NEEDED)
		mtu = bpf_ntohl(icmp.info) & 0xffff ?: 1;
	if (protocol == IPPROTO_IPV6)
		return icmp_error_inside(ctx, p, &outer, at, family, SLUICE_FAMILY_INET6, icmp.type, icmp.code, mtu);
	return icmp_error_inside(ctx, p, &outer, at, family, SLUICE_FAMILY_INET, icmp.type, icmp.code, mtu);
}

verified_apart int icmp_error_tunnel4(hook_ctx *ctx, struct packet *p)
{
	return icmp_error_tunnel(ctx, SLUICE_FAMILY_INET, p);
}

verified_apart int icmp_error_tunnel6(hook_ctx *ctx, struct packet *p)
{
	return icmp_error_tunnel(ctx, SLUICE_FAMILY_INET6, p);
}

#endif
