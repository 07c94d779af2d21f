/* SPDX-License-Identifier: GPL-2.0-only */
/* Weighted least connections: the least overhead for its weight. O(servers) a new connection, as exactness asks. */
#ifndef SLUICE_SCHED_WLC_H
#define SLUICE_SCHED_WLC_H

#include "walk.h"

struct wlc_walk {
	__u32 at;
	__u32 pick;
	__u64 least;
	__u64 weight; /* of the pick */
};

static long wlc_step(__u32 i, struct wlc_walk *walk)
{
	struct server *server = walk->at ? server_get(walk->at) : NULL;
	__u64 weight;

	(void)i;
	if (!server)
		return 1;
	weight = usable_weight(server);
	if (weight) {
		__u64 cost = overhead(server);

		/* cost / weight < least / walk->weight, without a division; strictly, so that the first wins a tie */
		if (!walk->pick || walk->least * weight > cost * walk->weight) {
			walk->pick = walk->at;
			walk->least = cost;
			walk->weight = weight;
		}
	}
	walk->at = server->next;
	return 0;
}

verified_apart __u32 schedule_wlc(__u32 slot)
{
	struct service *service = service_get(slot);
	struct wlc_walk walk = {};

	if (!service)
		return 0;
	walk.at = service->head;
	bpf_loop(MAX_SERVERS, wlc_step, &walk, 0);
	return walk.pick;
}

#endif
