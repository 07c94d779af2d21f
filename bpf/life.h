/* SPDX-License-Identifier: GPL-2.0-only */
/* A connection's life: begun, begun again in the same record. */
#ifndef SLUICE_LIFE_H
#define SLUICE_LIFE_H

#include "local.h"
#include "progress.h"

/*
 * Does the old connection make way for the new one that a SYN or INIT begins? Under conn_reuse_mode 1 when it is over;
 * under 2 in FIN_WAIT too, where the server's packets are not seen; never one that counts on a template; and with
 * expire_nodest_conn when its server's weight is 0.
 */
verified_apart int connection_gives_way(__u32 ref)
{
	__u32 mode = sysctl_get(SLUICE_SYSCTL_CONN_REUSE_MODE), status;
	const struct connection *c = connection_get(ref);
	const struct server *server;

	if (!c)
		return 0;
	status = c->status;
	if (sysctl_get(SLUICE_SYSCTL_EXPIRE_NODEST_CONN)) {
		server = server_get(c->server);
		if (server && !server_options_get(server)->weight)
			return 1;
	}
	if (!mode || c->parent)
		return 0;
	return connection_is_over(c) || (mode & 2 && status & SLUICE_STATUS_NO_OUTPUT &&
					 (status & SLUICE_STATUS_STATE_MASK) == SLUICE_STATE_FIN_WAIT);
}

/* Frees the server's side of a new connection where an old one that is over still holds it. True: it is free now. */
always_inline int connection_take_over(const struct flow *reply)
{
	struct flow_entry *entry = flow_find(reply);
	struct connection *old;

	if (!entry)
		return 1;
	if ((entry->tag & 1) != SLUICE_SIDE_REPLY)
		return 0;
	old = connection_of(reply->family, entry);
	/* one that is not live is just being made, or just being removed, by another CPU */
	return old && connection_is_over(old) && connection_end(reference(reply->family, entry->connection));
}

#define FTP_PORT 21

/* A connection whose bytes may be changed gets its account. False: they are not, or there is no room: it goes without. */
verified_apart int stream_begin(__u32 ref)
{
	struct connection *c = connection_get(ref);
	struct stream stream = {};
	struct server *server;
	__u32 key = ref;

	server = c ? server_get(c->server) : NULL;
	if (!server)
		return 0;
	stream.generation = c->generation;
	if (c->method == SLUICE_METHOD_FULLNAT && c->family == SLUICE_FAMILY_INET6)
		return 0;
	if (c->method == SLUICE_METHOD_FULLNAT)
		stream.client_address = server_options_get(server)->client_address;
	stream.ftp = c->vport == bpf_htons(FTP_PORT) && !stream.client_address;
	return (stream.ftp || stream.client_address) && !bpf_map_update_elem(&streams, &key, &stream, BPF_ANY);
}

/* Gives up a record that is held. */
always_inline void connection_abandon(struct connection *c, __u32 ref)
{
	__sync_fetch_and_and(&c->status, STATUS_LINKS);
	connection_free(ref);
}

/* Writes whose connection a new record is. */
always_inline void connection_name(struct connection *c, __u32 ref, const struct flow *request)
{
	c->caddr = request->saddr[0];
	c->vaddr = request->daddr[0];
	c->cport = request->sport;
	c->vport = request->dport;
	c->protocol = request->protocol;
	c->family = request->family;
	c->kind = request->kind;
	if (ref & REFERENCE_INET6) {
		__u32 id = ref >> REFERENCE_SHIFT;
		struct connection6 *wide = bpf_map_lookup_elem(&connections6, &id);

		if (!wide)
			return;
		__builtin_memcpy(wide->caddr, request->saddr, sizeof(wide->caddr));
		__builtin_memcpy(wide->vaddr, request->daddr, sizeof(wide->vaddr));
	}
}

/* Begins to write a record that was taken. */
always_inline void connection_hold(struct connection *c, __u32 ref, const struct flow *request, __u32 server)
{
	__sync_fetch_and_or(&c->status, SLUICE_STATUS_HELD);
	c->generation = (c->generation + 1) & 0x7fffffff;
	c->server = server;
	c->in_packets = 0;
	c->lport = 0;
	c->local = 0;
	connection_name(c, ref, request);
}

/* Sees to it that the wheel has the record, `seconds` from now if it has not. False: it could not. */
always_inline int connection_place(struct connection *c, __u32 ref, __u64 now, __u32 seconds)
{
	if (*(volatile __u32 *)&c->status & SLUICE_STATUS_LINK0)
		return 1;
	__sync_fetch_and_or(&c->status, SLUICE_STATUS_LINK0);
	if (wheel_put(c, ref, 0, wheel_place(now + seconds * SECOND, now, WHEEL_HORIZON)))
		return 1;
	__sync_fetch_and_and(&c->status, ~SLUICE_STATUS_LINK0);
	return 0;
}

/* A connection that is held can be found, and lives from here on, counted as inactive. `syn`: so its stream begins. */
always_inline void connection_begin(struct connection *c, __u32 ref, struct server *server, int syn)
{
	__u32 status = SLUICE_STATUS_LIVE | SLUICE_STATUS_INACTIVE;

	server_bind(server);
	if (connection_rewrites(c) && c->protocol == IPPROTO_TCP && syn && stream_begin(ref))
		status |= SLUICE_STATUS_STREAM;
	if (c->protocol == IPPROTO_SCTP)
		status |= SLUICE_STATE_SCTP_NONE;
	else if (c->protocol != IPPROTO_TCP)
		status |= SLUICE_STATE_UDP;
	if (!connection_returns(c))
		status |= SLUICE_STATUS_NO_OUTPUT;
	/* the links' flags, which stand beside, are the wheel's */
	__sync_fetch_and_xor(&c->status, status ^ SLUICE_STATUS_HELD);
}

/* Beside a reference: the connection was made just now. */
#define MADE REFERENCE_LINK1
/* In place of a reference: full NAT found no local port, and nothing was tallied. */
#define NO_LOCAL_PORT REFERENCE_INET6

/*
 * Makes the packet's connection to a port of the server in slot `pick` (0: past all servers; `port_and_own`: with 1 << 16, if
 * the director is the client of a server that answers past it), counted as inactive; `parent` is its template or control
 * connection, which the caller holds, or 0. Returns its reference, with MADE unless another CPU made the same
 * connection meanwhile; 0, with the packet tallied: the table is full, or the server's side is taken.
 */
verified_apart __u32 connection_make(const struct packet *p, __u32 pick, __u32 port_and_own, __u32 parent)
{
	__u32 ref, refused = 0, timeout = DEFAULT_TIMEOUT, first = SLUICE_STATE_SYN_RECV;
	struct flow_entry entry, *there = NULL;
	struct flow request, reply;
	struct server *server;
	struct connection *c;
	struct settings *s;
	__u64 now;
	int rc;

	if (!p)
		return 0;
	server = server_get(pick);
	if (!server)
		return 0;
	request = p->flow;
	ref = connection_take(request.family);
	c = ref ? connection_get(ref) : NULL;
	if (!c)
		return tally(SLUICE_DROP_TABLE_FULL), 0;
	connection_hold(c, ref, &request, pick);
	c->parent = parent;
	c->dport = port_and_own & 0xffff;
	c->local = port_and_own >> 16;
	c->method = pick ? server_options_get(server)->method : SLUICE_METHOD_BYPASS;
	entry.connection = ref >> REFERENCE_SHIFT;
	/* The server's side is claimed first: no packet can come that way before the first one went out. */
	if (c->method == SLUICE_METHOD_FULLNAT) {
		if (!local_claim(ref)) {
			there = flow_find(&request);
			if (!there)
				refused = NO_LOCAL_PORT;
			goto other;
		}
		connection_reply(c, server, &request, &reply);
	} else if (connection_returns(c)) {
		connection_reply(c, server, &request, &reply);
		entry.tag = c->generation << 1 | SLUICE_SIDE_REPLY;
		rc = flow_insert(&reply, &entry);
		if (rc == -EEXIST) {
			there = flow_find(&request);
			if (there)
				goto other;
			if (connection_take_over(&reply))
				rc = flow_insert(&reply, &entry);
		}
		if (rc) {
			tally(rc == -EEXIST ? SLUICE_DROP_COLLISION : SLUICE_DROP_TABLE_FULL);
			goto other;
		}
	}
	now = bpf_ktime_get_coarse_ns();
	c->expires = now + DEFAULT_TIMEOUT * SECOND;
	if (request.protocol == IPPROTO_SCTP)
		first = SLUICE_STATE_SCTP_INIT;
	else if (request.protocol != IPPROTO_TCP)
		first = SLUICE_STATE_UDP;
	/* this very packet will give it its state and time: the first look is for that one */
	s = settings_get();
	if (s)
		timeout = s->timeout[first & 31];
	if (!connection_place(c, ref, now, timeout)) {
		tally(SLUICE_DROP_TABLE_FULL);
		goto undo;
	}
	entry.tag = c->generation << 1 | SLUICE_SIDE_REQUEST;
	rc = flow_insert(&request, &entry);
	if (rc) {
		there = flow_find(&request);
		if (!there)
			tally(SLUICE_DROP_TABLE_FULL);
		goto undo;
	}
	connection_begin(c, ref, server, p->syn);
	return ref | MADE;

undo:
	if (connection_returns(c))
		flow_delete(&reply);
	local_leave(c);
other:
	connection_abandon(c, ref);
	return there ? reference(request.family, there->connection) : refused;
}

/* The flow that a held connection has already is that of its next life. False: it is not there. */
always_inline int flow_renew(const struct flow *flow, __u32 ref, __u32 tag)
{
	struct flow_entry *entry = flow_find(flow);

	if (!entry || entry->connection != ref >> REFERENCE_SHIFT)
		return 0;
	entry->tag = tag;
	return 1;
}

/*
 * The client begins again on a connection that is over, with a SYN that was scheduled to port `dport` of the server in
 * slot `pick`, `parent` as for connection_make: the record stays, and so do the flows that the new connection has too,
 * which spares two deletions and two insertions. True: done. False: the old one is ended, or is left to connection_end,
 * and the new one is to be made.
 */
verified_apart int connection_renew(__u32 ref, __u32 pick, __u32 dport, __u32 parent)
{
	struct connection *c = connection_get(ref);
	struct server *old, *server = server_get(pick);
	struct flow request, reply;
	struct flow_entry entry;
	__u32 status, method;
	int kept;

	if (!c || !server || !pick)
		return 0;
	method = server_options_get(server)->method;
	/* what counts on another connection, or another one on it, on a local address, or on the director as its client, is not
	 * worth the trouble */
	if (c->parent || c->local || c->status & SLUICE_STATUS_STREAM || c->method >= SLUICE_METHOD_BYPASS ||
	    method >= SLUICE_METHOD_BYPASS)
		return 0;
	status = connection_seize(c, SLUICE_STATUS_HELD);
	if (!status)
		return 0;
	connection_request(ref, c, &request);
	old = server_get(c->server);
	if (old)
		server_unbind(old, status);
	kept = c->server == pick && c->dport == dport && c->method == method;
	if (!kept && old && c->method == SLUICE_METHOD_MASQ) {
		connection_reply(c, old, &request, &reply);
		flow_delete(&reply);
	}
	c->generation = (c->generation + 1) & 0x7fffffff;
	c->server = pick;
	c->dport = dport;
	c->method = method;
	c->parent = parent;
	c->in_packets = 0;
	entry.connection = ref >> REFERENCE_SHIFT;
	entry.tag = c->generation << 1 | SLUICE_SIDE_REPLY;
	if (method == SLUICE_METHOD_MASQ) {
		connection_reply(c, server, &request, &reply);
		if (!(kept && flow_renew(&reply, ref, entry.tag)) && flow_insert(&reply, &entry) &&
		    !(connection_take_over(&reply) && !flow_insert(&reply, &entry))) {
			flow_delete(&request);
			connection_abandon(c, ref);
			return 0;
		}
	}
	flow_renew(&request, ref, c->generation << 1 | SLUICE_SIDE_REQUEST);
	connection_begin(c, ref, server, 1);
	return 1;
}

#endif
