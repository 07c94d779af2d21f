/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Source hashing: one server a client, each with a share by its weight. With sh-port a client's connections are told apart
 * by port; with sh-fallback a server that is not usable is replaced by another, always the same one.
 */
#ifndef SLUICE_SCHED_SH_H
#define SLUICE_SCHED_SH_H

#include "buckets.h"

verified_apart __u32 schedule_sh(__u32 slot, const struct pick_for *who)
{
	struct service *service = service_get(slot);
	struct bucket_walk walk = { .weighted = 1 };
	__u32 flags, bucket, key, pick;
	struct server *server;

	if (!service || !who)
		return 0;
	flags = service_options_get(service)->flags;
	key = fold_address(who->saddr);
	if (flags & SLUICE_SERVICE_FLAG_SCHED2)
		key += pick_port(who);
	bucket = hash_upper(key, BUCKET_BITS);
	walk.head = service->head;
	pick = bucket_server(&walk, bucket);
	server = pick ? server_get(pick) : NULL;
	if (!server)
		return 0;
	if (usable_weight(server))
		return pick;
	if (!(flags & SLUICE_SERVICE_FLAG_SCHED1))
		return 0;
	/* IPVS adds the hash to an offset that already begins at the hash: so the search begins at twice the bucket. */
	return bucket_search(&walk, 2 * bucket % BUCKETS);
}

#endif
