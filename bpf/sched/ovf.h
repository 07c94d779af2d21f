/* SPDX-License-Identifier: GPL-2.0-only */
/* Overflow: the highest weight among the usable servers that have no more active connections than their weight says. */
#ifndef SLUICE_SCHED_OVF_H
#define SLUICE_SCHED_OVF_H

#include "walk.h"

static long ovf_step(__u32 i, struct least_walk *walk)
{
	struct server *server = least_server(walk);
	__u32 weight;

	(void)i;
	if (!server)
		return 1;
	weight = usable_weight(server);
	if (weight && (__u32)server->active <= weight)
		least_consider(walk, 1, weight);
	walk->at = server->next;
	return 0;
}

LEAST_SCHEDULE(schedule_ovf, ovf_step)

#endif
