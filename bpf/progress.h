/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet does to its connection: the state, active or inactive, the time that it still lives. */
#ifndef SLUICE_PROGRESS_H
#define SLUICE_PROGRESS_H

#include "sctp_state.h"
#include "wheel.h"

#define DEFAULT_TIMEOUT 3 /* of a connection whose state has none, seconds; IPVS's provisional one */

/* A service's own timeout of a state, seconds; 0: it has none. */
always_inline __u32 service_timeout(const struct server *server, __u32 state)
{
	const struct service *service;
	__u32 which;

	if (state == SLUICE_STATE_ESTABLISHED)
		which = SLUICE_TIMEOUT_TCP;
	else if (state == SLUICE_STATE_FIN_WAIT)
		which = SLUICE_TIMEOUT_TCP_FIN;
	else if (state == SLUICE_STATE_UDP)
		which = SLUICE_TIMEOUT_UDP;
	else
		return 0;
	/* a deleted server's service may be another one by now */
	service = server->slot_state == SLUICE_SLOT_LIVE ? service_get(server->service) : NULL;
	return service ? service_options_get(service)->timeout[which] : 0;
}

/* Moves the expiry; pulls the connection forward in the wheel where that is earlier than its next look. */
always_inline void connection_live_for(struct connection *c, __u32 ref, __u32 seconds)
{
	__u64 now = bpf_ktime_get_coarse_ns(), expires, ahead;

	expires = now + seconds * SECOND;
	c->expires = expires;
	ahead = wheel_ahead(expires, now);
	if (ahead < WHEEL_HORIZON && ahead < wheel_look(c, now))
		wheel_pull(ref, ahead);
}

always_inline void connection_touch(struct connection *c, __u32 ref, const struct server *server, __u32 state)
{
	__u32 timeout = DEFAULT_TIMEOUT, own;
	struct settings *s = settings_get();

	if (s) {
		timeout = s->timeout[state & 31];
		if (s->service_timeouts) {
			own = service_timeout(server, state);
			if (own)
				timeout = own;
		}
	}
	connection_live_for(c, ref, timeout);
}

/* A connection of the template's was established: what IPVS shows, and thinks twice before it drops. */
always_inline void connection_assure_template(const struct connection *c)
{
	struct connection *t = c->parent ? connection_get(reference(c->family, c->parent)) : NULL;

	if (t && t->kind == SLUICE_KIND_TEMPLATE && !(*(volatile __u32 *)&t->status & SLUICE_TEMPLATE_ASSURED))
		__sync_fetch_and_or(&t->status, SLUICE_TEMPLATE_ASSURED);
}

/* A connection's status after a packet of TCP or SCTP. */
always_inline __u32 connection_status_after(__u32 status, const struct packet *p, __u32 side)
{
	__u32 next = status & ~(SLUICE_STATUS_STATE_MASK | SLUICE_STATUS_INACTIVE), state = status & SLUICE_STATUS_STATE_MASK;

	if (status & SLUICE_STATUS_NO_OUTPUT) {
		if (side == FROM_SERVER)
			next &= ~SLUICE_STATUS_NO_OUTPUT;
		else
			side = FROM_CLIENT_ONLY;
	}
	if (p->flow.protocol == IPPROTO_SCTP)
		state = sctp_next_state(state, side, p);
	else
		state = tcp_next_state(state, side, p, tcp_is_secured());
	next |= state;
	if (!(ACTIVE_STATES & (1u << (state & 31))))
		next |= SLUICE_STATUS_INACTIVE;
	return next;
}

/* One packet's effect on its connection: state, active or inactive, expiry. */
always_inline void connection_advance(struct connection *c, __u32 ref, struct server *server, const struct packet *p,
				      __u32 side)
{
	__u32 status = *(volatile __u32 *)&c->status, next, seen, state = status & SLUICE_STATUS_STATE_MASK;

	if (p->flow.protocol != IPPROTO_TCP && p->flow.protocol != IPPROTO_SCTP) {
		connection_touch(c, ref, server, SLUICE_STATE_UDP);
		if (side == FROM_SERVER)
			connection_assure_template(c);
		return;
	}
	/* a later fragment has no flags: it keeps the connection alive and changes nothing */
	for (int i = 0; i < STATUS_RETRIES && !p->later_fragment; i++) {
		if (!(status & SLUICE_STATUS_LIVE))
			return;
		next = connection_status_after(status, p, side);
		state = next & SLUICE_STATUS_STATE_MASK;
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
	connection_touch(c, ref, server, state);
	if (state == SLUICE_STATE_ESTABLISHED || state == SLUICE_STATE_SCTP_ESTABLISHED)
		connection_assure_template(c);
}

#endif
