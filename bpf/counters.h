/* SPDX-License-Identifier: GPL-2.0-only */
/* Counting: by service and server, and by the reason of a drop. Each CPU writes its own entries, so nothing is locked. */
#ifndef SLUICE_COUNTERS_H
#define SLUICE_COUNTERS_H

#include "maps.h"
#include "packet.h"

always_inline struct counters *counters_of(__u32 cpu, __u32 slot)
{
	__u32 index = cpu * (MAX_SERVICES + MAX_SERVERS) + slot;

	return bpf_map_lookup_elem(&counters, &index);
}

always_inline void count_one(struct counters *c, __u32 bytes, const int out)
{
	if (!c)
		return;
	if (out) {
		c->out_packets++;
		c->out_bytes += bytes;
	} else {
		c->in_packets++;
		c->in_bytes += bytes;
	}
}

/* Counts a client's packet on the server in slot `slot`, which is live, and on its service. */
always_inline void count_in(struct server *server, __u32 slot, __u32 bytes)
{
	__u32 cpu = bpf_get_smp_processor_id();

	count_one(counters_of(cpu, MAX_SERVICES + slot), bytes, 0);
	count_one(counters_of(cpu, server->service), bytes, 0);
}

/* The same of a server's packet. A deleted server's are not counted, nor on its service: as in IPVS. */
always_inline void count_out(struct server *server, __u32 slot, __u32 bytes)
{
	__u32 cpu = bpf_get_smp_processor_id();

	if (server->slot_state != SLUICE_SLOT_LIVE)
		return;
	count_one(counters_of(cpu, MAX_SERVICES + slot), bytes, 1);
	count_one(counters_of(cpu, server->service), bytes, 1);
}

always_inline void count_connection(__u32 service, __u32 server)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct counters *c;

	c = counters_of(cpu, MAX_SERVICES + server);
	if (c)
		c->connections++;
	c = counters_of(cpu, service);
	if (c)
		c->connections++;
}

always_inline void tally(__u32 what)
{
	__u32 index = bpf_get_smp_processor_id() * TALLIES + what;
	__u64 *n = bpf_map_lookup_elem(&tallies, &index);

	if (n)
		(*n)++;
}

always_inline int drop(enum sluice_drop reason)
{
	tally(reason);
	return VERDICT_DROP;
}

always_inline void event(enum sluice_event what)
{
	tally(EVENT_TALLY + what);
}

#endif
