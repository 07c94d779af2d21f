/* SPDX-License-Identifier: GPL-2.0-only */
/* Least connections: the usable server with the least overhead, weights ignored; the first in the list wins a tie. */
#ifndef SLUICE_SCHED_LC_H
#define SLUICE_SCHED_LC_H

#include "walk.h"

struct lc_walk {
	__u32 at;
	__u32 pick;
	__u64 least;
};

static long lc_step(__u32 i, struct lc_walk *walk)
{
	struct server *server = walk->at ? server_get(walk->at) : NULL;

	(void)i;
	if (!server)
		return 1;
	if (usable_weight(server)) {
		__u64 cost = overhead(server);

		if (!walk->pick || cost < walk->least) {
			walk->pick = walk->at;
			walk->least = cost;
		}
	}
	walk->at = server->next;
	return 0;
}

verified_apart __u32 schedule_lc(__u32 slot)
{
	struct service *service = service_get(slot);
	struct lc_walk walk = {};

	if (!service)
		return 0;
	walk.at = service->head;
	bpf_loop(MAX_SERVERS, lc_step, &walk, 0);
	return walk.pick;
}

#endif
