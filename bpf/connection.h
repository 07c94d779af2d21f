/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of connections: found, taken, ended. A record is free, or held by the CPU that writes it, or live. */
#ifndef SLUICE_CONNECTION_H
#define SLUICE_CONNECTION_H

#include "flow.h"
#include "server.h"

#define SECOND 1000000000ULL
#define CLOCK_MONOTONIC 1
#define STATUS_RETRIES 4 /* of a status word that other CPUs change at the same time */
#define EEXIST 17

/* A connection of either family in one word, as the wheel keeps it: see struct wheel_hand. 0: none. */
#define REFERENCE_LINK1 1
#define REFERENCE_INET6 2
#define REFERENCE_SHIFT 2

always_inline __u32 reference(__u32 family, __u32 id)
{
	return id << REFERENCE_SHIFT | (family == SLUICE_FAMILY_INET6 ? REFERENCE_INET6 : 0);
}

always_inline struct connection *connection_get(__u32 ref)
{
	__u32 id = ref >> REFERENCE_SHIFT;

	if (ref & REFERENCE_INET6)
		return bpf_map_lookup_elem(&connections6, &id);
	return bpf_map_lookup_elem(&connections4, &id);
}

/* The connection of a flow that was just found; NULL: it has ended, or another CPU is just writing it. */
always_inline struct connection *connection_of(__u32 family, const struct flow_entry *entry)
{
	struct connection *c = connection_get(reference(family, entry->connection));

	if (!c || c->generation != entry->tag >> 1 || !(*(volatile __u32 *)&c->status & SLUICE_STATUS_LIVE))
		return NULL;
	return c;
}

/* The client's packets. */
always_inline void connection_request(__u32 ref, const struct connection *c, struct flow *flow)
{
	__builtin_memset(flow, 0, sizeof(*flow));
	flow->family = c->family;
	flow->protocol = c->protocol;
	flow->kind = c->kind;
	flow->sport = c->cport;
	flow->dport = c->vport;
	if (ref & REFERENCE_INET6) {
		__u32 id = ref >> REFERENCE_SHIFT;
		const struct connection6 *wide = bpf_map_lookup_elem(&connections6, &id);

		if (!wide)
			return;
		__builtin_memcpy(flow->saddr, wide->caddr, sizeof(flow->saddr));
		__builtin_memcpy(flow->daddr, wide->vaddr, sizeof(flow->daddr));
	} else {
		flow->saddr[0] = c->caddr;
		flow->daddr[0] = c->vaddr;
	}
}

/* Are its packets rewritten in both directions? */
always_inline int connection_rewrites(const struct connection *c)
{
	return c->method == SLUICE_METHOD_MASQ || c->method == SLUICE_METHOD_FULLNAT;
}

/* Does the connection have a reply flow: does the director see the server's packets? With the others, if it is the client. */
always_inline int connection_returns(const struct connection *c)
{
	return connection_rewrites(c) || c->local;
}

always_inline struct local_address *local_get(__u32 slot)
{
	return bpf_map_lookup_elem(&local_addresses, &slot);
}

/*
 * The server's packets, before they are rewritten, of a connection whose request flow is given: to the client, with full
 * NAT to the director's local address; with direct routing and tunnels they come from the VIP.
 */
always_inline void connection_reply(const struct connection *c, const struct server *server, const struct flow *request,
				    struct flow *reply)
{
	__builtin_memset(reply, 0, sizeof(*reply));
	reply->family = request->family;
	reply->protocol = request->protocol;
	reply->kind = request->kind;
	reply->sport = c->dport;
	reply->dport = request->sport;
	if (connection_rewrites(c))
		__builtin_memcpy(reply->saddr, server->address, sizeof(reply->saddr));
	else
		__builtin_memcpy(reply->saddr, request->daddr, sizeof(reply->saddr));
	if (c->method == SLUICE_METHOD_FULLNAT) {
		const struct local_address *local = local_get(c->local);

		reply->dport = c->lport;
		if (local)
			__builtin_memcpy(reply->daddr, local->address, sizeof(reply->daddr));
	} else {
		__builtin_memcpy(reply->daddr, request->saddr, sizeof(reply->daddr));
	}
}

/* Is a SYN on this connection the start of another one (conn_reuse_mode 1)? */
always_inline int connection_is_over(const struct connection *c)
{
	__u32 state = c->status & SLUICE_STATUS_STATE_MASK;

	return state == SLUICE_STATE_TIME_WAIT || state == SLUICE_STATE_CLOSE || state == SLUICE_STATE_SCTP_CLOSED;
}

/* Takes a record that nobody uses. 0: there is none. */
always_inline __u32 connection_take(__u32 family)
{
	__u32 six = family == SLUICE_FAMILY_INET6, id = 0;
	struct watermark *w;

	w = bpf_map_lookup_elem(&watermarks, &six);
	if (!w)
		return 0;
	if (!(six ? bpf_map_pop_elem(&free6, &id) : bpf_map_pop_elem(&free4, &id))) {
		__sync_fetch_and_add(&w->used, 1);
		return reference(family, id);
	}
	/* looked at first, so that it passes the end by no more than one a CPU */
	if (*(volatile __u32 *)&w->top >= w->size)
		return 0;
	id = __sync_fetch_and_add(&w->top, 1);
	if (id >= w->size)
		return 0;
	__sync_fetch_and_add(&w->used, 1);
	return reference(family, id);
}

/*
 * Gives back a record that is no more live nor held. There is room for every one, and no program that could interrupt
 * this one on its CPU takes the list's lock, so it does not fail.
 */
always_inline void connection_free(__u32 ref)
{
	__u32 id = ref >> REFERENCE_SHIFT, six = ref & REFERENCE_INET6 ? 1 : 0;
	struct watermark *w = bpf_map_lookup_elem(&watermarks, &six);

	if (w)
		__sync_fetch_and_add(&w->used, -1);
	if (six)
		bpf_map_push_elem(&free6, &id, 0);
	else
		bpf_map_push_elem(&free4, &id, 0);
}

/* Full NAT: gives back the connection's share of its local address. Its port is free once its reply flow is gone. */
always_inline void local_leave(const struct connection *c)
{
	struct local_address *local = c->method == SLUICE_METHOD_FULLNAT && c->lport ? local_get(c->local) : NULL;

	if (local)
		__sync_fetch_and_add(&local->connections, -1);
}

/* The flags that belong to the record, whoever uses it: the wheel's. */
#define STATUS_LINKS (SLUICE_STATUS_LINK0 | SLUICE_STATUS_LINK1)

/* Deletes the key of a template of an engine while it is this entry's; it is in shared memory. */
always_inline void call_delete_of(const struct call_key *key, const struct flow_entry *entry)
{
	struct flow_entry *there = bpf_map_lookup_elem(&calls, key);

	if (there && there->connection == entry->connection && there->tag == entry->tag)
		bpf_map_delete_elem(&calls, key);
}

/* The end of a template, held by nobody: its count and its flow, which an invalid one has no more. */
always_inline void template_end(const struct connection *t, __u32 ref, const struct flow *flow)
{
	struct call_key *call;
	struct flow_entry entry = { ref >> REFERENCE_SHIFT, t->generation << 1 | SLUICE_SIDE_REQUEST };
	struct server *server = server_get(t->server);

	if (server)
		__sync_fetch_and_add(&server->persistent, -1);
	if (!t->lport) {
		flow_delete_of(flow, &entry);
		return;
	}
	call = bpf_map_lookup_elem(&call_names, &ref);
	if (call)
		call_delete_of(call, &entry);
	bpf_map_delete_elem(&call_names, &ref);
}

/*
 * Makes a live connection nobody's but the caller's, of several CPUs exactly one; `held` is the flag that it has from then
 * on, or 0. Returns the status that it had; 0: it was not live.
 */
always_inline __u32 connection_seize(struct connection *c, __u32 held)
{
	__u32 status = *(volatile __u32 *)&c->status, seen;

	for (int i = 0; i < STATUS_RETRIES; i++) {
		if (!(status & SLUICE_STATUS_LIVE))
			return 0;
		seen = __sync_val_compare_and_swap(&c->status, status, (status & STATUS_LINKS) | held);
		if (seen == status)
			return status;
		status = seen;
	}
	return 0;
}

/*
 * Ends a live connection. Gives back its count, its flows and its record. True for the one CPU that did. A template with
 * connections does not end.
 */
verified_apart int connection_end(__u32 ref)
{
	struct connection *c = connection_get(ref), *parent;
	struct flow request, reply;
	struct server *server;
	__u32 status, held, key = ref;

	if (!c)
		return 0;
	/* a template's record is not free before it is known that nobody took hold of it meanwhile */
	held = c->kind == SLUICE_KIND_TEMPLATE ? SLUICE_STATUS_HELD : 0;
	status = connection_seize(c, held);
	if (!status)
		return 0;
	if (status & SLUICE_STATUS_STREAM)
		bpf_map_delete_elem(&streams, &key);
	connection_request(ref, c, &request);
	if (held) {
		if (*(volatile __u32 *)&c->children) {
			/* the links' flags may have changed, the rest may not */
			__sync_fetch_and_xor(&c->status, (status & ~STATUS_LINKS) ^ SLUICE_STATUS_HELD);
			return 0;
		}
		template_end(c, ref, &request);
		__sync_fetch_and_and(&c->status, STATUS_LINKS);
		connection_free(ref);
		return 1;
	}
	server = server_get(c->server);
	if (server) {
		server_unbind(server, status);
		if (connection_returns(c)) {
			connection_reply(c, server, &request, &reply);
			flow_delete(&reply);
		}
	}
	local_leave(c);
	if (c->parent) {
		parent = connection_get(reference(c->family, c->parent));
		if (parent)
			__sync_fetch_and_add(&parent->children, -1);
	}
	flow_delete(&request);
	connection_free(ref);
	return 1;
}

#endif
