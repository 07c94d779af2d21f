/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * At a real server's ingress, for kernels without tunnel devices: takes the outer headers off IP in IP, GRE and GUE, of
 * either family outside and inside, so that the stack meets the client's packet for the VIP on lo.
 */
#include "packet6.h"
#include "parse.h"

/* Packets taken out of their tunnel, and those that had to be dropped instead. */
enum { DECAPSULATED, DROPPED, TALLIES };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TALLIES);
	__type(key, __u32);
	__type(value, __u64);
} decap_tallies SEC(".maps");

always_inline void tally(__u32 what)
{
	__u64 *n = bpf_map_lookup_elem(&decap_tallies, &what);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* Takes `outer` bytes off, behind which a packet of the protocol `to` stands. False: it could not. */
always_inline int take_off(hook_ctx *ctx, __s32 outer, __be16 to)
{
	const __s32 more = IP6_LEN - sizeof(struct iphdr);

	if (ctx->protocol == to)
		return !bpf_skb_adjust_room(ctx, -outer, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO);
	/* turning the header into one of the other family is how a packet's family changes, before Linux 6.3 */
	if (to == bpf_htons(ETH_P_IPV6))
		return !bpf_skb_change_proto(ctx, to, 0) &&
		       !bpf_skb_adjust_room(ctx, -(outer + more), BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO);
	return !bpf_skb_adjust_room(ctx, -(outer - more), BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO) &&
	       !bpf_skb_change_proto(ctx, to, 0);
}

/* What kind of packet an outer header says to carry. 0: none. */
always_inline __be16 carried(__u8 protocol)
{
	return protocol == NEXT_IPIP ? bpf_htons(ETH_P_IP) : protocol == NEXT_IPV6 ? bpf_htons(ETH_P_IPV6) : 0;
}

/* Set by the loader: the UDP port of GUE, 0: none. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} decap_port SEC(".maps");

/*
 * What kind of packet stands behind an outer header of `*outer` bytes that says `protocol`; adds to these what the tunnel
 * has between them. 0: none that we know. GRE with more than a checksum, and GUE with options, are for the kernel's own.
 */
always_inline __be16 unwrap(hook_ctx *ctx, __u8 protocol, __u32 *outer)
{
	__be16 gre[2], udp[4];
	__u32 zero = 0, *port;
	__u8 gue[4];

	if (protocol == IPPROTO_GRE) {
		if (bpf_skb_load_bytes(ctx, ETH_LEN + *outer, gre, sizeof(gre)) || gre[0] & ~bpf_htons(0x8000))
			return 0;
		*outer += gre[0] ? 8 : 4;
		return gre[1] == bpf_htons(ETH_P_IP) || gre[1] == bpf_htons(ETH_P_IPV6) ? gre[1] : 0;
	}
	if (protocol == IPPROTO_UDP) {
		port = bpf_map_lookup_elem(&decap_port, &zero);
		if (!port || !*port || bpf_skb_load_bytes(ctx, ETH_LEN + *outer, udp, sizeof(udp)) || udp[1] != bpf_htons(*port) ||
		    bpf_skb_load_bytes(ctx, ETH_LEN + *outer + sizeof(udp), gue, sizeof(gue)) || gue[0] || gue[2] || gue[3])
			return 0;
		*outer += sizeof(udp) + sizeof(gue);
		return carried(gue[1]);
	}
	return carried(protocol);
}

/* Fragments are for the stack to put together first; options on a tunnel's header are nobody's habit. */
SEC("tc")
int sluice_decap(struct __sk_buff *ctx)
{
	const __u32 most = ETH_LEN + 2 * IP6_LEN;
	struct ipv6hdr *six;
	struct ethhdr *eth;
	struct iphdr *ip;
	__u32 outer;
	__u8 version;
	__be16 to;

	if (packet_is_foreign(ctx) || (ctx->protocol != bpf_htons(ETH_P_IP) && ctx->protocol != bpf_htons(ETH_P_IPV6)))
		return VERDICT_PASS;
	if (packet_start(ctx) + most > packet_end(ctx) &&
	    bpf_skb_pull_data(ctx, packet_len(ctx) < most ? packet_len(ctx) : most))
		return VERDICT_PASS;
	ip = packet_start(ctx) + ETH_LEN;
	if (ctx->protocol == bpf_htons(ETH_P_IP)) {
		outer = sizeof(*ip);
		if ((void *)ip + 2 * sizeof(*ip) > packet_end(ctx) || ip->version != 4 || ip->ihl != 5 ||
		    ip->frag_off & bpf_htons(IP_MF | IP_OFFSET))
			return VERDICT_PASS;
		to = unwrap(ctx, ip->protocol, &outer);
	} else {
		six = (void *)ip;
		outer = sizeof(*six);
		if ((void *)six + sizeof(*six) + sizeof(*ip) > packet_end(ctx) || six->version != 6)
			return VERDICT_PASS;
		to = unwrap(ctx, six->nexthdr, &outer);
	}
	if (!to || bpf_skb_load_bytes(ctx, ETH_LEN + outer, &version, sizeof(version)) ||
	    version >> 4 != (to == bpf_htons(ETH_P_IP) ? 4 : 6))
		return VERDICT_PASS;
	if (!take_off(ctx, outer, to)) {
		tally(DROPPED);
		return VERDICT_DROP;
	}
	eth = packet_start(ctx);
	if ((void *)(eth + 1) <= packet_end(ctx))
		eth->h_proto = to;
	tally(DECAPSULATED);
	return VERDICT_PASS;
}

/* Tells whether the namespace still exists: see tc.c. */
SEC("sk_lookup")
int sluice_netns(struct bpf_sk_lookup *ctx)
{
	(void)ctx;
	return SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";
