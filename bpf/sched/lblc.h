/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locality-based least connections: a destination address stays with the server that it had, until that one has more
 * active connections than its weight while another is half idle; then, and at first, weighted least connections chooses.
 */
#ifndef SLUICE_SCHED_LBLC_H
#define SLUICE_SCHED_LBLC_H

#include "locality.h"

/* The destination's server; 0: it has none that is usable and has not too much. */
verified_apart __u32 lblc_known(__u32 slot, const struct pick_for *who)
{
	struct service *service = service_get(slot);
	struct locality *locality;
	struct locality_key key;
	struct server *server;
	__u64 name;

	if (!service || !who)
		return 0;
	locality_key(&key, service, slot, who);
	locality = bpf_map_lookup_elem(&localities, &key);
	if (!locality)
		return 0;
	locality->used = bpf_ktime_get_coarse_ns();
	name = *(volatile __u64 *)&locality->server[0];
	server = locality_server(name);
	/* as in IPVS, a threshold that was reached does not count here */
	if (!server || server->slot_state != SLUICE_SLOT_LIVE || !server_options_get(server)->weight)
		return 0;
	return locality_overloaded(service, server) ? 0 : (__u32)name;
}

verified_apart int lblc_remember(__u32 slot, const struct pick_for *who, __u32 pick)
{
	struct service *service = service_get(slot);
	struct locality *locality;
	struct locality_key key;

	if (!service || !who)
		return 0;
	locality_key(&key, service, slot, who);
	locality = locality_get(service, &key);
	if (locality)
		*(volatile __u64 *)&locality->server[0] = locality_name(pick);
	return 0;
}

/* In three parts, one after the other: one within the other would be too deep a stack. */
always_inline __u32 schedule_lblc(__u32 slot, const struct pick_for *who)
{
	__u32 pick = lblc_known(slot, who);

	if (pick)
		return pick;
	pick = schedule_wlc(slot);
	if (pick)
		lblc_remember(slot, who, pick);
	return pick;
}

#endif
