/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The defence against floods: drop_entry, drop_packet and secure_tcp. Each is off at 0 and on at 3; at 1 and 2, which they
 * change between by themselves, it is on while memory is short. What is short here is the table's own room: records of
 * connections that are free, counted against amemthresh, in the family that has fewer.
 */
#ifndef SLUICE_DEFENCE_H
#define SLUICE_DEFENCE_H

#include "connection.h"

/* Ticks of the wheel between two looks: about a second, as in IPVS. */
#define DEFENCE_TICKS 15
/* One look goes over so much of the table, at random. */
#define DEFENCE_SHARE 32
#define DEFENCE_MOST 8192
/* A connection that was idle for so long may go, the sooner the fewer packets it had; one with more than this stays. */
#define DEFENCE_IDLE (60 * SECOND)
#define DEFENCE_PACKETS 8

always_inline int records_free(__u32 family)
{
	struct watermark *w = bpf_map_lookup_elem(&watermarks, &family);

	return w ? (int)(w->size - 1 - w->used) : 0;
}

/* Is a defence of this mode on? Modes 1 and 2 take each other's place. */
always_inline int defence_is_on(__u32 *mode, int is_short)
{
	if (*mode == 1 && is_short)
		*mode = 2;
	else if (*mode == 2 && !is_short)
		*mode = 1;
	return *mode >= 2;
}

struct defence_walk {
	struct settings *settings;
	__u64 now;
	__u32 family;
	__u32 top;
};

/* May this connection go, to make room for others? */
always_inline int defence_may_end(const struct connection *c, const struct settings *s, __u64 now)
{
	__u32 status = *(const volatile __u32 *)&c->status, state = status & SLUICE_STATUS_STATE_MASK;

	if (!(status & SLUICE_STATUS_LIVE))
		return 0;
	/* a template that no connection counts on, and that none has shown to be worth it */
	if (c->kind == SLUICE_KIND_TEMPLATE)
		return !c->children && !(status & SLUICE_TEMPLATE_ASSURED);
	switch (state) {
	case SLUICE_STATE_SYN_RECV:
	case SLUICE_STATE_SYNACK:
	case SLUICE_STATE_SCTP_INIT1:
	case SLUICE_STATE_SCTP_INIT:
		return 1;
	case SLUICE_STATE_ESTABLISHED:
	case SLUICE_STATE_SCTP_ESTABLISHED:
	case SLUICE_STATE_UDP:
		break;
	default:
		return 0;
	}
	if (c->expires + DEFENCE_IDLE > now + s->timeout[state & 31] * SECOND)
		return 0;
	return c->in_packets && c->in_packets <= DEFENCE_PACKETS && bpf_get_prandom_u32() % c->in_packets == 0;
}

static long defence_step(__u32 i, struct defence_walk *walk)
{
	__u32 id = 1 + bpf_get_prandom_u32() % walk->top;
	__u32 ref = reference(walk->family ? SLUICE_FAMILY_INET6 : SLUICE_FAMILY_INET, id);
	struct connection *c = connection_get(ref);

	(void)i;
	if (c && walk->settings && defence_may_end(c, walk->settings, walk->now) && connection_end(ref))
		event(SLUICE_EVENT_DEFENCE);
	return 0;
}

/* Looks whether room is short, about once a second. */
verified_apart int defence_look(__u64 now)
{
	int room, room6, threshold, is_short, on;
	struct settings *s = settings_get();
	struct defence_walk walk = { s, now, 0, 0 };
	__u32 *modes, n;

	if (!s)
		return 0;
	modes = s->sysctl;
	if (!(modes[SLUICE_SYSCTL_DROP_ENTRY] | modes[SLUICE_SYSCTL_DROP_PACKET] | modes[SLUICE_SYSCTL_SECURE_TCP])) {
		s->secure_tcp = 0;
		s->drop_rate = 0;
		return 0;
	}
	room = records_free(0);
	room6 = records_free(1);
	if (room6 < room)
		room = room6;
	threshold = modes[SLUICE_SYSCTL_AMEMTHRESH];
	is_short = room < threshold;
	on = defence_is_on(&modes[SLUICE_SYSCTL_DROP_PACKET], is_short);
	if (!on)
		s->drop_rate = 0;
	else if (modes[SLUICE_SYSCTL_DROP_PACKET] == 3)
		s->drop_rate = modes[SLUICE_SYSCTL_AM_DROPRATE];
	else
		s->drop_rate = (__u32)threshold / (__u32)(threshold - room);
	s->secure_tcp = defence_is_on(&modes[SLUICE_SYSCTL_SECURE_TCP], is_short);
	if (!defence_is_on(&modes[SLUICE_SYSCTL_DROP_ENTRY], is_short))
		return 0;
	for (__u32 family = 0; family < 2; family++) {
		__u32 key = family;
		struct watermark *w = bpf_map_lookup_elem(&watermarks, &key);

		walk.top = w ? (w->top < w->size ? w->top : w->size) - 1 : 0;
		walk.family = family;
		if (!walk.top)
			continue;
		n = walk.top / DEFENCE_SHARE + 1;
		bpf_loop(n < DEFENCE_MOST ? n : DEFENCE_MOST, defence_step, &walk, 0);
	}
	return 0;
}

/* Without a word from the client since it asked: what a flood of spoofed sources leaves behind. */
always_inline int is_half_open(const struct connection *c)
{
	__u32 status = *(const volatile __u32 *)&c->status;

	if (!(status & SLUICE_STATUS_LIVE) || c->kind == SLUICE_KIND_TEMPLATE)
		return 0;
	switch (status & SLUICE_STATUS_STATE_MASK) {
	case SLUICE_STATE_SYN_RECV:
	case SLUICE_STATE_SYNACK:
	case SLUICE_STATE_SCTP_INIT1:
	case SLUICE_STATE_SCTP_INIT:
		return 1;
	}
	return 0;
}

/*
 * Half-open connections never have the last part of the table: a new one ends the oldest of some of them, found by chance.
 * A client that answers at once is hardly ever the oldest.
 */
#define ROOM_SHARE 8
#define ROOM_LOOKS 16

struct room_walk {
	__u64 oldest;
	__u32 family;
	__u32 top;
	__u32 found;
	__u32 spare;
};

static long room_step(__u32 i, struct room_walk *walk)
{
	__u32 id = 1 + bpf_get_prandom_u32() % walk->top, ref = reference(walk->family, id);
	struct connection *c = connection_get(ref);

	(void)i;
	if (c && is_half_open(c) && (!walk->found || c->expires < walk->oldest)) {
		walk->found = ref;
		walk->oldest = c->expires;
	}
	return 0;
}

/* Asked before a connection is made. */
verified_apart int make_room(__u32 family)
{
	__u32 six = family == SLUICE_FAMILY_INET6;
	struct watermark *w = bpf_map_lookup_elem(&watermarks, &six);
	struct room_walk walk = { .family = family };

	if (!w || w->used + w->size / ROOM_SHARE < w->size)
		return 0;
	walk.top = (w->top < w->size ? w->top : w->size) - 1;
	if (!walk.top)
		return 0;
	walk.found = walk.oldest = zero_unknown(walk.top);
	bpf_loop(ROOM_LOOKS, room_step, &walk, 0);
	if (walk.found && connection_end(walk.found))
		event(SLUICE_EVENT_EVICTED);
	return 1;
}

/* Has this CPU begun as many connections in this second as conn_rate lets it? */
always_inline int beyond_rate(__u32 most)
{
	__u64 second = bpf_ktime_get_coarse_ns() / SECOND;
	struct opening_budget *budget;
	__u32 zero = 0;

	budget = bpf_map_lookup_elem(&opening_budgets, &zero);
	if (!budget)
		return 0;
	if (budget->second != second) {
		budget->second = second;
		budget->begun = 0;
	}
	return budget->begun++ >= most;
}

/* Is this packet, which would begin a connection, one of those that drop_packet or conn_rate drops? */
always_inline int defence_drops(void)
{
	struct settings *s = settings_get();
	__u32 rate = s ? *(volatile __u32 *)&s->drop_rate : 0;
	__u32 most = s ? s->sysctl[SLUICE_SYSCTL_CONN_RATE] : 0;

	if (most && beyond_rate(most))
		return 1;
	return rate && __sync_fetch_and_add(&s->drop_count, 1) % rate == rate - 1;
}

#endif
