/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Full NAT: which local address and port a new connection gets. The claim is the insertion of the connection's reply
 * flow, so two CPUs cannot have the same one, and a port is free exactly when its flow is. The same port serves
 * connections to any number of servers.
 */
#ifndef SLUICE_LOCAL_H
#define SLUICE_LOCAL_H

#include "connection.h"

/* Tries at random; then in a row, where connections that are over make way. */
#define LOCAL_RANDOM_TRIES 128
#define LOCAL_ROW_TRIES 128

/*
 * Tries to claim the place number `index` of the pool for a connection that is being made. Returns 0: it is taken; 1: it
 * is the connection's now; else the reference of a connection that is over and has it.
 */
always_inline __u32 local_attempt(__u32 ref, __u32 index)
{
	struct connection *c = connection_get(ref), *old;
	struct local_address *local;
	struct flow_entry entry = {}, *there;
	struct service *service;
	struct server *server;
	struct settings *s = settings_get();
	struct flow reply;
	__u32 count = 0, low, high, slot, place;

	if (!c || !s)
		return 0;
	server = server_get(c->server);
	service = server ? bpf_map_lookup_elem(&services, &server->service) : NULL;
	if (!service)
		return 0;
	for (int i = 0; i < SERVICE_LOCALS; i++) {
		if (!service->locals[i])
			break;
		count++;
	}
	if (!count)
		return 0;
	low = s->local_port_low;
	high = s->local_port_high;
	if (!low || high < low)
		return 0;
	place = index % count;
	/* the compiler knows that this is less than SERVICE_LOCALS, the verifier does not */
	asm volatile("" : "+r"(place));
	slot = service->locals[place & (SERVICE_LOCALS - 1)];
	/* FTP: servers take a data connection from nobody but the control connection's client */
	old = c->parent ? connection_get(reference(c->family, c->parent)) : NULL;
	if (old && old->kind == SLUICE_KIND_FLOW && old->method == SLUICE_METHOD_FULLNAT)
		slot = old->local;
	local = slot ? local_get(slot) : NULL;
	if (!local || local->family != c->family)
		return 0;
	__builtin_memset(&reply, 0, sizeof(reply));
	reply.family = c->family;
	reply.protocol = c->protocol;
	reply.kind = c->kind;
	reply.sport = c->dport;
	reply.dport = bpf_htons(low + index / count % (high - low + 1));
	__builtin_memcpy(reply.saddr, server->address, sizeof(reply.saddr));
	__builtin_memcpy(reply.daddr, local->address, sizeof(reply.daddr));
	there = flow_find(&reply);
	if (there) {
		if ((there->tag & 1) != SLUICE_SIDE_REPLY)
			return 0;
		old = connection_of(reply.family, there);
		return old && connection_is_over(old) ? reference(reply.family, there->connection) : 0;
	}
	entry.connection = ref >> REFERENCE_SHIFT;
	entry.tag = c->generation << 1 | SLUICE_SIDE_REPLY;
	if (flow_insert(&reply, &entry))
		return 0;
	c->local = slot;
	c->lport = reply.dport;
	__sync_fetch_and_add(&local->connections, 1);
	return 1;
}

struct local_search {
	__u32 ref;
	__u32 start;
	__u32 found;
	__u32 over; /* a connection that may make way, and the place that it has */
	__u32 place;
};

verified_apart __u32 local_try(__u32 ref, __u32 index)
{
	return local_attempt(ref, index);
}

static long local_step(__u32 i, struct local_search *search)
{
	__u32 index = i < LOCAL_RANDOM_TRIES ? bpf_get_prandom_u32() : search->start + i, got;

	got = local_attempt(search->ref, index);
	search->found = got == 1;
	if (got > 1 && i >= LOCAL_RANDOM_TRIES) {
		search->over = got;
		search->place = index;
		return 1;
	}
	return search->found;
}

/* Gives a connection that is being made its local address and port. False: all that was tried is taken. */
always_inline int local_claim(__u32 ref)
{
	struct local_search search = { ref, bpf_get_prandom_u32(), 0, 0, 0 };

	bpf_loop(LOCAL_RANDOM_TRIES + LOCAL_ROW_TRIES, local_step, &search, 0);
	/* not in the loop, for the sake of the stack's depth */
	if (search.over && connection_end(search.over))
		search.found = local_try(ref, search.place) == 1;
	return search.found;
}

#endif
