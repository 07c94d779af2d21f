/* SPDX-License-Identifier: GPL-2.0-only */
/* The forwarding methods for IPv6: see xmit.h. */
#ifndef SLUICE_XMIT6_H
#define SLUICE_XMIT6_H

#include "icmp6.h"
#include "xmit.h"

/* What can stop a packet that has a route; see xmit_refuses. Nobody on the way fragments IPv6. */
always_inline int xmit_refuses6(struct packet *p, long rc, const struct bpf_fib_lookup *fib,
				__u32 here, int *verdict)
{
	switch (rc) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		break;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		*verdict = icmp6_too_big(p, fib->mtu_result);
		return 1;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		*verdict = drop(SLUICE_DROP_NO_FORWARDING);
		return 1;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		if (here)
			break;
		/* fallthrough */
	default:
		*verdict = icmp6_unreachable(p, SLUICE_DROP_NO_ROUTE, ICMP6_ADDRESS_UNREACH);
		return 1;
	}
	if (p->ttl <= 1) {
		*verdict = icmp6_time_exceeded(p);
		return 1;
	}
	return 0;
}

/* What a header's one hop less does to a sum over it. */
always_inline __u32 hop_diff6(const struct packet *p)
{
	return csum_sub32(bpf_htons(p->ttl - 1), bpf_htons(p->ttl));
}

/* Where a protocol has its checksum; ICMPv6's covers the addresses too. 0: nothing that NAT would know. */
always_inline __u32 check_offset6(const struct packet *p)
{
	if (p->related)
		return __builtin_offsetof(struct icmp_header, checksum);
	return p->flow.protocol == IPPROTO_UDP ? __builtin_offsetof(struct udphdr, check) :
						 __builtin_offsetof(struct tcphdr, check);
}

/*
 * NAT: rewrites one address and port (`port_and_local`: see xmit_nat) and the checksum, and sends the packet on. No checksum
 * in the header takes up an address's change, so a device's sum of the whole packet (CHECKSUM_COMPLETE), which the helper
 * corrects as it is right for IPv4, is put right again.
 */
verified_apart int xmit_nat6(hook_ctx *ctx, struct packet *p, int end_, const struct address6 *address,
			     __u32 port_and_local)
{
	if (!p || !address)
		return VERDICT_DROP;

	__be16 old_port = end_ == REWRITE_DESTINATION ? p->flow.dport : p->flow.sport;
	const struct address6 *from = end_ == REWRITE_DESTINATION ? NULL : address;
	__be16 port = port_and_local & 0xffff;
	__u32 here = end_ == REWRITE_SOURCE || port_and_local >> 16, diff, check_at;
	struct bpf_fib_lookup fib;
	struct address6 *field;
	struct ipv6hdr *ip;
	struct ethhdr *eth;
	int verdict;
	__u64 udp;
	long rc;

	rc = route6(ctx, &fib, from ? from->word : NULL, from ? p->flow.daddr : address->word, p->tos, p->segment, 0);
	if (xmit_refuses6(p, rc, &fib, here, &verdict))
		return verdict;
	eth = packet_start(ctx);
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > packet_end(ctx))
		return drop(SLUICE_DROP_MALFORMED);
	if (rc == BPF_FIB_LKUP_RET_SUCCESS)
		route_write_macs(eth, &fib);
	field = end_ == REWRITE_DESTINATION ? (void *)&ip->daddr : (void *)&ip->saddr;
	diff = bpf_csum_diff(field->word, sizeof(*field), (__be32 *)address->word, sizeof(*address), 0);
	*field = *address;
	check_at = packet6_l4(p) + check_offset6(p);
	if (!p->later_fragment && p->flow.protocol != IPPROTO_SCTP) {
		__be16 *ports = (void *)eth + packet6_l4(p) + (end_ == REWRITE_DESTINATION ? 2 : 0);

		if ((void *)(ports + 1) > packet_end(ctx))
			return drop(SLUICE_DROP_MALFORMED);
		*ports = port;
	}
	/* what a local socket gets has come to its end: the stack does not age it either */
	if (rc != BPF_FIB_LKUP_RET_NOT_FWDED) {
		ip->hop_limit = p->ttl - 1;
		bpf_csum_update(ctx, csum_add32(diff, hop_diff6(p)));
	} else {
		bpf_csum_update(ctx, diff);
	}
	if (!p->later_fragment && p->flow.protocol == IPPROTO_SCTP) {
		if (!sctp_rewrite(ctx, p, end_ == REWRITE_DESTINATION ? p->flow.sport | (__u32)port << 16 :
									port | (__u32)p->flow.dport << 16))
			return drop(p->frag & bpf_htons(IP_MF) ? SLUICE_DROP_FRAGMENT : SLUICE_DROP_MALFORMED);
	} else if (!p->later_fragment || p->related) {
		udp = !p->related && p->flow.protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
		if (bpf_l4_csum_replace(ctx, check_at, 0, diff, BPF_F_PSEUDO_HDR | udp))
			return drop(SLUICE_DROP_MALFORMED);
		if (!p->related && port != old_port && bpf_l4_csum_replace(ctx, check_at, old_port, port, 2 | udp))
			return drop(SLUICE_DROP_MALFORMED);
	}
	if (rc == BPF_FIB_LKUP_RET_NOT_FWDED)
		return end_ == REWRITE_SOURCE ? route_to_self(ctx) : VERDICT_STACK;
	return route_send6(&fib, rc);
}

/* NAT of a packet that the director's own stack is just sending: see xmit_nat_own. */
verified_apart int xmit_nat_own6(hook_ctx *ctx, struct packet *p, const struct address6 *address, __u32 port)
{
	struct address6 *field;
	struct ipv6hdr *ip;
	__u32 diff, at;
	__u64 udp;

	if (!p || !address)
		return VERDICT_DROP;
	ip = packet_start(ctx) + ETH_LEN;
	if ((void *)(ip + 1) > packet_end(ctx))
		return drop(SLUICE_DROP_MALFORMED);
	field = (void *)&ip->saddr;
	diff = bpf_csum_diff(field->word, sizeof(*field), (__be32 *)address->word, sizeof(*address), 0);
	*field = *address;
	bpf_csum_update(ctx, diff);
	at = packet6_l4(p);
	if (!p->later_fragment && p->flow.protocol == IPPROTO_SCTP)
		return sctp_rewrite(ctx, p, (__u16)port | (__u32)p->flow.dport << 16) ? VERDICT_PASS :
											drop(SLUICE_DROP_FRAGMENT);
	if (p->later_fragment && !p->related)
		return VERDICT_PASS;
	udp = !p->related && p->flow.protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0;
	if (bpf_l4_csum_replace(ctx, at + check_offset6(p), 0, diff, BPF_F_PSEUDO_HDR | udp))
		return drop(SLUICE_DROP_MALFORMED);
	if (p->related)
		return VERDICT_PASS;
	if (bpf_l4_csum_replace(ctx, at + check_offset6(p), p->flow.sport, (__u16)port, 2 | udp) ||
	    bpf_skb_store_bytes(ctx, at, &(__u16){ port }, 2, 0))
		return drop(SLUICE_DROP_MALFORMED);
	return VERDICT_PASS;
}

/* Direct routing: only the frame's addresses change, and the hop limit. */
verified_apart int xmit_route6(hook_ctx *ctx, struct packet *p, const struct address6 *server)
{
	struct bpf_fib_lookup fib;
	struct ipv6hdr *ip;
	struct ethhdr *eth;
	int verdict;
	long rc;

	if (!p || !server)
		return VERDICT_DROP;
	rc = route6(ctx, &fib, NULL, server->word, p->tos, p->segment, 0);
	if (xmit_refuses6(p, rc, &fib, 0, &verdict))
		return verdict;
	eth = packet_start(ctx);
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > packet_end(ctx))
		return drop(SLUICE_DROP_MALFORMED);
	if (rc == BPF_FIB_LKUP_RET_SUCCESS)
		route_write_macs(eth, &fib);
	ip->hop_limit = p->ttl - 1;
	bpf_csum_update(ctx, hop_diff6(p));
	return route_send6(&fib, rc);
}

#endif
