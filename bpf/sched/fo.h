/* SPDX-License-Identifier: GPL-2.0-only */
/* Failover: the usable server of the highest weight. */
#ifndef SLUICE_SCHED_FO_H
#define SLUICE_SCHED_FO_H

#include "walk.h"

static long fo_step(__u32 i, struct least_walk *walk)
{
	struct server *server = least_server(walk);
	__u32 weight;

	(void)i;
	if (!server)
		return 1;
	weight = usable_weight(server);
	/* the least cost for its weight, the cost being the same for all */
	if (weight)
		least_consider(walk, 1, weight);
	walk->at = server->next;
	return 0;
}

LEAST_SCHEDULE(schedule_fo, fo_step)

#endif
