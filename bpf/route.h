/* SPDX-License-Identifier: GPL-2.0-only */
/* The way out: route lookup, link addresses, redirection. */
#ifndef SLUICE_ROUTE_H
#define SLUICE_ROUTE_H

#include "counters.h"
#include "packet6.h"

#define LOOPBACK_IFINDEX 1 /* of every network namespace */
#define FIB_GIVES_SOURCE 16 /* BPF_FIB_LOOKUP_SRC: newer than the pinned headers */
#define INET_FAMILY 2
#define INET6_FAMILY 10

/*
 * Looks up the route that the director itself would take to `daddr`: IPVS routes as for local output, hence the
 * loopback as input device, on which the control plane switches forwarding on (the helper asks for it).
 * `len` is judged against the route's MTU; 0 skips that. Returns BPF_FIB_LKUP_RET_*.
 */
always_inline long route4(hook_ctx *ctx, struct bpf_fib_lookup *fib, __be32 saddr, __be32 daddr, __u8 tos, __u32 len,
			  __u32 flags)
{
	__builtin_memset(fib, 0, sizeof(*fib));
	fib->family = INET_FAMILY;
	fib->ifindex = LOOPBACK_IFINDEX;
	fib->ipv4_src = saddr;
	fib->ipv4_dst = daddr;
	fib->tos = tos;
	fib->tot_len = len > 0xffff ? 0xffff : len;
	return bpf_fib_lookup(ctx, fib, sizeof(*fib), flags);
}

/* The same for IPv6, whose switch is conf.lo.forwarding of IPv6; `saddr` may be NULL. */
always_inline long route6(hook_ctx *ctx, struct bpf_fib_lookup *fib, const __be32 *saddr, const __be32 *daddr, __u8 tos,
			  __u32 len, __u32 flags)
{
	__builtin_memset(fib, 0, sizeof(*fib));
	fib->family = INET6_FAMILY;
	fib->ifindex = LOOPBACK_IFINDEX;
	if (saddr)
		__builtin_memcpy(fib->ipv6_src, saddr, sizeof(fib->ipv6_src));
	__builtin_memcpy(fib->ipv6_dst, daddr, sizeof(fib->ipv6_dst));
	fib->flowinfo = bpf_htonl((__u32)tos << 20);
	fib->tot_len = len > 0xffff ? 0xffff : len;
	return bpf_fib_lookup(ctx, fib, sizeof(*fib), flags);
}

/* Is `daddr` an address of another host, for all that the director's routes tell? */
verified_apart int route4_is_remote(hook_ctx *ctx, __be32 daddr)
{
	struct bpf_fib_lookup fib;
	long rc = route4(ctx, &fib, 0, daddr, 0, 0, 0);

	return rc == BPF_FIB_LKUP_RET_SUCCESS || rc == BPF_FIB_LKUP_RET_NO_NEIGH || rc == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

verified_apart int route6_is_remote(hook_ctx *ctx, const struct address6 *daddr)
{
	struct bpf_fib_lookup fib;
	long rc;

	if (!daddr)
		return 0;
	rc = route6(ctx, &fib, NULL, daddr->word, 0, 0, 0);
	return rc == BPF_FIB_LKUP_RET_SUCCESS || rc == BPF_FIB_LKUP_RET_NO_NEIGH || rc == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

/*
 * Writes the frame's addresses; the caller has the header within bounds. Not by bytes, as the compiler would do it into a
 * packed header: in pieces that stand as the lookup's result has them aligned.
 */
always_inline void route_write_macs(void *frame, const struct bpf_fib_lookup *fib)
{
	const __u16 *to = (const void *)fib->dmac, *from = (const void *)fib->smac;
	__u16 *field = frame;

	for (int i = 0; i < ETH_ALEN / 2; i++) {
		field[i] = to[i];
		field[ETH_ALEN / 2 + i] = from[i];
	}
}

/* Sends the packet by the route found; a next hop without a known link address is resolved, and the packet waits for it. */
always_inline int route_send(const struct bpf_fib_lookup *fib, long rc)
{
	if (rc == BPF_FIB_LKUP_RET_SUCCESS)
		return bpf_redirect(fib->ifindex, 0);
	struct bpf_redir_neigh next = { .nh_family = INET_FAMILY, .ipv4_nh = fib->ipv4_dst };

	event(SLUICE_EVENT_NEIGHBOUR);
	return bpf_redirect_neigh(fib->ifindex, &next, sizeof(next), 0);
}

always_inline int route_send6(const struct bpf_fib_lookup *fib, long rc)
{
	struct bpf_redir_neigh next = { .nh_family = INET6_FAMILY };

	if (rc == BPF_FIB_LKUP_RET_SUCCESS)
		return bpf_redirect(fib->ifindex, 0);
	__builtin_memcpy(next.ipv6_nh, fib->ipv6_dst, sizeof(next.ipv6_nh));
	event(SLUICE_EVENT_NEIGHBOUR);
	return bpf_redirect_neigh(fib->ifindex, &next, sizeof(next), 0);
}

/*
 * Gives the packet to a client on the director itself. Its source is one of our own addresses, which only the loopback
 * accepts (conf.lo.accept_local), and only under the loopback's link address.
 */
always_inline int route_to_self(hook_ctx *ctx)
{
	struct ethhdr *eth = packet_start(ctx);

	if ((void *)(eth + 1) > packet_end(ctx))
		return drop(SLUICE_DROP_MALFORMED);
	__builtin_memset(eth->h_dest, 0, ETH_ALEN);
	__builtin_memset(eth->h_source, 0, ETH_ALEN);
	return bpf_redirect(LOOPBACK_IFINDEX, BPF_F_INGRESS);
}

#endif
