/* SPDX-License-Identifier: GPL-2.0-only */
/* Shortest expected delay: as if the new connection were there already, active connections alone, for the weight. */
#ifndef SLUICE_SCHED_SED_H
#define SLUICE_SCHED_SED_H

#include "walk.h"

static long sed_step(__u32 i, struct least_walk *walk)
{
	struct server *server = least_server(walk);
	__u32 weight;

	(void)i;
	if (!server)
		return 1;
	weight = usable_weight(server);
	if (weight)
		least_consider(walk, (__u64)(__u32)server->active + 1, weight);
	walk->at = server->next;
	return 0;
}

LEAST_SCHEDULE(schedule_sed, sed_step)

#endif
