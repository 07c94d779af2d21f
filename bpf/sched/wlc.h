/* SPDX-License-Identifier: GPL-2.0-only */
/* Weighted least connections: the usable server with the least overhead for its weight. */
#ifndef SLUICE_SCHED_WLC_H
#define SLUICE_SCHED_WLC_H

#include "walk.h"

static long wlc_step(__u32 i, struct least_walk *walk)
{
	struct server *server = least_server(walk);
	__u32 weight;

	(void)i;
	if (!server)
		return 1;
	weight = usable_weight(server);
	if (weight)
		least_consider(walk, overhead(server), weight);
	walk->at = server->next;
	return 0;
}

LEAST_SCHEDULE(schedule_wlc, wlc_step)

#endif
