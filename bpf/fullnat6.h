/* SPDX-License-Identifier: GPL-2.0-only */
/* Full NAT for IPv6: see fullnat.h. */
#ifndef SLUICE_FULLNAT6_H
#define SLUICE_FULLNAT6_H

#include "ends.h"
#include "fullnat.h"
#include "quote.h"
#include "xmit6.h"

/* A packet of a connection with full NAT; see xmit_full, and xmit_nat6 for the checksums. */
verified_apart int xmit_full6(hook_ctx *ctx, struct packet *p, __u32 ref, __u32 side)
{
	__u32 id = ref >> REFERENCE_SHIFT, check_at, here, ports, old = 0, diff;
	const struct connection6 *c = bpf_map_lookup_elem(&connections6, &id);
	const struct local_address *local;
	const struct server *server;
	struct bpf_fib_lookup fib;
	struct ends6 ends, *field;
	struct ipv6hdr *ip;
	struct ethhdr *eth;
	int verdict;
	__u64 udp;
	long rc;

	if (!p || !c)
		return VERDICT_DROP;
	server = server_get(c->connection.server);
	local = local_get(c->connection.local);
	if (!server || !local)
		return VERDICT_DROP;
	if (side == SLUICE_SIDE_REPLY) {
		ends6_of_client(c, 0, &ends);
		ports = c->connection.vport | (__u32)c->connection.cport << 16;
		here = 1; /* the client may be on the director */
	} else {
		ends6_of_server(server, local, 0, &ends);
		ports = c->connection.lport | (__u32)c->connection.dport << 16;
		here = server_options_get(server)->local;
	}
	rc = route6(ctx, &fib, ends.source.word, ends.destination.word, p->tos, p->segment, 0);
	if (xmit_refuses6(p, rc, &fib, here, &verdict))
		return verdict;
	eth = packet_start(ctx);
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > packet_end(ctx))
		return drop(SLUICE_DROP_MALFORMED);
	if (rc == BPF_FIB_LKUP_RET_SUCCESS)
		route_write_macs(eth, &fib);
	field = (void *)&ip->saddr;
	diff = bpf_csum_diff(field->source.word, sizeof(ends), ends.source.word, sizeof(ends), 0);
	*field = ends;
	check_at = packet6_l4(p) + check_offset6(p);
	if (!p->later_fragment && p->flow.protocol != IPPROTO_SCTP) {
		__u32 *there = (void *)eth + packet6_l4(p);

		if ((void *)(there + 1) > packet_end(ctx))
			return drop(SLUICE_DROP_MALFORMED);
		old = *there;
		*there = ports;
	}
	if (rc != BPF_FIB_LKUP_RET_NOT_FWDED) {
		ip->hop_limit = p->ttl - 1;
		bpf_csum_update(ctx, csum_add32(diff, hop_diff6(p)));
	} else {
		bpf_csum_update(ctx, diff);
	}
	if (!p->later_fragment && p->flow.protocol == IPPROTO_SCTP) {
		if (!sctp_rewrite(ctx, p, ports))
			return drop(p->frag & bpf_htons(IP_MF) ? SLUICE_DROP_FRAGMENT : SLUICE_DROP_MALFORMED);
	} else if (!p->later_fragment || p->related) {
		udp = !p->related && p->flow.protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
		if (bpf_l4_csum_replace(ctx, check_at, 0, diff, BPF_F_PSEUDO_HDR | udp))
			return drop(SLUICE_DROP_MALFORMED);
		if (!p->related && bpf_l4_csum_replace(ctx, check_at, old, ports, 4 | udp))
			return drop(SLUICE_DROP_MALFORMED);
	}
	/* a source of ours the stack takes from the loopback alone */
	return rc == BPF_FIB_LKUP_RET_NOT_FWDED ? route_to_self(ctx) : route_send6(&fib, rc);
}

/* The quoted packet of a connection with full NAT, as the error's receiver knows it. False: it could not be done. */
verified_apart int quote_restore_full6(hook_ctx *ctx, const struct quote *q, __u32 icmp_at, __u32 ref, int from_client)
{
	__u32 id = ref >> REFERENCE_SHIFT, check_at = icmp_at + __builtin_offsetof(struct icmp_header, checksum), ports, old, diff;
	const struct connection6 *c = bpf_map_lookup_elem(&connections6, &id);
	const struct local_address *local;
	const struct server *server;
	struct ends6 ends, before;

	if (!c || !q)
		return 0;
	server = server_get(c->connection.server);
	local = local_get(c->connection.local);
	if (!server || !local)
		return 0;
	if (from_client) {
		ends6_of_server(server, local, 1, &ends);
		ports = c->connection.dport | (__u32)c->connection.lport << 16;
	} else {
		ends6_of_client(c, 1, &ends);
		ports = c->connection.cport | (__u32)c->connection.vport << 16;
	}
	/* the quote's flow is turned round */
	__builtin_memcpy(&before.source, q->flow.daddr, sizeof(before.source));
	__builtin_memcpy(&before.destination, q->flow.saddr, sizeof(before.destination));
	old = q->flow.dport | (__u32)q->flow.sport << 16;
	diff = bpf_csum_diff(before.source.word, sizeof(before), ends.source.word, sizeof(ends), 0);
	return !bpf_skb_store_bytes(ctx, q->ip + __builtin_offsetof(struct ipv6hdr, saddr), &ends, sizeof(ends), 0) &&
	       !bpf_skb_store_bytes(ctx, q->l4, &ports, sizeof(ports), 0) &&
	       !bpf_l4_csum_replace(ctx, check_at, 0, diff, 0) && !bpf_l4_csum_replace(ctx, check_at, old, ports, 4);
}

#endif
