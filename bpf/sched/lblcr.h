/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locality-based least connections with replication: a destination address has a set of servers, of which the least loaded
 * gets the connection; when even that one has too much while another server is half idle, the set takes in one more. A
 * set that has not changed for long loses its most loaded server.
 */
#ifndef SLUICE_SCHED_LBLCR_H
#define SLUICE_SCHED_LBLCR_H

#include "locality.h"

struct set_walk {
	const struct locality *locality;
	__u64 pick; /* as an entry names it */
	__u64 cost;
	__u64 weight;
};

always_inline __u64 set_member(const struct locality *locality, __u32 i)
{
	return i < LOCALITY_SERVERS ? *(const volatile __u64 *)&locality->server[i] : 0;
}

/* Server by server: left to itself the compiler takes the whole set to the stack and back, on which it has no room. */
always_inline void set_move(struct locality *locality, __u32 to, __u32 from)
{
	*(volatile __u64 *)&locality->server[to] = *(volatile __u64 *)&locality->server[from];
}

static long set_least_step(__u32 i, struct set_walk *walk)
{
	__u64 name = set_member(walk->locality, i), weight;
	struct server *server;

	if (!name)
		return 1;
	server = locality_server(name);
	weight = server ? usable_weight(server) : 0;
	if (weight && (!walk->pick || walk->cost * weight > overhead(server) * walk->weight)) {
		walk->pick = name;
		walk->cost = overhead(server);
		walk->weight = weight;
	}
	return 0;
}

static long set_most_step(__u32 i, struct set_walk *walk)
{
	__u64 name = set_member(walk->locality, i), weight;
	struct server *server;

	if (!name)
		return 1;
	server = locality_server(name);
	weight = server ? server_options_get(server)->weight : 0;
	if (weight && (!walk->pick || walk->cost * weight < overhead(server) * walk->weight)) {
		walk->pick = name;
		walk->cost = overhead(server);
		walk->weight = weight;
	}
	return 0;
}

/* What `step` finds in the set, as an entry names it; 0: nothing. */
#define set_walk(set, step, any)                                                                                       \
	({                                                                                                             \
		struct set_walk walk_ = { .locality = (set) };                                                         \
                                                                                                                       \
		walk_.pick = walk_.cost = walk_.weight = zero_unknown(any);                                            \
		bpf_loop(LOCALITY_SERVERS, step, &walk_, 0);                                                           \
		walk_.pick;                                                                                            \
	})

/* Takes a server into the set, as its first; where it is one already, nothing. A set that is full loses its last. */
always_inline void set_insert(struct locality *locality, __u64 name, __u64 now)
{
	int known = 0;

	bpf_spin_lock(&locality->lock);
	for (int i = 0; i < LOCALITY_SERVERS; i++)
		known |= set_member(locality, i) == name;
	if (!known) {
		for (int i = LOCALITY_SERVERS - 1; i > 0; i--)
			set_move(locality, i, i - 1);
		locality->server[0] = name;
		if (locality->count < LOCALITY_SERVERS)
			locality->count++;
		locality->modified = now;
	}
	bpf_spin_unlock(&locality->lock);
}

always_inline void set_erase(struct locality *locality, __u64 name, __u64 now)
{
	int found = 0;

	bpf_spin_lock(&locality->lock);
	for (int i = 0; i < LOCALITY_SERVERS - 1; i++) {
		found |= set_member(locality, i) == name;
		if (found)
			set_move(locality, i, i + 1);
	}
	found |= locality->server[LOCALITY_SERVERS - 1] == name;
	if (found) {
		locality->server[LOCALITY_SERVERS - 1] = 0;
		locality->count--;
		locality->modified = now;
	}
	bpf_spin_unlock(&locality->lock);
}

/* The least loaded server of the destination's set; 0: none is usable, or that one has too much. */
verified_apart __u32 lblcr_known(__u32 slot, const struct pick_for *who)
{
	struct service *service = service_get(slot);
	struct locality *locality;
	struct locality_key key;
	struct server *server;
	__u64 now, least, most;

	if (!service || !who)
		return 0;
	locality_key(&key, service, slot, who);
	locality = bpf_map_lookup_elem(&localities, &key);
	if (!locality)
		return 0;
	now = bpf_ktime_get_coarse_ns();
	locality->used = now;
	least = set_walk(locality, set_least_step, now);
	/* a set that has stood still for long loses its most loaded server */
	if (locality->count > 1 &&
	    (__s64)(now - locality->modified) > locality_lifetime(SLUICE_SCHEDULER_LBLCR)) {
		most = set_walk(locality, set_most_step, now);
		if (most)
			set_erase(locality, most, now);
	}
	server = least ? server_get((__u32)least) : NULL;
	return server && !locality_overloaded(service, server) ? (__u32)least : 0;
}

verified_apart int lblcr_remember(__u32 slot, const struct pick_for *who, __u32 pick)
{
	struct service *service = service_get(slot);
	__u64 name = locality_name(pick);
	struct locality *locality;
	struct locality_key key;

	if (!service || !who || !name)
		return 0;
	locality_key(&key, service, slot, who);
	locality = locality_get(service, &key);
	if (locality)
		set_insert(locality, name, locality->used);
	return 0;
}

/* In three parts, one after the other: one within the other would be too deep a stack. */
always_inline __u32 schedule_lblcr(__u32 slot, const struct pick_for *who)
{
	__u32 pick = lblcr_known(slot, who);

	if (pick)
		return pick;
	pick = schedule_wlc(slot);
	if (pick)
		lblcr_remember(slot, who, pick);
	return pick;
}

#endif
