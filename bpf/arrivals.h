/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that another director told of. The control plane writes them into the array of arrivals and runs
 * sluice_arrive; that they enter the table here, as those of packets do, leaves the table one writer.
 */
#ifndef SLUICE_ARRIVALS_H
#define SLUICE_ARRIVALS_H

#include "life.h"

/* Flags that an arrival brings; how its packets are forwarded is the server's to say. */
#define ARRIVAL_STATUS (SLUICE_STATUS_STATE_MASK | SLUICE_STATUS_INACTIVE)

/* Sets a connection's end; pulls it forward in the wheel where that is earlier than its next look. */
always_inline void arrival_expire(struct connection *c, __u32 ref, __u64 expires, __u64 now)
{
	__u64 ahead = wheel_ahead(expires, now);

	c->expires = expires;
	if (ahead < WHEEL_HORIZON && ahead < wheel_look(c, now))
		wheel_pull(ref, ahead);
}

always_inline void arrival_count(struct server *server, __u32 status, int up)
{
	if (status & SLUICE_STATUS_INACTIVE)
		__sync_fetch_and_add(&server->inactive, up);
	else
		__sync_fetch_and_add(&server->active, up);
}

/* Did the connection begin here, or have packets of it come here since it was told of? */
always_inline int arrival_is_ours(const struct connection *c, const struct arrival *a)
{
	return !(*(volatile __u32 *)&c->status & SLUICE_STATUS_TOLD) || c->in_packets != a->packets;
}

always_inline __u32 arrival_status(const struct arrival *a, int template)
{
	return template ? a->status & SLUICE_STATUS_STATE_MASK : a->status & ARRIVAL_STATUS;
}

/* A connection that is here already gets the state that it has there; a template its time. */
verified_apart __u32 arrival_update(__u32 ref, __u32 index)
{
	struct arrival *a = bpf_map_lookup_elem(&arrivals, &index);
	struct connection *c = connection_get(ref);
	struct server *server;
	__u32 status, next, seen, template;
	__u64 now;

	if (!a || !c)
		return SLUICE_ARRIVAL_FULL;
	server = server_get(c->server);
	if (!server)
		return SLUICE_ARRIVAL_NO_SERVER;
	template = c->kind == SLUICE_KIND_TEMPLATE;
	status = *(volatile __u32 *)&c->status;
	for (int i = 0; i < STATUS_RETRIES; i++) {
		if (!(status & SLUICE_STATUS_LIVE))
			return SLUICE_ARRIVAL_FULL;
		next = (status & ~ARRIVAL_STATUS) | arrival_status(a, template) | SLUICE_STATUS_TOLD;
		seen = __sync_val_compare_and_swap(&c->status, status, next);
		if (seen == status) {
			if (!template && (next ^ status) & SLUICE_STATUS_INACTIVE) {
				arrival_count(server, status, -1);
				arrival_count(server, next, 1);
			}
			break;
		}
		status = seen;
	}
	if (!template)
		c->in_packets = a->packets;
	now = bpf_ktime_get_coarse_ns();
	arrival_expire(c, ref, now + a->timeout * SECOND, now);
	return SLUICE_ARRIVAL_UPDATED;
}

/* A template that is not here: as template_make does it, for whoever comes first. */
verified_apart __u32 arrival_make_template(__u32 index)
{
	struct arrival *a = bpf_map_lookup_elem(&arrivals, &index);
	struct flow_entry entry;
	struct connection *t;
	struct server *server;
	struct flow flow;
	__u32 ref;
	__u64 now;

	if (!a)
		return SLUICE_ARRIVAL_FULL;
	server = server_get(a->server);
	if (!server || server->slot_state != SLUICE_SLOT_LIVE)
		return SLUICE_ARRIVAL_NO_SERVER;
	flow = a->request;
	ref = connection_take(flow.family);
	t = ref ? connection_get(ref) : NULL;
	if (!t)
		return SLUICE_ARRIVAL_FULL;
	connection_hold(t, ref, &flow, a->server);
	t->parent = a->lasts;
	t->in_packets = a->packets;
	t->dport = a->dport;
	t->method = server_options_get(server)->method;
	now = bpf_ktime_get_coarse_ns();
	t->expires = now + a->timeout * SECOND;
	if (!connection_place(t, ref, now, a->timeout)) {
		connection_abandon(t, ref);
		return SLUICE_ARRIVAL_FULL;
	}
	__sync_fetch_and_add(&server->persistent, 1);
	/* held until it can be found, and lives before that, so that whoever finds it can hold it */
	__sync_fetch_and_add(&t->children, 1);
	__sync_fetch_and_xor(&t->status, (SLUICE_STATUS_LIVE | SLUICE_STATUS_TOLD | arrival_status(a, 1)) ^
						 SLUICE_STATUS_HELD);
	entry.connection = ref >> REFERENCE_SHIFT;
	entry.tag = t->generation << 1 | SLUICE_SIDE_REQUEST;
	if (flow_insert(&flow, &entry)) {
		__sync_fetch_and_add(&server->persistent, -1);
		__sync_fetch_and_add(&t->children, -1);
		connection_abandon(t, ref);
		return SLUICE_ARRIVAL_FULL;
	}
	__sync_fetch_and_add(&t->children, -1);
	/* a record used before waits where its last connection left it */
	arrival_expire(t, ref, now + a->timeout * SECOND, now);
	return SLUICE_ARRIVAL_MADE;
}

/* A connection that is not here: as connection_make does it, in the state that it has there. */
verified_apart __u32 arrival_make(__u32 index)
{
	struct arrival *a = bpf_map_lookup_elem(&arrivals, &index);
	struct flow request, reply;
	struct flow_entry entry;
	struct connection *c;
	struct server *server;
	__u32 ref, held, status;
	__u64 now, expires;

	if (!a)
		return SLUICE_ARRIVAL_FULL;
	server = server_get(a->server);
	/* full NAT: nobody tells the local address and port by which the server knows the connection */
	if (!server || server->slot_state != SLUICE_SLOT_LIVE ||
	    server_options_get(server)->method == SLUICE_METHOD_FULLNAT)
		return SLUICE_ARRIVAL_NO_SERVER;
	request = a->request;
	ref = connection_take(request.family);
	c = ref ? connection_get(ref) : NULL;
	if (!c)
		return SLUICE_ARRIVAL_FULL;
	held = __sync_fetch_and_or(&c->status, SLUICE_STATUS_HELD);
	c->generation = (c->generation + 1) & 0x7fffffff;
	c->server = a->server;
	c->in_packets = a->packets;
	c->parent = 0;
	c->dport = a->dport;
	c->lport = 0;
	c->local = 0;
	c->method = server_options_get(server)->method;
	connection_name(c, ref, &request);
	entry.connection = ref >> REFERENCE_SHIFT;
	if (c->method == SLUICE_METHOD_MASQ) {
		connection_reply(c, server, &request, &reply);
		entry.tag = c->generation << 1 | SLUICE_SIDE_REPLY;
		/* what holds the server's side here is over there, or nobody could have told of this one */
		if (flow_insert(&reply, &entry) && !(connection_take_over(&reply) && !flow_insert(&reply, &entry))) {
			connection_abandon(c, ref);
			return SLUICE_ARRIVAL_OTHER;
		}
	}
	now = bpf_ktime_get_coarse_ns();
	expires = now + a->timeout * SECOND;
	c->expires = expires;
	if (!(held & SLUICE_STATUS_LINK0)) {
		__sync_fetch_and_or(&c->status, SLUICE_STATUS_LINK0);
		if (!wheel_put(c, ref, 0, wheel_place(expires, now, WHEEL_HORIZON))) {
			__sync_fetch_and_and(&c->status, ~SLUICE_STATUS_LINK0);
			goto undo;
		}
	}
	entry.tag = c->generation << 1 | SLUICE_SIDE_REQUEST;
	if (flow_insert(&request, &entry))
		goto undo;
	arrival_count(server, a->status, 1);
	server_judge_overload(server);
	status = SLUICE_STATUS_LIVE | SLUICE_STATUS_TOLD | (a->status & ARRIVAL_STATUS);
	if (c->method != SLUICE_METHOD_MASQ)
		status |= SLUICE_STATUS_NO_OUTPUT;
	__sync_fetch_and_xor(&c->status, status ^ SLUICE_STATUS_HELD);
	/* a record used before waits where its last connection left it */
	arrival_expire(c, ref, expires, now);
	return SLUICE_ARRIVAL_MADE;

undo:
	if (c->method == SLUICE_METHOD_MASQ)
		flow_delete(&reply);
	connection_abandon(c, ref);
	return SLUICE_ARRIVAL_FULL;
}

/* One arrival. */
verified_apart __u32 arrival_take(__u32 index)
{
	struct arrival *a = bpf_map_lookup_elem(&arrivals, &index);
	struct flow_entry *entry;
	struct connection *c;
	struct flow request;
	__u32 ref;

	if (!a)
		return SLUICE_ARRIVAL_FULL;
	request = a->request;
	entry = flow_find(&request);
	c = entry ? connection_of(request.family, entry) : NULL;
	if (c) {
		if ((entry->tag & 1) != SLUICE_SIDE_REQUEST)
			return SLUICE_ARRIVAL_OTHER;
		if (a->resync && arrival_is_ours(c, a))
			return SLUICE_ARRIVAL_OTHER;
		ref = reference(request.family, entry->connection);
		if (c->server == a->server && (c->dport == a->dport || request.kind == SLUICE_KIND_TEMPLATE))
			return arrival_update(ref, index);
		/* its clients have a server here: they keep it */
		if (request.kind == SLUICE_KIND_TEMPLATE)
			return SLUICE_ARRIVAL_OTHER;
		/* the end of one that was replaced there already does not end the one that is here */
		if (a->status & SLUICE_STATUS_INACTIVE)
			return SLUICE_ARRIVAL_OTHER;
		connection_end(ref);
	}
	return request.kind == SLUICE_KIND_TEMPLATE ? arrival_make_template(index) : arrival_make(index);
}

static long arrival_step(__u32 index, void *context)
{
	struct arrival *a = bpf_map_lookup_elem(&arrivals, &index);

	(void)context;
	if (!a || a->result != SLUICE_ARRIVAL_PENDING)
		return 1;
	a->result = arrival_take(index);
	return 0;
}

/* Run by the control plane: takes the arrivals from the first on, to one that is not pending. */
SEC("tc")
int sluice_arrive(struct __sk_buff *ctx)
{
	(void)ctx;
	bpf_loop(MAX_ARRIVALS, arrival_step, NULL, 0);
	return 0;
}

#endif
