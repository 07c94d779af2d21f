/* SPDX-License-Identifier: GPL-2.0-only */
/* Least connections: the usable server with the least overhead, whatever its weight. */
#ifndef SLUICE_SCHED_LC_H
#define SLUICE_SCHED_LC_H

#include "walk.h"

static long lc_step(__u32 i, struct least_walk *walk)
{
	struct server *server = least_server(walk);
	__u32 weight;

	(void)i;
	if (!server)
		return 1;
	weight = usable_weight(server);
	if (weight)
		least_consider(walk, overhead(server), 1);
	walk->at = server->next;
	return 0;
}

LEAST_SCHEDULE(schedule_lc, lc_step)

#endif
