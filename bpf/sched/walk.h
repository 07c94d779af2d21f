/* SPDX-License-Identifier: GPL-2.0-only */
/* What every scheduler does: walk a service's servers, judge one, move the cursor. */
#ifndef SLUICE_SCHED_WALK_H
#define SLUICE_SCHED_WALK_H

#include "../server.h"
#include "pick.h"

/* Steps of one walk: two passes over as many servers as there can be. */
#define WALK_STEPS (2 * MAX_SERVERS + 2)
/* Attempts to move a cursor that other CPUs move too. */
#define CURSOR_RETRIES 16

/* What an attempt returns when another CPU moved the cursor meanwhile. No slot has this number. */
#define CONTENDED 0xffffffff

/* The weight that counts: 0 for a server that is overloaded or was deleted under our feet. */
always_inline __u32 usable_weight(const struct server *server)
{
	if (server->overloaded || server->slot_state != SLUICE_SLOT_LIVE)
		return 0;
	return server_options_get(server)->weight;
}

/* A connection's cost to a server: an active one weighs as much as 256 inactive ones. */
always_inline __u64 overhead(const struct server *server)
{
	return ((__u64)(__u32)server->active << 8) + (__u32)server->inactive;
}

/* Looking for the least of something along the list. */
struct least_walk {
	__u32 at;
	__u32 pick;
	__u64 least; /* the pick's cost */
	__u64 weight; /* the pick's */
};

/* Takes the server at hand if its cost for its weight is less than the pick's: strictly, so that the first wins a tie. */
always_inline void least_consider(struct least_walk *walk, __u64 cost, __u64 weight)
{
	/* cost / weight < least / walk->weight, without a division */
	if (!walk->pick || walk->least * weight > cost * walk->weight) {
		walk->pick = walk->at;
		walk->least = cost;
		walk->weight = weight;
	}
}

/* The server at hand; NULL: the list is at its end. */
always_inline struct server *least_server(const struct least_walk *walk)
{
	return walk->at ? server_get(walk->at) : NULL;
}

/* Walks the whole list with `step`; O(servers) a new connection, as exactness asks. */
#define LEAST_SCHEDULE(name, step)                                                                                     \
	verified_apart __u32 name(__u32 slot)                                                                          \
	{                                                                                                              \
		struct service *service = service_get(slot);                                                           \
		struct least_walk walk = {};                                                                           \
                                                                                                                       \
		if (!service)                                                                                          \
			return 0;                                                                                      \
		walk.at = service->head;                                                                               \
		walk.pick = walk.least = walk.weight = zero_unknown(walk.at);                                          \
		bpf_loop(MAX_SERVERS, step, &walk, 0);                                                                 \
		return walk.pick;                                                                                      \
	}

/* A cursor may name a server that was deleted after the packet read the list: then it starts anew. */
always_inline __u32 cursor_server(__u32 slot, __u32 service)
{
	struct server *server = slot ? server_get(slot) : NULL;

	return server && server->slot_state == SLUICE_SLOT_LIVE && server->service == service ? slot : 0;
}

/* For a cursor that could not be had: any usable server is better than none. Here, the list's first, if it is one. */
always_inline __u32 schedule_first(__u32 slot)
{
	struct service *service = service_get(slot);
	struct server *server = service ? server_get(service->head) : NULL;

	return server && usable_weight(server) ? service->head : 0;
}

#endif
