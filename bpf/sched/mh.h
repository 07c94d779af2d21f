/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maglev hashing: one server a client, each with a share by its weight, and few clients move when a server comes or goes.
 * The control plane makes the lookup table (src/ipvs/maglev.ts) whenever servers or weights change. The flags are sh's.
 */
#ifndef SLUICE_SCHED_MH_H
#define SLUICE_SCHED_MH_H

#include "walk.h"

#define MAGLEV_KEY 2654435761u

/* The kernel may give a table's memory to another one as soon as it was replaced: a server of another service is no answer. */
always_inline int maglev_usable(const struct server *server, __u32 service)
{
	return server->service == service && usable_weight(server);
}

struct maglev_walk {
	const struct maglev *table;
	__u32 key;
	__u32 service;
	__u32 first; /* the place that the key has without an offset */
	__u32 pick;
};

always_inline __u32 maglev_place(__u32 key)
{
	return siphash_word(key, MAGLEV_KEY) % MAGLEV_SIZE;
}

/* Whose a place is, usable or not; 0: nobody's. The verifier does not see a remainder's bound, which the compiler does. */
always_inline __u32 maglev_server(const struct maglev *table, __u32 place)
{
	asm volatile("" : "+r"(place));
	return place < MAGLEV_SIZE ? table->server[place] : 0;
}

static long maglev_step(__u32 i, struct maglev_walk *walk)
{
	__u32 offset = (i + walk->first) % MAGLEV_SIZE, slot;
	struct server *server;

	slot = maglev_server(walk->table, maglev_place(walk->key + offset));
	server = slot ? server_get(slot) : NULL;
	if (!server)
		return 1;
	if (!maglev_usable(server, walk->service))
		return 0;
	walk->pick = slot;
	return 1;
}

verified_apart __u32 schedule_mh(__u32 slot, const struct pick_for *who)
{
	struct service *service = service_get(slot);
	const struct maglev *table = bpf_map_lookup_elem(&maglev, &slot);
	struct maglev_walk walk = {};
	struct server *server;
	__u32 flags, pick;

	if (!service || !who || !table)
		return 0;
	flags = service_options_get(service)->flags;
	walk.table = table;
	walk.service = slot;
	walk.key = fold_address(who->saddr);
	if (flags & SLUICE_SERVICE_FLAG_SCHED2)
		walk.key += pick_port(who);
	walk.first = maglev_place(walk.key);
	pick = maglev_server(table, walk.first);
	server = pick ? server_get(pick) : NULL;
	if (!server)
		return 0;
	if (maglev_usable(server, slot))
		return pick;
	if (flags & SLUICE_SERVICE_FLAG_SCHED1)
		bpf_loop(MAGLEV_SIZE, maglev_step, &walk, 0);
	return walk.pick;
}

#endif
