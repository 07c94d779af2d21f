/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The door at XDP, in front of TC's: it takes what it can finish, which is packets of known connections that change nothing
 * about them, and leaves all else to TC as it came.
 */
#define SLUICE_XDP
#include "fast.h"
#include "turn.h"

always_inline int forward(hook_ctx *ctx, const __u32 family)
{
	const struct fast_device *in;
	__u32 ifindex = 0, tag;
	struct flow_entry *entry;
	struct connection *c;
	struct packet p;
	int way;

	if (!(family == SLUICE_FAMILY_INET ? fast_parse4(ctx, &p) : fast_parse6(ctx, &p)))
		return XDP_PASS;
	entry = flow_find_of(family, &p.flow);
	c = entry ? connection_of(family, entry) : NULL;
	in = c ? fast_device_get(CTX_LOAD(ctx, ingress_ifindex)) : NULL;
	if (!in || !fast_is_for(ctx, in))
		return XDP_PASS;
	tag = entry->tag;
	way = fast_forward(ctx, family, &p, c, reference(family, entry->connection), tag & 1, in, &ifindex);
	if (!way) {
		event(SLUICE_EVENT_XDP_LEFT);
		return XDP_PASS;
	}
	if (way == XDP_DROP)
		return XDP_DROP;
	event(SLUICE_EVENT_XDP_FORWARDED);
	return way == XDP_TX ? XDP_TX : bpf_redirect(ifindex, 0);
}

SEC("xdp")
int sluice_xdp(struct xdp_md *ctx)
{
	void *start = packet_start(ctx);
	__be16 *type = start + ETH_TYPE;

	/* TC knows what to do while one version takes over from another */
	if (start + ETH_LEN > packet_end(ctx) || turn_is_over() || turn_is_held(SLUICE_HOLD_PACKETS))
		return XDP_PASS;
	if (*type == bpf_htons(ETH_P_IP))
		return forward(ctx, SLUICE_FAMILY_INET);
	if (*type == bpf_htons(ETH_P_IPV6))
		return forward(ctx, SLUICE_FAMILY_INET6);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
