/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What lblc and lblcr remember of a destination address: the servers that its connections went to. Packets write it; once
 * a minute the keeper looks after it, and commands forget all of a service's at once by giving it a new stamp.
 */
#ifndef SLUICE_SCHED_LOCALITY_H
#define SLUICE_SCHED_LOCALITY_H

#include "../connection.h"
#include "../turn.h"
#include "wlc.h"

/* A service's entries: above this many the keeper removes the idle ones early; at half as many again none is added. */
#define LOCALITIES_WANTED 16384
#define LOCALITIES_LIMIT (LOCALITIES_WANTED + LOCALITIES_WANTED / 2)
/* How long an entry above that must have been idle. */
#define LOCALITY_IDLE (360 * SECOND)
#define KEEPER_PERIOD (60 * SECOND)
/* Every so many periods the entries are removed that were idle for as long as the sysctl says. */
#define KEEPER_FULL 30

/* An entry is added empty and then filled in: a whole one is too big for the stack. */
static const volatile __u8 locality_fresh[sizeof(struct locality)] = {};

always_inline struct locality_keeper *locality_keeper_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&locality_keeper, &zero);
}

always_inline void locality_count(struct service *service, __s32 change)
{
	struct locality_keeper *keeper = locality_keeper_get();

	__sync_fetch_and_add(&service->cached, change);
	if (keeper)
		__sync_fetch_and_add(&keeper->entries, (__s64)change);
}

always_inline void locality_key(struct locality_key *key, const struct service *service, __u32 slot,
				const struct pick_for *who)
{
	key->address[0] = who->daddr[0];
	key->address[1] = who->daddr[1];
	key->address[2] = who->daddr[2];
	key->address[3] = who->daddr[3];
	key->service = slot;
	key->stamp = *(const volatile __u32 *)&service->cache_stamp;
}

/* A destination's entry, used just now, and new where there was none; NULL: there is no room, and the pick counts just this once. */
always_inline struct locality *locality_get(struct service *service, struct locality_key *key)
{
	struct locality *locality = bpf_map_lookup_elem(&localities, key);

	if (!locality) {
		if (service->cached >= LOCALITIES_LIMIT)
			return NULL;
		if (!bpf_map_update_elem(&localities, key, (const void *)locality_fresh, BPF_NOEXIST))
			locality_count(service, 1);
		locality = bpf_map_lookup_elem(&localities, key);
	}
	if (locality)
		locality->used = bpf_ktime_get_coarse_ns();
	return locality;
}

/* A server as an entry names it. */
always_inline __u64 locality_name(__u32 slot)
{
	const struct server *server = slot ? server_get(slot) : NULL;

	return server ? (__u64)server->stamp << 32 | slot : 0;
}

/* The server that an entry names, if its slot is still that server's; it may be in the trash. */
always_inline struct server *locality_server(__u64 name)
{
	struct server *server = (__u32)name ? server_get((__u32)name) : NULL;

	return server && server->stamp == name >> 32 ? server : NULL;
}

struct relief_walk {
	__u32 at;
	__u32 found;
};

static long relief_step(__u32 i, struct relief_walk *walk)
{
	const struct server *server = walk->at ? server_get(walk->at) : NULL;

	(void)i;
	if (!server)
		return 1;
	if ((__s64)server->active * 2 < (__s64)server_options_get(server)->weight) {
		walk->found = 1;
		return 1;
	}
	walk->at = server->next;
	return 0;
}

/* More active connections than its weight, while another server has less than half of its own. */
always_inline int locality_overloaded(const struct service *service, const struct server *server)
{
	struct relief_walk walk = { .at = service->head };

	if ((__s64)server->active <= (__s64)server_options_get(server)->weight)
		return 0;
	bpf_loop(MAX_SERVERS, relief_step, &walk, 0);
	return walk.found;
}

/* Nanoseconds that a scheduler's entries live unused. */
always_inline __s64 locality_lifetime(__u32 scheduler)
{
	const struct settings *s = settings_get();
	__s32 seconds;

	if (!s)
		return 0;
	seconds = scheduler == SLUICE_SCHEDULER_LBLC ? s->sysctl[SLUICE_SYSCTL_LBLC_EXPIRATION] :
						       s->sysctl[SLUICE_SYSCTL_LBLCR_EXPIRATION];
	return seconds * (__s64)SECOND;
}

struct keeper_walk {
	__u64 now;
	__u32 full;
};

static long keeper_step(void *map, struct locality_key *entry, struct locality *locality, struct keeper_walk *walk)
{
	struct locality_key key = *entry;
	__s64 idle = walk->now - *(volatile __u64 *)&locality->used;
	struct service *service = service_get(key.service);
	struct locality_keeper *keeper;
	__u32 scheduler;

	(void)map;
	if (!service)
		return 0;
	if (service->slot_state != SLUICE_SLOT_LIVE || service->cache_stamp != key.stamp) {
		/* an earlier service's, or an earlier scheduler's: counted here alone */
		keeper = locality_keeper_get();
		if (!bpf_map_delete_elem(&localities, &key) && keeper)
			__sync_fetch_and_add(&keeper->entries, -1);
		return 0;
	}
	scheduler = service_options_get(service)->scheduler;
	if (walk->full ? idle < locality_lifetime(scheduler) :
			 service->cached <= LOCALITIES_WANTED || idle < (__s64)LOCALITY_IDLE)
		return 0;
	if (!bpf_map_delete_elem(&localities, &key))
		locality_count(service, -1);
	return 0;
}

/* One minute's work, at the time that it is `now`. */
always_inline void keeper_tick(struct locality_keeper *keeper, __u64 now)
{
	struct keeper_walk walk = { .now = now };

	keeper->ticks++;
	walk.full = keeper->ticks % KEEPER_FULL == 0;
	if (keeper->entries)
		bpf_for_each_map_elem(&localities, keeper_step, &walk, 0);
}

static int keeper_timer(void *map, __u32 *key, struct locality_keeper *keeper)
{
	(void)map;
	(void)key;
	if (turn_idles(&keeper->timer))
		return 0;
	keeper_tick(keeper, bpf_ktime_get_ns());
	bpf_timer_start(&keeper->timer, KEEPER_PERIOD, 0);
	return 0;
}

/* Starts the keeper; returns what the timer's functions say. */
always_inline long locality_start(void)
{
	struct locality_keeper *keeper = locality_keeper_get();
	long rc;

	if (!keeper)
		return 1;
	rc = bpf_timer_init(&keeper->timer, &locality_keeper, CLOCK_MONOTONIC);
	/* the loader asks again when there was no memory for one of the timers */
	if (rc && rc != -16 /* EBUSY */)
		return rc;
	rc = bpf_timer_set_callback(&keeper->timer, keeper_timer);
	return rc ? rc : bpf_timer_start(&keeper->timer, KEEPER_PERIOD, 0);
}

/* One of the keeper's minutes, for tests. */
SEC("tc")
int sluice_keeper(struct __sk_buff *ctx)
{
	struct locality_keeper *keeper = locality_keeper_get();

	(void)ctx;
	if (keeper)
		keeper_tick(keeper, bpf_ktime_get_ns());
	return 0;
}

#endif
