/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP errors of our own: the packet that we hold becomes the error about itself, and goes back to its sender. */
#ifndef SLUICE_ICMP_H
#define SLUICE_ICMP_H

#include "route.h"

/* RFC 792. Declared here because the system's header asks for 32-bit C library stubs when compiled for BPF. */
struct icmp_header {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__u32 info; /* by type: unused, or in its lower half (network order) the next hop's MTU (RFC 1191) */
};

#define ICMP_DEST_UNREACH 3
#define ICMP_SOURCE_QUENCH 4
#define ICMP_TIME_EXCEEDED 11
#define ICMP_HOST_UNREACH 1
#define ICMP_PORT_UNREACH 3
#define ICMP_FRAG_NEEDED 4
#define ICMP_EXC_TTL 0

/* RFC 1812 section 4.3.2.3: as much of the packet as fits into 576 bytes. */
#define ICMP_ERROR_MAX 576
#define ICMP_ERROR_HEADERS ((__u32)(sizeof(struct iphdr) + sizeof(struct icmp_header)))
#define ICMP_QUOTE_MAX (ICMP_ERROR_MAX - ICMP_ERROR_HEADERS)
/* A CPU's share of errors a second, as net.ipv4.icmp_msgs_per_sec has it for the host. */
#define ICMP_ERRORS_PER_SECOND 1000
/* Bytes that one call sums. */
#define SUM_CHUNK 64
#define ICMP_TTL 64
#define TOS_INTERNETCONTROL 0xc0
#define TOS_MASK 0x1e

always_inline int icmp_within_budget(void)
{
	__u32 zero = 0;
	struct icmp_budget *budget = bpf_map_lookup_elem(&icmp_budgets, &zero);
	__u64 second = bpf_ktime_get_coarse_ns() / 1000000000ULL;

	if (!budget)
		return 0;
	if (budget->second != second) {
		budget->second = second;
		budget->sent = 0;
	}
	return budget->sent++ < ICMP_ERRORS_PER_SECOND;
}

/*
 * Sums the quoted packet. A packet whose transport checksum is left to the device (CHECKSUM_PARTIAL) carries the
 * pseudo-header's sum in that field; when the device has filled it in, the segment sums up to the complement of what
 * stands there now, whatever the rest of the segment is.
 */
always_inline __u32 icmp_sum_quote(hook_ctx *ctx, __u32 quote)
{
	void *data = packet_start(ctx), *end = packet_end(ctx);
	struct iphdr *ip = data + ETH_LEN;
	__u32 sum = 0, l4, pseudo, words;
	__u16 *word = (__u16 *)ip, *check = NULL;

	if ((void *)(ip + 1) > end)
		return 0;
	l4 = ip->ihl * 4;
	words = quote / 2;
	if (!(ip->frag_off & bpf_htons(IP_MF | IP_OFFSET))) {
		if (ip->protocol == IPPROTO_TCP)
			check = data + ETH_LEN + l4 + 16;
		else if (ip->protocol == IPPROTO_UDP)
			check = data + ETH_LEN + l4 + 6;
	}
	if (check && (void *)(check + 1) <= end) {
		pseudo = (ip->saddr & 0xffff) + (ip->saddr >> 16) + (ip->daddr & 0xffff) + (ip->daddr >> 16) +
			 bpf_htons(ip->protocol) + bpf_htons(bpf_ntohs(ip->tot_len) - l4);
		if (csum_fold32(pseudo) == *check) {
			sum = (__u16) ~*check;
			words = l4 / 2;
			quote = l4;
		}
	}
	for (__u32 i = 0; i < ICMP_QUOTE_MAX / SUM_CHUNK; i++) {
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
 * Turns the packet into the ICMP error p->answer, from `from` or, if that is 0, from the address that it was sent to, and
 * sends it to its source. Returns the verdict. By RFC 1122 section 3.2.2 no error answers an ICMP error, a later fragment,
 * or a source that is no single host.
 */
verified_apart int icmp_send4(hook_ctx *ctx, const struct packet *p, __be32 from)
{
	void *data = packet_start(ctx), *end = packet_end(ctx);
	struct iphdr *ip = data + ETH_LEN;
	struct bpf_fib_lookup fib;
	struct icmp_header *icmp;
	struct ethhdr *eth;
	__u32 quote, sum;
	__be32 to;
	__u8 tos;
	long rc;

	if (!p || (void *)(ip + 1) > end)
		return VERDICT_DROP;
	to = ip->saddr;
	if (ip->frag_off & bpf_htons(IP_OFFSET) || ip->protocol == IPPROTO_ICMP || !to ||
	    (to & bpf_htonl(0xe0000000)) == bpf_htonl(0xe0000000) || (to & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000))
		return VERDICT_DROP;
	if (!icmp_within_budget())
		return drop(SLUICE_DROP_ICMP_LIMIT);
	if (!from)
		from = ip->daddr;
	tos = TOS_INTERNETCONTROL | (ip->tos & TOS_MASK);
	quote = bpf_ntohs(ip->tot_len);
	if (quote > packet_len(ctx) - ETH_LEN || !quote)
		quote = packet_len(ctx) - ETH_LEN;
	if (quote > ICMP_QUOTE_MAX)
		quote = ICMP_QUOTE_MAX;
	if (quote < sizeof(*ip))
		return VERDICT_DROP;
	if (bpf_skb_change_tail(ctx, ETH_LEN + quote, 0) || bpf_skb_pull_data(ctx, ETH_LEN + quote))
		return drop(SLUICE_DROP_MALFORMED);
	sum = icmp_sum_quote(ctx, quote);
	if (bpf_skb_adjust_room(ctx, ICMP_ERROR_HEADERS, BPF_ADJ_ROOM_MAC, 0))
		return drop(SLUICE_DROP_MALFORMED);
	rc = route4(ctx, &fib, from, to, tos, 0, 0);
	data = packet_start(ctx);
	end = packet_end(ctx);
	eth = data;
	ip = data + ETH_LEN;
	icmp = (void *)(ip + 1);
	if ((void *)(icmp + 1) > end)
		return drop(SLUICE_DROP_MALFORMED);
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = 5;
	ip->tos = tos;
	ip->tot_len = bpf_htons(ICMP_ERROR_HEADERS + quote);
	ip->ttl = ICMP_TTL;
	ip->protocol = IPPROTO_ICMP;
	ip->saddr = from;
	ip->daddr = to;
	ip->check = ~csum_fold32(bpf_htons(0x4500 | tos) + ip->tot_len + bpf_htons(ICMP_TTL << 8 | IPPROTO_ICMP) +
				 (from & 0xffff) + (from >> 16) + (to & 0xffff) + (to >> 16));
	icmp->type = p->answer >> 8;
	icmp->code = p->answer;
	icmp->info = p->answer_info;
	icmp->checksum = 0;
	sum = csum_add32(csum_add32(sum, bpf_htons(p->answer)), p->answer_info);
	icmp->checksum = ~csum_fold32(sum);
	switch (rc) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		route_write_macs(eth, &fib);
		/* fallthrough */
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return route_send(&fib, rc);
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return route_to_self(ctx);
	}
	return drop(SLUICE_DROP_NO_ROUTE);
}

/* Counts the packet as dropped for `reason`, and asks for an error to its sender. */
always_inline int answer(struct packet *p, enum sluice_drop reason, __u32 type, __u32 code, __be32 info)
{
	tally(reason);
	p->answer = type << 8 | code;
	p->answer_info = info;
	return ANSWER;
}

always_inline int icmp_unreachable(struct packet *p, enum sluice_drop reason, __u32 code, __u32 mtu)
{
	return answer(p, reason, ICMP_DEST_UNREACH, code, bpf_htonl(mtu));
}

always_inline int icmp_time_exceeded(struct packet *p)
{
	return answer(p, SLUICE_DROP_TTL, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
}

#endif
