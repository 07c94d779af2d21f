/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMPv6 errors of our own: the packet that we hold becomes the error about itself, and goes back to its sender. */
#ifndef SLUICE_ICMP6_H
#define SLUICE_ICMP6_H

#include "icmp.h"

/* RFC 4443. */
#define ICMP6_DEST_UNREACH 1
#define ICMP6_TOO_BIG 2
#define ICMP6_TIME_EXCEEDED 3
#define ICMP6_NO_ROUTE 0
#define ICMP6_ADDRESS_UNREACH 3
#define ICMP6_PORT_UNREACH 4
#define ICMP6_HOP_LIMIT 0
/* Types from here on are no errors. */
#define ICMP6_INFORMATIONAL 128

/* RFC 4443 section 2.4 (c): as much of the packet as fits into the smallest MTU. */
#define ICMP6_ERROR_HEADERS ((__u32)(sizeof(struct ipv6hdr) + sizeof(struct icmp_header)))
#define ICMP6_QUOTE_MAX (IP6_MIN_MTU - ICMP6_ERROR_HEADERS)

/* Sums the packet to be quoted; see icmp_sum_quote about one whose transport checksum is left to the device. */
always_inline __u32 icmp6_sum_quote(hook_ctx *ctx, const struct packet *p, __u32 quote)
{
	void *data = packet_start(ctx), *end = packet_end(ctx);
	struct ipv6hdr *ip = data + ETH_LEN;
	__u32 sum = 0, l4 = packet6_l4(p), pseudo, words = quote / 2;
	__u16 *word = (__u16 *)ip, *check = NULL;

	if ((void *)(ip + 1) > end)
		return 0;
	if (!(p->frag & bpf_htons(IP_MF | IP_OFFSET))) {
		if (p->flow.protocol == IPPROTO_TCP)
			check = data + l4 + __builtin_offsetof(struct tcphdr, check);
		else if (p->flow.protocol == IPPROTO_UDP)
			check = data + l4 + __builtin_offsetof(struct udphdr, check);
	}
	if (check && (void *)(check + 1) <= end) {
		pseudo = ip6_sum_addresses((void *)&ip->saddr, (void *)&ip->daddr);
		pseudo = csum_add32(pseudo, bpf_htonl(p->flow.protocol));
		pseudo = csum_add32(pseudo, bpf_htonl(p->ip_len + ETH_LEN - l4));
		if (csum_fold32(pseudo) == *check) {
			sum = (__u16) ~*check;
			quote = l4 - ETH_LEN;
			words = quote / 2;
		}
	}
	for (__u32 i = 0; i < ICMP6_QUOTE_MAX / SUM_CHUNK; i++) {
		if (words < SUM_CHUNK / 2 || (void *)word + SUM_CHUNK > end)
			break;
		sum = bpf_csum_diff(NULL, 0, (__be32 *)word, SUM_CHUNK, sum);
		word += SUM_CHUNK / 2;
		words -= SUM_CHUNK / 2;
	}
	for (int i = 0; i < SUM_CHUNK / 2; i++) {
		if (!words || (void *)(word + 1) > end)
			break;
		sum = csum_add32(sum, *word++);
		words--;
	}
	if (quote & 1 && (void *)word + 1 <= end)
		sum = csum_add32(sum, *(__u8 *)word);
	return sum;
}

/*
 * Turns the packet into the ICMPv6 error p->answer, from `source` or, if that is NULL, from the address that it was sent
 * to, and sends it to its source. Returns the verdict. By RFC 4443 section 2.4 (e) no error answers an ICMPv6 error, a
 * later fragment, or a source that is no single host.
 */
verified_apart int icmp_send6(hook_ctx *ctx, const struct packet *p, const struct address6 *source)
{
	struct address6 from, to;
	struct bpf_fib_lookup fib;
	struct icmp_header *icmp;
	struct ipv6hdr *ip;
	struct ethhdr *eth;
	__u32 quote, sum;
	long rc;

	if (!p || p->later_fragment || p->related)
		return VERDICT_DROP;
	ip = packet_start(ctx) + ETH_LEN;
	if ((void *)(ip + 1) > packet_end(ctx))
		return VERDICT_DROP;
	__builtin_memcpy(&to, &ip->saddr, sizeof(to));
	if (source)
		from = *source;
	else
		__builtin_memcpy(&from, &ip->daddr, sizeof(from));
	if (!address6_is_routable(&to))
		return VERDICT_DROP;
	if (!icmp_within_budget())
		return drop(SLUICE_DROP_ICMP_LIMIT);
	quote = packet_len(ctx) - ETH_LEN;
	if (quote > p->ip_len)
		quote = p->ip_len;
	if (quote > ICMP6_QUOTE_MAX)
		quote = ICMP6_QUOTE_MAX;
	if (bpf_skb_change_tail(ctx, ETH_LEN + quote, 0) || bpf_skb_pull_data(ctx, ETH_LEN + quote))
		return drop(SLUICE_DROP_MALFORMED);
	sum = icmp6_sum_quote(ctx, p, quote);
	if (bpf_skb_adjust_room(ctx, ICMP6_ERROR_HEADERS, BPF_ADJ_ROOM_MAC, 0))
		return drop(SLUICE_DROP_MALFORMED);
	rc = route6(ctx, &fib, from.word, to.word, 0, 0, 0);
	eth = packet_start(ctx);
	ip = (void *)(eth + 1);
	icmp = (void *)(ip + 1);
	if ((void *)(icmp + 1) > packet_end(ctx))
		return drop(SLUICE_DROP_MALFORMED);
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 6;
	ip->payload_len = bpf_htons(sizeof(*icmp) + quote);
	ip->nexthdr = NEXT_ICMP6;
	ip->hop_limit = ICMP_TTL;
	__builtin_memcpy(&ip->saddr, &from, sizeof(from));
	__builtin_memcpy(&ip->daddr, &to, sizeof(to));
	icmp->type = p->answer >> 8;
	icmp->code = p->answer;
	icmp->info = p->answer_info;
	sum = csum_add32(sum, ip6_sum_addresses(&from, &to));
	sum = csum_add32(sum, bpf_htonl(sizeof(*icmp) + quote));
	sum = csum_add32(sum, bpf_htonl(NEXT_ICMP6));
	sum = csum_add32(csum_add32(sum, bpf_htons(p->answer)), p->answer_info);
	icmp->checksum = ~csum_fold32(sum);
	switch (rc) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		route_write_macs(eth, &fib);
		/* fallthrough */
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return route_send6(&fib, rc);
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return route_to_self(ctx);
	}
	return drop(SLUICE_DROP_NO_ROUTE);
}

always_inline int icmp6_unreachable(struct packet *p, enum sluice_drop reason, __u32 code)
{
	return answer(p, reason, ICMP6_DEST_UNREACH, code, 0);
}

always_inline int icmp6_too_big(struct packet *p, __u32 mtu)
{
	return answer(p, SLUICE_DROP_TOO_BIG, ICMP6_TOO_BIG, 0, bpf_htonl(mtu < IP6_MIN_MTU ? IP6_MIN_MTU : mtu));
}

always_inline int icmp6_time_exceeded(struct packet *p)
{
	return answer(p, SLUICE_DROP_TTL, ICMP6_TIME_EXCEEDED, ICMP6_HOP_LIMIT, 0);
}

#endif
