/* SPDX-License-Identifier: GPL-2.0-only */
/* Destination hashing: one server a destination address, whatever the weights; none while that one is not usable. */
#ifndef SLUICE_SCHED_DH_H
#define SLUICE_SCHED_DH_H

#include "buckets.h"

verified_apart __u32 schedule_dh(__u32 slot, const struct pick_for *who)
{
	struct service *service = service_get(slot);
	struct bucket_walk walk = {};
	struct server *server;
	__u32 pick;

	if (!service || !who)
		return 0;
	walk.head = service->head;
	pick = bucket_server(&walk, hash_upper(fold_address(who->daddr), BUCKET_BITS));
	server = pick ? server_get(pick) : NULL;
	return server && usable_weight(server) ? pick : 0;
}

#endif
