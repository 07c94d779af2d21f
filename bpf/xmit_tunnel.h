/* SPDX-License-Identifier: GPL-2.0-only */
/* The forwarding method "tunnel": the one whose server may be of another family than the service. */
#ifndef SLUICE_XMIT_TUNNEL_H
#define SLUICE_XMIT_TUNNEL_H

#include "xmit6.h"

/*
 * A packet that does not fit into its tunnel, whose way takes `mtu` bytes of it. Returns 0 if the stack is to fragment it
 * outside; else a verdict. The stack fragments no IPv6 that it did not make itself.
 */
always_inline int tunnel_too_big(struct packet *p, const struct outer *o, __u32 mtu)
{
	if (p->flow.family == SLUICE_FAMILY_INET)
		return o->df || o->six ? icmp_unreachable(p, SLUICE_DROP_TOO_BIG, ICMP_FRAG_NEEDED, mtu) : 0;
	/* nobody sends less than the smallest MTU */
	if (p->segment > IP6_MIN_MTU)
		return icmp6_too_big(p, mtu);
	return o->six ? drop(SLUICE_DROP_TOO_BIG) : 0;
}

/* What can stop a packet on its way into its tunnel; see xmit_refuses. */
always_inline int tunnel_refuses(struct packet *p, const struct outer *o, const struct bpf_fib_lookup *fib, long rc,
				 const int six, int *verdict)
{
	if (rc != BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return six ? xmit_refuses6(p, rc, fib, 0, verdict) : xmit_refuses(p, rc, fib, 0, 0, verdict);
	*verdict = tunnel_too_big(p, o, fib->mtu_result - o->length);
	if (!*verdict && p->ttl <= 1)
		*verdict = six ? icmp6_time_exceeded(p) : icmp_time_exceeded(p);
	return *verdict;
}

/* A packet that is in its tunnel leaves. */
always_inline int tunnel_leave(hook_ctx *ctx, const struct outer *o, const struct bpf_fib_lookup *fib, long rc)
{
	void *frame = packet_start(ctx);

	if (frame + ETH_LEN > packet_end(ctx))
		return drop(SLUICE_DROP_MALFORMED);
	if (rc == BPF_FIB_LKUP_RET_SUCCESS)
		route_write_macs(frame, fib);
	if (rc == BPF_FIB_LKUP_RET_FRAG_NEEDED) {
		/* No DF: the stack fragments it. Only the loopback takes a packet whose source is ours. */
		event(SLUICE_EVENT_TO_STACK);
		return route_to_self(ctx);
	}
	return o->six ? route_send6(fib, rc) : route_send(fib, rc);
}

/* A tunnel: the packet, one hop older, inside another to the server in slot `slot`. */
verified_apart int xmit_tunnel(hook_ctx *ctx, struct packet *p, __u32 slot)
{
	const struct server *server = server_get(slot);
	const struct server_options *options;
	struct bpf_fib_lookup fib;
	struct outer o;
	int verdict, six;
	__u32 hash;
	long rc;

	if (!p || !server)
		return VERDICT_DROP;
	six = p->flow.family == SLUICE_FAMILY_INET6;
	options = server_options_get(server);
	outer_describe(&o, p, server, six, server->family == SLUICE_FAMILY_INET6, options->tunnel,
		       options->tunnel_flags != 0 && !CTX_LOAD(ctx, gso_size));
	rc = outer_route(ctx, &o, &fib, p);
	if (tunnel_refuses(p, &o, &fib, rc, six, &verdict))
		return verdict;
	if (!tunnel_source(&o, &fib, rc, options))
		return drop(SLUICE_DROP_NO_ROUTE);
	if (o.type == SLUICE_TUNNEL_GUE) {
		o.dport = options->tunnel_port;
		/* as the kernel chooses a tunnel's port: the lower bits of the hash count too */
		hash = bpf_get_hash_recalc(ctx);
		hash ^= hash << 16;
		o.sport = bpf_htons(GUE_PORT_LOW + (__u32)((__u64)hash * GUE_PORTS >> 32));
	}
	if (!tunnel_wrap(ctx, p, &o))
		return drop(SLUICE_DROP_MALFORMED);
	return tunnel_leave(ctx, &o, &fib, rc);
}

/* The most common tunnel by itself, IPv4 in IPv4 with nothing between: what the other one asks is known here. */
verified_apart int xmit_ipip(hook_ctx *ctx, struct packet *p, __u32 slot)
{
	const struct server *server = server_get(slot);
	struct bpf_fib_lookup fib;
	struct outer o;
	int verdict;
	long rc;

	if (!p || !server)
		return VERDICT_DROP;
	outer_describe(&o, p, server, 0, 0, SLUICE_TUNNEL_IPIP, 0);
	rc = outer_route(ctx, &o, &fib, p);
	if (tunnel_refuses(p, &o, &fib, rc, 0, &verdict))
		return verdict;
	if (!tunnel_source(&o, &fib, rc, server_options_get(server)))
		return drop(SLUICE_DROP_NO_ROUTE);
	if (!tunnel_age(ctx, p, ETH_LEN) || tunnel_make_room(ctx, &o) || !tunnel_write(ctx, &o, p->ip_len, 0))
		return drop(SLUICE_DROP_MALFORMED);
	return tunnel_leave(ctx, &o, &fib, rc);
}

#endif
