/* SPDX-License-Identifier: GPL-2.0-only */
/* Connections: found, made, moved through their states, expired by timers. */
#ifndef SLUICE_CONNECTION_H
#define SLUICE_CONNECTION_H

#include "counters.h"
#include "tcp_state.h"

#define SECOND 1000000000ULL
#define CLOCK_MONOTONIC 1
#define DEFAULT_TIMEOUT 3 /* of a connection whose state has none, seconds; IPVS's provisional one */
/* A longer pause than this looks like a change of state, whose timeouts differ by more, seconds. */
#define ARM_AGAIN 30
#define STATUS_RETRIES 4 /* of a status word that other CPUs change at the same time */

always_inline struct settings *settings_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

always_inline struct server *server_get(__u32 slot)
{
	return bpf_map_lookup_elem(&servers, &slot);
}

always_inline const struct server_options *server_options_get(const struct server *server)
{
	return &server->options[*(const volatile __u32 *)&server->version & 1];
}

/*
 * Sets and clears the overload flag as IPVS does: when the upper threshold is reached; and cleared below the lower one,
 * or below three quarters of the upper where no lower one is set.
 */
always_inline void server_judge_overload(struct server *server)
{
	const struct server_options *options = server_options_get(server);
	__u32 total = server->active + server->inactive;

	if (!options->upper) {
		if (server->overloaded)
			server->overloaded = 0;
	} else if (total >= options->upper) {
		server->overloaded = 1;
	} else if (server->overloaded) {
		if (options->lower ? total < options->lower : total * 4 < options->upper * 3)
			server->overloaded = 0;
	}
}

always_inline void server_bind(struct server *server)
{
	__sync_fetch_and_add(&server->inactive, 1);
	server_judge_overload(server);
}

always_inline void server_unbind(struct server *server, __u32 status)
{
	if (status & SLUICE_STATUS_INACTIVE)
		__sync_fetch_and_add(&server->inactive, -1);
	else
		__sync_fetch_and_add(&server->active, -1);
	server_judge_overload(server);
}

/* Keeps the number of connections that the sweeper has to see to. */
always_inline void sweeper_count(__s64 change)
{
	__u32 zero = 0;
	struct sweeper *s = bpf_map_lookup_elem(&sweeper, &zero);

	if (s)
		__sync_fetch_and_add(&s->untimed, change);
}

/*
 * Ends a connection: marks it dead, so that exactly one of several CPUs does, gives back its count, removes both of its
 * flows. True for the one that did.
 */
always_inline int connection_end(const struct flow4 *key, struct connection4 *c)
{
	struct flow4 request = *key, reply = c->peer;
	__u32 status = c->status, seen;
	struct server *server;

	for (int i = 0; i < STATUS_RETRIES; i++) {
		if (status & SLUICE_STATUS_DEAD)
			return 0;
		seen = __sync_val_compare_and_swap(&c->status, status, status | SLUICE_STATUS_DEAD);
		if (seen == status)
			goto ours;
		status = seen;
	}
	return 0;
ours:
	server = server_get(c->server);
	if (server)
		server_unbind(server, status);
	if (!c->armed)
		sweeper_count(-1);
	if (c->method == SLUICE_METHOD_MASQ)
		bpf_map_delete_elem(&flows4, &reply);
	bpf_map_delete_elem(&flows4, &request);
	return 1;
}

/* The timer sleeps on while packets have moved the expiry: so a packet need not touch it. */
static int connection_timer(void *map, struct flow4 *key, struct connection4 *c)
{
	__u64 now = bpf_ktime_get_ns(), expires = *(volatile __u64 *)&c->expires;

	(void)map;
	if (expires > now) {
		c->armed = expires;
		bpf_timer_start(&c->timer, expires - now, 0);
		return 0;
	}
	if (!connection_end(key, c) && !(c->status & SLUICE_STATUS_DEAD)) {
		/* lost every race for the status word: come back shortly */
		bpf_timer_start(&c->timer, SECOND, 0);
	}
	return 0;
}

/*
 * Gives a connection its timer. The kernel allocates it, and on recent ones (6.18) without waiting for anything: it may
 * have no memory just now and have it a packet later. Until then the sweeper ends the connection when its time comes.
 */
static __attribute__((noinline)) int connection_arm(struct connection4 *c, __u64 expires, __u64 delay)
{
	if (bpf_timer_init(&c->timer, &flows4, CLOCK_MONOTONIC) ||
	    bpf_timer_set_callback(&c->timer, connection_timer) || bpf_timer_start(&c->timer, delay, 0))
		return 0;
	c->armed = expires;
	return 1;
}

/* Moves the expiry; pulls the timer forward where the new expiry is earlier than its next look. */
always_inline void connection_touch(struct connection4 *c, __u32 state)
{
	__u64 now = bpf_ktime_get_coarse_ns(), expires, gained;
	struct settings *s = settings_get();
	__u32 timeout = DEFAULT_TIMEOUT;

	if (s)
		timeout = s->timeout[state & 15];
	expires = now + timeout * SECOND;
	gained = expires - c->expires;
	c->expires = expires;
	if (!c->armed) {
		/* again after a pause between two packets of one state: a connection that lasts, and not at each of its packets */
		if (gained > SECOND && gained < ARM_AGAIN * SECOND && connection_arm(c, expires, timeout * SECOND))
			sweeper_count(-1);
	} else if (expires < c->armed) {
		c->armed = expires;
		bpf_timer_start(&c->timer, timeout * SECOND, 0);
	}
}

/* One packet's effect on its connection: state, active or inactive, expiry. */
always_inline void connection_advance(struct connection4 *c, struct server *server, const struct packet4 *p, __u32 side)
{
	__u32 status = *(volatile __u32 *)&c->status, next, seen, state = status & SLUICE_STATUS_STATE_MASK;

	if (p->flow.protocol != IPPROTO_TCP) {
		connection_touch(c, SLUICE_STATE_UDP);
		return;
	}
	/* a later fragment has no flags: it keeps the connection alive and changes nothing */
	for (int i = 0; i < STATUS_RETRIES && !p->later_fragment; i++) {
		__u32 from = side;

		if (status & SLUICE_STATUS_DEAD)
			return;
		next = status & ~(SLUICE_STATUS_STATE_MASK | SLUICE_STATUS_INACTIVE);
		if (status & SLUICE_STATUS_NO_OUTPUT) {
			if (side == FROM_SERVER)
				next &= ~SLUICE_STATUS_NO_OUTPUT;
			else
				from = FROM_CLIENT_ONLY;
		}
		state = tcp_next_state(status & SLUICE_STATUS_STATE_MASK, from, p);
		next |= state;
		if (!(ACTIVE_STATES & (1u << (state & 31))))
			next |= SLUICE_STATUS_INACTIVE;
		if (next == status)
			break;
		seen = __sync_val_compare_and_swap(&c->status, status, next);
		if (seen == status) {
			if ((next ^ status) & SLUICE_STATUS_INACTIVE) {
				int up = next & SLUICE_STATUS_INACTIVE ? -1 : 1;

				__sync_fetch_and_add(&server->active, up);
				__sync_fetch_and_add(&server->inactive, -up);
			}
			break;
		}
		status = seen;
	}
	connection_touch(c, state);
}

/* Is a SYN on this connection the start of another one (conn_reuse_mode 1)? */
always_inline int connection_is_over(const struct connection4 *c)
{
	__u32 state = c->status & SLUICE_STATUS_STATE_MASK;

	return state == SLUICE_STATE_TIME_WAIT || state == SLUICE_STATE_CLOSE;
}

/* The flow of the server's packets, before they are rewritten. */
always_inline void flow_reply(struct flow4 *reply, const struct flow4 *request, __be32 address, __be16 port)
{
	reply->saddr = address;
	reply->daddr = request->saddr;
	reply->sport = port;
	reply->dport = request->sport;
	reply->protocol = request->protocol;
	reply->spare[0] = reply->spare[1] = reply->spare[2] = 0;
}

/* Frees the server's side of a new connection where an old one that is over still holds it. True: it is free now. */
always_inline int connection_take_over(const struct flow4 *reply)
{
	struct connection4 *side = bpf_map_lookup_elem(&flows4, reply), *old;
	struct flow4 request;

	if (!side)
		return 1;
	if (side->kind != SLUICE_FLOW_KIND_REPLY)
		return 0;
	request = side->peer;
	old = bpf_map_lookup_elem(&flows4, &request);
	/* without its request flow it is just being made, or just being removed, by another CPU */
	if (!old || !connection_is_over(old))
		return 0;
	return connection_end(&request, old);
}

/*
 * Makes a connection to `server` in state NONE, counted as inactive, its timer armed if there is memory for one. NULL, with the packet tallied:
 * the table is full, or the server's side is taken. Another CPU may have made the same connection meanwhile: then
 * that one is returned, and `*made` stays 0.
 */
always_inline struct connection4 *connection_new(const struct flow4 *flow, __u32 slot, struct server *server, int *made)
{
	const struct server_options *options = server_options_get(server);
	__be32 address = *(__be32 *)server->address;
	/* one record on the stack for both directions, one after the other */
	struct connection4 entry = {}, *c;
	struct flow4 reply;
	long rc;

	flow_reply(&reply, flow, address, server->port ? server->port : flow->dport);
	entry.server = slot;
	entry.method = options->method;
	/* The server's side is claimed first: no packet can come that way before the first one went out. */
	if (entry.method == SLUICE_METHOD_MASQ) {
		entry.kind = SLUICE_FLOW_KIND_REPLY;
		entry.peer = *flow;
		rc = bpf_map_update_elem(&flows4, &reply, &entry, BPF_NOEXIST);
		if (rc == -17 /* EEXIST */) {
			c = bpf_map_lookup_elem(&flows4, flow);
			if (c)
				return c;
			if (!connection_take_over(&reply)) {
				tally(SLUICE_DROP_COLLISION);
				return NULL;
			}
			rc = bpf_map_update_elem(&flows4, &reply, &entry, BPF_NOEXIST);
		}
		if (rc) {
			tally(SLUICE_DROP_TABLE_FULL);
			return NULL;
		}
	}
	entry.kind = SLUICE_FLOW_KIND_REQUEST;
	entry.peer = reply;
	entry.status = SLUICE_STATUS_INACTIVE;
	if (flow->protocol != IPPROTO_TCP)
		entry.status |= SLUICE_STATE_UDP;
	if (entry.method != SLUICE_METHOD_MASQ)
		entry.status |= SLUICE_STATUS_NO_OUTPUT;
	entry.expires = bpf_ktime_get_coarse_ns() + DEFAULT_TIMEOUT * SECOND;
	server_bind(server);
	rc = bpf_map_update_elem(&flows4, flow, &entry, BPF_NOEXIST);
	c = bpf_map_lookup_elem(&flows4, flow);
	if (rc || !c) {
		server_unbind(server, entry.status);
		if (entry.method == SLUICE_METHOD_MASQ)
			bpf_map_delete_elem(&flows4, &reply);
		if (!c)
			tally(SLUICE_DROP_TABLE_FULL);
		return c;
	}
	/* nobody else arms it before this packet has gone: the server does not know of the connection yet */
	if (!connection_arm(c, entry.expires, DEFAULT_TIMEOUT * SECOND)) {
		sweeper_count(1);
		event(SLUICE_EVENT_UNTIMED);
	}
	*made = 1;
	return c;
}

static long sweep_flow(void *map, struct flow4 *key, struct connection4 *c, __u64 *now)
{
	(void)map;
	if (c->kind == SLUICE_FLOW_KIND_REQUEST && !c->armed && *(volatile __u64 *)&c->expires <= *now)
		connection_end(key, c);
	return 0;
}

/* Once a second: nothing, while every connection has its own timer. */
static int sweep(void *map, __u32 *key, struct sweeper *s)
{
	__u64 now = bpf_ktime_get_ns();

	(void)map;
	(void)key;
	if (s->untimed > 0)
		bpf_for_each_map_elem(&flows4, sweep_flow, &now, 0);
	bpf_timer_start(&s->timer, SECOND, 0);
	return 0;
}

#endif
