/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet's firewall mark: what the first rule of our own that fits says, or else what programs before this one at the
 * device left in the packet. Netfilter's marks come later than this hook.
 */
#ifndef SLUICE_MARK_H
#define SLUICE_MARK_H

#include "server.h"

struct mark_walk {
	struct flow flow;
	__u32 ifindex;
	__u32 bank;
	__u32 found;
	__u32 mark;
};

always_inline int mark_address_fits(const __be32 *address, const __be32 *wanted, const __be32 *mask)
{
	return !(((address[0] ^ wanted[0]) & mask[0]) | ((address[1] ^ wanted[1]) & mask[1]) |
		 ((address[2] ^ wanted[2]) & mask[2]) | ((address[3] ^ wanted[3]) & mask[3]));
}

static long mark_step(__u32 i, struct mark_walk *walk)
{
	__u32 index = walk->bank * MAX_MARK_RULES + i;
	const struct mark_rule *rule = bpf_map_lookup_elem(&mark_rules, &index);
	__u16 sport = bpf_ntohs(walk->flow.sport), dport = bpf_ntohs(walk->flow.dport);

	if (!rule)
		return 1;
	if ((rule->protocol && rule->protocol != walk->flow.protocol) || (rule->family && rule->family != walk->flow.family) ||
	    (rule->ifindex && rule->ifindex != walk->ifindex) || sport < rule->sport[0] || sport > rule->sport[1] ||
	    dport < rule->dport[0] || dport > rule->dport[1] ||
	    !mark_address_fits(walk->flow.saddr, rule->source, rule->source_mask) ||
	    !mark_address_fits(walk->flow.daddr, rule->destination, rule->destination_mask))
		return 0;
	walk->found = 1;
	walk->mark = rule->mark;
	return 1;
}

/* Asked only where there is a service by mark. 0: none. */
verified_apart __u32 packet_mark(hook_ctx *ctx, const struct packet *p)
{
	const struct settings *s = settings_get();
	struct mark_walk walk = {};
	__u32 rules;

	if (!s || !p)
		return 0;
	rules = *(const volatile __u32 *)&s->mark_rules;
	if (rules & ~MARK_RULES_BANK) {
		walk.flow = p->flow;
		walk.ifindex = CTX_LOAD(ctx, ifindex);
		walk.bank = rules & MARK_RULES_BANK ? 1 : 0;
		bpf_loop(rules & ~MARK_RULES_BANK, mark_step, &walk, 0);
		if (walk.found)
			return walk.mark;
	}
	return CTX_LOAD(ctx, mark);
}

#endif
