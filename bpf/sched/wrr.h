/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Weighted round robin: rounds of falling weight, from the highest down by the greatest common divisor; a server is used
 * in every round whose weight its own reaches. The control plane keeps highest weight and divisor in the service.
 */
#ifndef SLUICE_SCHED_WRR_H
#define SLUICE_SCHED_WRR_H

#include "walk.h"

struct wrr_walk {
	__u32 at;
	__u32 last; /* where the walk began; 0: list head */
	__u32 stop; /* where the last round ends; 0: not known yet */
	__u32 head;
	__s32 weight; /* the round's */
	__s32 max;
	__s32 step;
	__u32 best; /* highest usable weight seen in this round */
	__u8 whole; /* this round began at the list head */
	__u8 last_pass;
	__u8 restarted;
	__u32 pick;
};

static long wrr_step(__u32 i, struct wrr_walk *walk)
{
	struct server *server;
	__u32 weight;
	__s32 next;

	(void)i;
	server = walk->at ? server_get(walk->at) : NULL;
	walk->at = server ? server->next : walk->head;
	if (walk->at) {
		server = server_get(walk->at);
		if (!server)
			return 1;
		weight = usable_weight(server);
		if (weight && weight >= (__u32)walk->weight) {
			walk->pick = walk->at;
			return 1;
		}
		if (weight > walk->best)
			walk->best = weight;
		return walk->stop && walk->at == walk->stop;
	}
	/* Round's end. A whole round knows the highest usable weight: the rounds above it would find nobody, so skip them. */
	next = walk->weight - walk->step;
	if (walk->whole && walk->step > 0 && next > (__s32)walk->best)
		walk->weight -= (__u32)(next - (__s32)walk->best - 1) / (__u32)walk->step * (__u32)walk->step;
	walk->weight -= walk->step;
	if (walk->weight <= 0) {
		walk->weight = walk->max;
		if (walk->last_pass || !walk->last)
			return 1;
		walk->restarted = 1;
	}
	walk->last_pass = walk->weight <= walk->step;
	if (walk->last_pass && walk->restarted && walk->last)
		walk->stop = walk->last;
	walk->whole = 1;
	walk->best = 0;
	return !walk->head;
}

/* Rounds are few once empty ones are skipped: at most one per distinct weight, but an edit may change weights meanwhile. */
#define WRR_STEPS (1 << 20)

verified_apart __u32 wrr_attempt(__u32 slot)
{
	struct service *service = service_get(slot);
	struct wrr_walk walk = {};
	__u64 cursor, moved, wrr;

	if (!service)
		return 0;
	cursor = *(volatile __u64 *)&service->cursor;
	wrr = *(volatile __u64 *)&service->wrr;
	walk.head = service->head;
	walk.stop = walk.best = walk.last_pass = walk.restarted = walk.pick = zero_unknown(cursor);
	walk.max = wrr >> 32;
	walk.step = (__u32)wrr;
	if (!walk.max)
		return 0;
	walk.at = walk.last = cursor_server(cursor, slot);
	walk.whole = !walk.last;
	walk.weight = cursor >> 32;
	if (walk.weight <= 0 || walk.weight > walk.max)
		walk.weight = walk.max;
	bpf_loop(WRR_STEPS, wrr_step, &walk, 0);
	moved = (__u64)(__u32)walk.weight << 32 | walk.at;
	return __sync_val_compare_and_swap(&service->cursor, cursor, moved) == cursor ? walk.pick : CONTENDED;
}

always_inline __u32 schedule_wrr(__u32 slot)
{
	for (int i = 0; i < CURSOR_RETRIES; i++) {
		__u32 pick = wrr_attempt(slot);

		if (pick != CONTENDED)
			return pick;
	}
	event(SLUICE_EVENT_CURSOR_RETRIES);
	return schedule_first(slot);
}

#endif
