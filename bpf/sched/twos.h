/* SPDX-License-Identifier: GPL-2.0-only */
/* The power of two choices: two servers drawn by weight, and of these the one with less overhead for its weight. */
#ifndef SLUICE_SCHED_TWOS_H
#define SLUICE_SCHED_TWOS_H

#include "walk.h"

struct twos_walk {
	__u32 at;
	__u64 total; /* of the usable weights */
	/* weight still to be passed before the server drawn; and the server, once it was met */
	__s64 left[2];
	__u32 drawn[2];
};

static long twos_sum_step(__u32 i, struct twos_walk *walk)
{
	struct server *server = walk->at ? server_get(walk->at) : NULL;

	(void)i;
	if (!server)
		return 1;
	walk->total += usable_weight(server);
	walk->at = server->next;
	return 0;
}

static long twos_draw_step(__u32 i, struct twos_walk *walk)
{
	struct server *server = walk->at ? server_get(walk->at) : NULL;
	__u32 weight;

	(void)i;
	if (!server)
		return 1;
	weight = usable_weight(server);
	if (weight) {
		walk->left[0] -= weight;
		walk->left[1] -= weight;
		if (walk->left[0] <= 0 && !walk->drawn[0])
			walk->drawn[0] = walk->at;
		if (walk->left[1] <= 0 && !walk->drawn[1])
			walk->drawn[1] = walk->at;
		if (walk->drawn[0] && walk->drawn[1])
			return 1;
	}
	walk->at = server->next;
	return 0;
}

verified_apart __u32 schedule_twos(__u32 slot)
{
	struct service *service = service_get(slot);
	struct server *first, *second;
	struct twos_walk walk = {};

	if (!service)
		return 0;
	walk.at = service->head;
	bpf_loop(MAX_SERVERS, twos_sum_step, &walk, 0);
	if (!walk.total)
		return 0;
	/* from 0 to the total, both included: the list's first has one chance more than its weight, as in IPVS */
	walk.left[0] = bpf_get_prandom_u32() % (walk.total + 1);
	walk.left[1] = bpf_get_prandom_u32() % (walk.total + 1);
	walk.drawn[0] = walk.drawn[1] = zero_unknown(walk.total);
	walk.at = service->head;
	bpf_loop(MAX_SERVERS, twos_draw_step, &walk, 0);
	first = walk.drawn[0] ? server_get(walk.drawn[0]) : NULL;
	second = walk.drawn[1] ? server_get(walk.drawn[1]) : NULL;
	if (first && second &&
	    server_options_get(second)->weight * overhead(first) > server_options_get(first)->weight * overhead(second))
		return walk.drawn[1];
	return first ? walk.drawn[0] : walk.drawn[1];
}

#endif
