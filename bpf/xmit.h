/* SPDX-License-Identifier: GPL-2.0-only */
/* The forwarding methods: what is written into a packet, and by which route it leaves. */
#ifndef SLUICE_XMIT_H
#define SLUICE_XMIT_H

#include "crc32c.h"
#include "life.h"
#include "tunnel.h"

/*
 * What can stop a packet that has a route: its TTL, its size, or the lack of a route. Returns 0 to go on, else the
 * verdict in *verdict. `overhead` is what the method adds to each packet on the wire; `here`: the target may be this host,
 * which the route lookup does not tell from a missing route.
 */
always_inline int xmit_refuses(struct packet *p, long rc, const struct bpf_fib_lookup *fib,
			       __u32 overhead, __u32 here, int *verdict)
{
	switch (rc) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		break;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		if (p->frag & bpf_htons(IP_DF)) {
			*verdict = icmp_unreachable(p, SLUICE_DROP_TOO_BIG, ICMP_FRAG_NEEDED, fib->mtu_result - overhead);
			return 1;
		}
		break;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		*verdict = drop(SLUICE_DROP_NO_FORWARDING);
		return 1;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		if (here)
			break;
		/* fallthrough */
	default:
		*verdict = icmp_unreachable(p, SLUICE_DROP_NO_ROUTE, ICMP_HOST_UNREACH, 0);
		return 1;
	}
	/* what stays here makes no further hop */
	if (p->ttl <= 1 && rc != BPF_FIB_LKUP_RET_NOT_FWDED) {
		*verdict = icmp_time_exceeded(p);
		return 1;
	}
	return 0;
}

/* Which end of a packet NAT rewrites. */
enum { REWRITE_DESTINATION, REWRITE_SOURCE };

/*
 * NAT: rewrites one address and port (`port_and_local`: with 1 << 16, if the target is known to be this host) and their checksums, and sends the packet on. The transport checksum goes through
 * the helper, which knows whether it is complete, partial or left to the device.
 */
verified_apart int xmit_nat(hook_ctx *ctx, struct packet *p, int end_, __be32 address, __u32 port_and_local)
{
	if (!p)
		return VERDICT_DROP;

	__be32 old_address;
	__be16 old_port = end_ == REWRITE_DESTINATION ? p->flow.dport : p->flow.sport;
	__be32 to = end_ == REWRITE_DESTINATION ? address : p->flow.daddr[0];
	__be32 from = end_ == REWRITE_DESTINATION ? 0 : address;
	__be16 port = port_and_local & 0xffff;
	/* a reply's client may always be on the director; a server only where the control plane says so */
	__u32 here = end_ == REWRITE_SOURCE || port_and_local >> 16;
	struct bpf_fib_lookup fib;
	int verdict, stack;
	struct ethhdr *eth;
	struct iphdr *ip;
	__u32 check_at;
	__u64 udp;
	long rc;

	rc = route4(ctx, &fib, from, to, p->tos, p->segment, 0);
	if (xmit_refuses(p, rc, &fib, 0, here, &verdict))
		return verdict;
	/* The stack routes it itself, fragments it, or gives it to a local socket: then it also ages it. */
	stack = rc == BPF_FIB_LKUP_RET_FRAG_NEEDED || rc == BPF_FIB_LKUP_RET_NOT_FWDED;
	eth = packet_start(ctx);
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > packet_end(ctx))
		return drop(SLUICE_DROP_MALFORMED);
	if (rc == BPF_FIB_LKUP_RET_SUCCESS)
		route_write_macs(eth, &fib);
	/* an ICMP error may come from another address than the one that its flow has */
	old_address = end_ == REWRITE_DESTINATION ? ip->daddr : ip->saddr;
	if (end_ == REWRITE_DESTINATION)
		ip->daddr = address;
	else
		ip->saddr = address;
	ip->check = csum_replace32(ip->check, old_address, address);
	if (!stack) {
		ipv4_age(ip, p->ttl);
	}
	if (!p->later_fragment) {
		__be16 *field = (void *)eth + packet_l4(p) + (end_ == REWRITE_DESTINATION ? 2 : 0);

		if ((void *)(field + 1) > packet_end(ctx))
			return drop(SLUICE_DROP_MALFORMED);
		if (p->flow.protocol == IPPROTO_SCTP) {
			__u32 ports = end_ == REWRITE_DESTINATION ? p->flow.sport | (__u32)port << 16 : port | (__u32)p->flow.dport << 16;

			if (!sctp_rewrite(ctx, p, ports))
				return drop(p->frag & bpf_htons(IP_MF) ? SLUICE_DROP_FRAGMENT : SLUICE_DROP_MALFORMED);
			goto rewritten;
		}
		*field = port;
		udp = p->flow.protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
		check_at = packet_l4(p) + (udp ? __builtin_offsetof(struct udphdr, check) : __builtin_offsetof(struct tcphdr, check));
		if (bpf_l4_csum_replace(ctx, check_at, 0, csum_sub32(address, old_address), BPF_F_PSEUDO_HDR | udp))
			return drop(SLUICE_DROP_MALFORMED);
		if (port != old_port && bpf_l4_csum_replace(ctx, check_at, old_port, port, 2 | udp))
			return drop(SLUICE_DROP_MALFORMED);
	}
rewritten:
	if (rc == BPF_FIB_LKUP_RET_NOT_FWDED && end_ == REWRITE_SOURCE)
		return route_to_self(ctx);
	if (stack) {
		event(SLUICE_EVENT_TO_STACK);
		return VERDICT_STACK;
	}
	return route_send(&fib, rc);
}

/*
 * NAT of a packet that the director's own stack is just sending, as a server: its route is chosen, its age is right. Only
 * the source changes.
 */
verified_apart int xmit_nat_own(hook_ctx *ctx, const struct packet *p, __be32 address, __u32 port)
{
	__u32 l4, check_at;
	struct iphdr *ip;
	__be32 old;
	__u64 udp;

	if (!p)
		return VERDICT_DROP;
	l4 = packet_l4(p);
	ip = packet_start(ctx) + ETH_LEN;
	if ((void *)(ip + 1) > packet_end(ctx))
		return drop(SLUICE_DROP_MALFORMED);
	old = ip->saddr;
	ip->saddr = address;
	ip->check = csum_replace32(ip->check, old, address);
	if (p->later_fragment)
		return VERDICT_PASS;
	if (p->flow.protocol == IPPROTO_SCTP) {
		if (!sctp_rewrite(ctx, p, (__u16)port | (__u32)p->flow.dport << 16))
			return drop(p->frag & bpf_htons(IP_MF) ? SLUICE_DROP_FRAGMENT : SLUICE_DROP_MALFORMED);
		return VERDICT_PASS;
	}
	udp = p->flow.protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
	check_at = l4 + (udp ? __builtin_offsetof(struct udphdr, check) : __builtin_offsetof(struct tcphdr, check));
	if (bpf_l4_csum_replace(ctx, check_at, 0, csum_sub32(address, old), BPF_F_PSEUDO_HDR | udp) ||
	    bpf_l4_csum_replace(ctx, check_at, p->flow.sport, (__u16)port, 2 | udp) ||
	    bpf_skb_store_bytes(ctx, l4, &(__u16){ port }, 2, 0))
		return drop(SLUICE_DROP_MALFORMED);
	return VERDICT_PASS;
}

/* Direct routing: only the frame's addresses change, and the TTL. */
verified_apart int xmit_route(hook_ctx *ctx, struct packet *p, __be32 server)
{
	struct bpf_fib_lookup fib;
	struct ethhdr *eth;
	struct iphdr *ip;
	int verdict;
	long rc;

	if (!p)
		return VERDICT_DROP;
	rc = route4(ctx, &fib, 0, server, p->tos, p->segment, 0);
	if (xmit_refuses(p, rc, &fib, 0, 0, &verdict))
		return verdict;
	if (rc == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		/* Its destination is the VIP, so the stack would keep it instead of fragmenting it. */
		return icmp_unreachable(p, SLUICE_DROP_TOO_BIG, ICMP_FRAG_NEEDED, fib.mtu_result);
	eth = packet_start(ctx);
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > packet_end(ctx))
		return drop(SLUICE_DROP_MALFORMED);
	if (rc == BPF_FIB_LKUP_RET_SUCCESS)
		route_write_macs(eth, &fib);
	ipv4_age(ip, p->ttl);
	return route_send(&fib, rc);
}

#endif
