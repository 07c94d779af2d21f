/* SPDX-License-Identifier: GPL-2.0-only */
/* Which virtual service a packet is for, in IPVS's order. */
#ifndef SLUICE_SERVICE_H
#define SLUICE_SERVICE_H

#include "mark.h"
#include "sched/walk.h"

/* Ports from here on are those of FTP's passive data connections. */
#define UNPRIVILEGED_PORT 1024

always_inline __u32 service_indexed(const struct service_key *key)
{
	__u32 *slot = bpf_map_lookup_elem(&service_index, key);

	return slot ? *slot : 0;
}

/*
 * By firewall mark; by protocol, address and port; an FTP service for what may be its data; a service of every port. The
 * rare ones are looked for only where there are any. 0: none.
 */
always_inline __u32 service_find(hook_ctx *ctx, const struct packet *p)
{
	const struct settings *s = settings_get();
	struct service_key key = {};
	__u32 slot;

	if (!s)
		return 0;
	key.family = p->flow.family;
	if (s->mark_services) {
		key.fwmark = packet_mark(ctx, p);
		slot = key.fwmark ? service_indexed(&key) : 0;
		if (slot)
			return slot;
		key.fwmark = 0;
	}
	__builtin_memcpy(key.address, p->flow.daddr, sizeof(key.address));
	key.protocol = p->flow.protocol;
	key.port = p->flow.dport;
	slot = service_indexed(&key);
	if (slot)
		return slot;
	if (s->ftp_services && p->flow.protocol == IPPROTO_TCP &&
	    (p->flow.dport == bpf_htons(FTP_DATA_PORT) || bpf_ntohs(p->flow.dport) >= UNPRIVILEGED_PORT)) {
		key.port = bpf_htons(FTP_PORT);
		slot = service_indexed(&key);
		if (slot)
			return slot;
	}
	if (!s->portless_services)
		return 0;
	key.port = 0;
	return service_indexed(&key);
}

#endif
