/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of 256 buckets that dh and sh look into, without the table: it is filled from the list of servers in a circle,
 * each taking some buckets in a row, so whose a bucket is follows from the list. Nothing is rebuilt when the list changes,
 * and a crash leaves nothing behind. A bucket costs a walk over as many servers as come before it, 256 at the most.
 */
#ifndef SLUICE_SCHED_BUCKETS_H
#define SLUICE_SCHED_BUCKETS_H

#include "walk.h"

#define BUCKET_BITS 8
#define BUCKETS (1u << BUCKET_BITS)

struct bucket_walk {
	__u32 head;
	__u32 at;
	__u32 weighted; /* a server takes as many buckets as its weight says, else one */
	__u32 before; /* buckets from where the walk is to the one that is looked for */
	__u32 passed; /* buckets of the servers passed in this round */
	__u32 room; /* buckets of the server at hand, from the one that is looked for */
	__u32 bucket; /* where the search for a usable server stands */
	__u32 searched;
	__u32 pick;
};

/* How many buckets a server takes: a quiesced one still has its own. */
always_inline __u32 bucket_room(const struct bucket_walk *walk, const struct server *server)
{
	__u32 weight = walk->weighted ? server_options_get(server)->weight : 1;

	return weight ? weight : 1;
}

static long bucket_step(__u32 i, struct bucket_walk *walk)
{
	struct server *server = walk->at ? server_get(walk->at) : NULL;
	__u32 room;

	(void)i;
	if (!server)
		return 1;
	room = bucket_room(walk, server);
	if (walk->before < room) {
		walk->room = room - walk->before;
		walk->pick = walk->at;
		return 1;
	}
	walk->before -= room;
	walk->passed += room;
	walk->at = server->next;
	if (!walk->at) {
		/* the round is over; those that lead to the bucket are all alike, except the last */
		walk->before %= walk->passed;
		walk->passed = 0;
		walk->at = walk->head;
	}
	return 0;
}

/* Whose a bucket is, usable or not; 0: there are no servers. */
always_inline __u32 bucket_server(struct bucket_walk *walk, __u32 bucket)
{
	walk->at = walk->head;
	walk->before = bucket;
	walk->passed = walk->room = walk->pick = zero_unknown(bucket);
	bpf_loop(BUCKETS + 1, bucket_step, walk, 0);
	return walk->pick;
}

static long bucket_search_step(__u32 i, struct bucket_walk *walk)
{
	struct server *server = walk->at ? server_get(walk->at) : NULL;
	__u32 room;

	(void)i;
	if (!server)
		return 1;
	if (usable_weight(server)) {
		walk->pick = walk->at;
		return 1;
	}
	room = walk->room ? walk->room : bucket_room(walk, server);
	walk->room = 0;
	if (room > BUCKETS - walk->bucket)
		room = BUCKETS - walk->bucket;
	walk->searched += room;
	walk->bucket += room;
	walk->at = server->next;
	if (walk->bucket == BUCKETS) {
		/* the table's end: its beginning is the list's */
		walk->bucket = 0;
		walk->at = 0;
	}
	if (!walk->at)
		walk->at = walk->head;
	return walk->searched >= BUCKETS;
}

/* The first usable server from a bucket on, once around the table; 0: none. */
always_inline __u32 bucket_search(struct bucket_walk *walk, __u32 bucket)
{
	if (!bucket_server(walk, bucket))
		return 0;
	walk->at = walk->pick;
	walk->bucket = bucket;
	walk->searched = walk->pick = zero_unknown(bucket);
	bpf_loop(BUCKETS + 1, bucket_search_step, walk, 0);
	return walk->pick;
}

#endif
