/* SPDX-License-Identifier: GPL-2.0-only */
/* Round robin: the next usable server after the one used last. */
#ifndef SLUICE_SCHED_RR_H
#define SLUICE_SCHED_RR_H

#include "walk.h"

struct rr_walk {
	__u32 at;
	__u32 last;
	__u32 head;
	__u32 passes;
	__u32 pick;
};

static long rr_step(__u32 i, struct rr_walk *walk)
{
	struct server *server;

	(void)i;
	server = walk->at ? server_get(walk->at) : NULL;
	walk->at = server ? server->next : walk->head;
	if (!walk->at) {
		/* the end: once around from the middle, and no further than where it began */
		walk->passes++;
		return walk->passes == 2 || !walk->last || !walk->head;
	}
	server = server_get(walk->at);
	if (!server)
		return 1;
	if (usable_weight(server)) {
		walk->pick = walk->at;
		return 1;
	}
	return walk->at == walk->last;
}

verified_apart __u32 rr_attempt(__u32 slot)
{
	struct service *service = service_get(slot);
	struct rr_walk walk = {};
	__u64 cursor;

	if (!service)
		return 0;
	cursor = *(volatile __u64 *)&service->cursor;
	walk.head = service->head;
	walk.passes = walk.pick = zero_unknown(cursor);
	walk.at = walk.last = cursor_server(cursor, slot);
	bpf_loop(WALK_STEPS, rr_step, &walk, 0);
	if (!walk.pick)
		return 0;
	return __sync_val_compare_and_swap(&service->cursor, cursor, (__u64)walk.pick) == cursor ? walk.pick : CONTENDED;
}

always_inline __u32 schedule_rr(__u32 slot)
{
	for (int i = 0; i < CURSOR_RETRIES; i++) {
		__u32 pick = rr_attempt(slot);

		if (pick != CONTENDED)
			return pick;
	}
	event(SLUICE_EVENT_CURSOR_RETRIES);
	return schedule_first(slot);
}

#endif
