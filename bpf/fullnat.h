/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Full NAT: both ends of a packet are rewritten, so that the server sees the director as its client and needs no route
 * back.
 */
#ifndef SLUICE_FULLNAT_H
#define SLUICE_FULLNAT_H

#include "icmp_errors.h"
#include "stream.h"
#include "xmit.h"

/*
 * A client's packet whose server learns the client's address: `what` is what stream_translate said. A packet on its way
 * to a next hop that has to be resolved first cannot be copied: the client sends it again.
 */
verified_apart int stream_send(hook_ctx *ctx, __u32 ref, __u32 l4, __u32 what, __u32 ifindex)
{
	struct connection *c = connection_get(ref);
	struct stream *stream = c ? stream_get(ref, c) : NULL;
	__u32 kind = TAIL_NONE;

	if (!stream)
		return 0;
	if (what == STREAM_BESIDE && ifindex)
		bpf_clone_redirect(ctx, ifindex, ifindex == LOOPBACK_IFINDEX ? BPF_F_INGRESS : 0);
	if (what != STREAM_TRIM)
		kind = stream->client_address == SLUICE_CLIENT_ADDRESS_PROXY ? TAIL_PROXY : TAIL_TOA;
	return stream_rebuild(ctx, ref, l4, kind);
}

/* A packet of a connection with full NAT, on its way to the server or (`side` is the reply) to the client. */
verified_apart int xmit_full(hook_ctx *ctx, struct packet *p, __u32 ref, __u32 side)
{
	const struct local_address *local;
	const struct connection *c = connection_get(ref);
	const struct server *server;
	__be32 saddr, daddr, diff;
	struct bpf_fib_lookup fib;
	struct ethhdr *eth;
	struct iphdr *ip;
	int verdict, to_self, todo = STREAM_PLAIN;
	__u32 check_at, here, ports, old;
	__u64 udp;
	long rc;

	if (!p || !c)
		return VERDICT_DROP;
	server = server_get(c->server);
	local = local_get(c->local);
	if (!server || !local)
		return VERDICT_DROP;
	if (side == SLUICE_SIDE_REPLY) {
		saddr = c->vaddr;
		daddr = c->caddr;
		ports = c->vport | (__u32)c->cport << 16;
		here = 1; /* the client may be on the director */
	} else {
		saddr = *(const __be32 *)local->address;
		daddr = *(const __be32 *)server->address;
		ports = c->lport | (__u32)c->dport << 16;
		here = server_options_get(server)->local;
	}
	rc = route4(ctx, &fib, saddr, daddr, p->tos, p->segment, 0);
	if (xmit_refuses(p, rc, &fib, 0, here, &verdict))
		return verdict;
	/* The stack fragments it, or gives it to a local socket. A source of ours it takes from the loopback alone. */
	to_self = rc == BPF_FIB_LKUP_RET_NOT_FWDED || rc == BPF_FIB_LKUP_RET_FRAG_NEEDED;
	if (c->status & SLUICE_STATUS_STREAM && !p->related) {
		todo = stream_translate(ctx, p, ref, side);
		if (todo < 0)
			return drop(SLUICE_DROP_MALFORMED);
		if (todo == STREAM_BEHIND)
			bpf_clone_redirect(ctx, CTX_LOAD(ctx, ifindex), BPF_F_INGRESS);
	}
	eth = packet_start(ctx);
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > packet_end(ctx))
		return drop(SLUICE_DROP_MALFORMED);
	if (rc == BPF_FIB_LKUP_RET_SUCCESS)
		route_write_macs(eth, &fib);
	/* an ICMP error may come from another address than the one that its flow has */
	diff = csum_add32(csum_sub32(saddr, ip->saddr), csum_sub32(daddr, ip->daddr));
	ip->saddr = saddr;
	ip->daddr = daddr;
	ip->check = ~csum_fold32(csum_add32((__u16)~ip->check, diff));
	if (!to_self) {
		ipv4_age(ip, p->ttl);
	}
	if (!p->later_fragment && p->flow.protocol == IPPROTO_SCTP) {
		if (!sctp_rewrite(ctx, p, ports))
			return drop(p->frag & bpf_htons(IP_MF) ? SLUICE_DROP_FRAGMENT : SLUICE_DROP_MALFORMED);
	} else if (!p->later_fragment) {
		__u32 *field = (void *)eth + packet_l4(p);

		if ((void *)(field + 1) > packet_end(ctx))
			return drop(SLUICE_DROP_MALFORMED);
		old = *field;
		*field = ports;
		udp = p->flow.protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
		check_at = packet_l4(p) + (udp ? __builtin_offsetof(struct udphdr, check) : __builtin_offsetof(struct tcphdr, check));
		if (bpf_l4_csum_replace(ctx, check_at, 0, diff, BPF_F_PSEUDO_HDR | udp) ||
		    bpf_l4_csum_replace(ctx, check_at, old, ports, 4 | udp))
			return drop(SLUICE_DROP_MALFORMED);
	}
	if (todo != STREAM_PLAIN) {
		if (to_self)
			route_to_self(ctx);
		if (!stream_send(ctx, ref, packet_l4(p), todo,
				 to_self ? LOOPBACK_IFINDEX : rc == BPF_FIB_LKUP_RET_SUCCESS ? fib.ifindex : 0))
			return drop(SLUICE_DROP_MALFORMED);
	}
	if (to_self) {
		if (rc == BPF_FIB_LKUP_RET_FRAG_NEEDED)
			event(SLUICE_EVENT_TO_STACK);
		return route_to_self(ctx);
	}
	return route_send(&fib, rc);
}

#endif
