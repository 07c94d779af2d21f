/* SPDX-License-Identifier: GPL-2.0-only */
/* Never queue: the first usable server without an active connection; else the shortest expected delay. */
#ifndef SLUICE_SCHED_NQ_H
#define SLUICE_SCHED_NQ_H

#include "walk.h"

static long nq_step(__u32 i, struct least_walk *walk)
{
	struct server *server = least_server(walk);
	__u32 weight;

	(void)i;
	if (!server)
		return 1;
	weight = usable_weight(server);
	if (weight) {
		if (!server->active) {
			walk->pick = walk->at;
			return 1;
		}
		least_consider(walk, (__u64)(__u32)server->active + 1, weight);
	}
	walk->at = server->next;
	return 0;
}

LEAST_SCHEDULE(schedule_nq, nq_step)

#endif
