/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flows: from what a packet shows to the connection that it belongs to. The flow given must be on the caller's own stack:
 * before 6.2 a map's key may not be in memory that an argument points to.
 */
#ifndef SLUICE_FLOW_H
#define SLUICE_FLOW_H

#include "counters.h"

always_inline struct flow4 flow_narrow(const struct flow *flow)
{
	struct flow4 narrow = { flow->saddr[0], flow->daddr[0], flow->sport, flow->dport, flow->protocol, flow->kind, 0 };

	return narrow;
}

/* Where the family is known when this is compiled. */
always_inline struct flow_entry *flow_find_of(const __u32 family, const struct flow *flow)
{
	if (family == SLUICE_FAMILY_INET) {
		struct flow4 key = flow_narrow(flow);

		return bpf_map_lookup_elem(&flows4, &key);
	}
	return bpf_map_lookup_elem(&flows6, flow);
}

always_inline struct flow_entry *flow_find(const struct flow *flow)
{
	return flow_find_of(flow->family, flow);
}

/*
 * 0, or -EEXIST, or another error: no room. Before 6.4 a map's operation leaves 32 bits of result, and nothing certain in the
 * upper ones.
 */
always_inline int flow_insert(const struct flow *flow, const struct flow_entry *entry)
{
	if (flow->family == SLUICE_FAMILY_INET) {
		struct flow4 key = flow_narrow(flow);

		return (int)bpf_map_update_elem(&flows4, &key, entry, BPF_NOEXIST);
	}
	return (int)bpf_map_update_elem(&flows6, flow, entry, BPF_NOEXIST);
}

always_inline void flow_delete(const struct flow *flow)
{
	if (flow->family == SLUICE_FAMILY_INET) {
		struct flow4 key = flow_narrow(flow);

		bpf_map_delete_elem(&flows4, &key);
	} else {
		bpf_map_delete_elem(&flows6, flow);
	}
}

/* Deletes a flow while it is this entry's. */
always_inline void flow_delete_of(const struct flow *flow, const struct flow_entry *entry)
{
	struct flow_entry *there = flow_find(flow);

	if (there && there->connection == entry->connection && there->tag == entry->tag)
		flow_delete(flow);
}

#endif
