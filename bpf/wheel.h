/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Expiry: a wheel of buckets, one a tick, in which a connection waits for the earlier of its end and the wheel's horizon.
 * A packet that prolongs a connection only stores the time: the hand comes by, sees it, and puts the connection further
 * on. A packet that shortens a life below the next look puts it into an earlier bucket besides, by its second link. One
 * timer turns the hand.
 *
 * The links are the record's, whoever uses it: a record that was given back stays in its bucket, and the connection that
 * gets it next finds itself in the wheel already. A connection always has LINK0; only the hand takes links away.
 */
#ifndef SLUICE_WHEEL_H
#define SLUICE_WHEEL_H

#include "defence.h"
#include "turn.h"

#define TICK (1ULL << WHEEL_SHIFT)
/* The furthest bucket that may be filled: not the one that the hand may be at. */
#define WHEEL_HORIZON (WHEEL_BUCKETS - 2)
/* The furthest that the second link reaches: it is there for lives that end soon. */
#define WHEEL_NEAR 128
/* Of a bucket's head that only the hand and an interrupting program on the same CPU can move. */
#define WHEEL_RETRIES 16
/* Looks in one go, some milliseconds of work; what is left waits LEFT_OVER_WAIT. */
#define WHEEL_BUDGET 16384
#define LEFT_OVER_WAIT 1000000ULL
/* A template that its connections outlive is looked at again after this time, and lives as long from then on: IPVS's. */
#define TEMPLATE_WAIT (60 * SECOND)

/* The tick to put a connection into that ends at `expires`, at most `furthest` ticks from now. */
always_inline __u64 wheel_place(__u64 expires, __u64 now, __u64 furthest)
{
	__u64 tick = now >> WHEEL_SHIFT, at = expires >> WHEEL_SHIFT;

	if (at <= tick)
		return tick + 1;
	return at - tick > furthest ? tick + furthest : at;
}

/* Ticks from now to a connection's end. */
always_inline __u64 wheel_ahead(__u64 expires, __u64 now)
{
	return expires > now ? (expires >> WHEEL_SHIFT) - (now >> WHEEL_SHIFT) : 0;
}

/* Ticks from now to a connection's next look. */
always_inline __u64 wheel_look(const struct connection *c, __u64 now)
{
	__u16 ticks = c->look - (__u16)(now >> WHEEL_SHIFT);

	return ticks < WHEEL_BUCKETS ? ticks : 0;
}

/* Puts a connection, which has the link's flag, into a bucket. False: it could not. */
always_inline int wheel_put(struct connection *c, __u32 ref, __u32 link, __u64 tick)
{
	__u32 index = bpf_get_smp_processor_id() * WHEEL_BUCKETS + (tick & (WHEEL_BUCKETS - 1)), seen, old;
	__u32 *head = bpf_map_lookup_elem(&wheel, &index);

	if (!head)
		return 0;
	ref = (ref & ~REFERENCE_LINK1) | link;
	old = *(volatile __u32 *)head;
	for (int i = 0; i < WHEEL_RETRIES; i++) {
		c->next[link] = old;
		seen = __sync_val_compare_and_swap(head, old, ref);
		if (seen == old) {
			if (!link)
				c->look = tick;
			return 1;
		}
		old = seen;
	}
	return 0;
}

/* For a connection whose end has come nearer than its next look, `ahead` ticks from now. */
verified_apart int wheel_pull(__u32 ref, __u32 ahead)
{
	struct connection *c = connection_get(ref);
	__u32 status;

	if (!c)
		return 0;
	if (ahead > WHEEL_NEAR)
		ahead = WHEEL_NEAR;
	status = *(volatile __u32 *)&c->status;
	/* whoever is in between sees to it, or a later packet does: at worst it ends at its next look */
	if (!(status & SLUICE_STATUS_LIVE) || status & SLUICE_STATUS_LINK1 ||
	    __sync_val_compare_and_swap(&c->status, status, status | SLUICE_STATUS_LINK1) != status)
		return 0;
	if (!wheel_put(c, ref, 1, (bpf_ktime_get_coarse_ns() >> WHEEL_SHIFT) + (ahead ? ahead : 1)))
		__sync_fetch_and_and(&c->status, ~SLUICE_STATUS_LINK1);
	return 1;
}

/* Takes a link's flag from a record that is free. False: it is not. */
always_inline int wheel_leave(struct connection *c, __u32 flag)
{
	__u32 status = *(volatile __u32 *)&c->status, seen;

	for (int i = 0; i < STATUS_RETRIES; i++) {
		if (status & (SLUICE_STATUS_LIVE | SLUICE_STATUS_HELD))
			return 0;
		/* not a plain "and": whoever takes the record now relies on the link that it sees */
		seen = __sync_val_compare_and_swap(&c->status, status, status & ~flag);
		if (seen == status)
			return 1;
		status = seen;
	}
	return 0;
}

/* The hand is at a connection. Returns the next one of its bucket. */
verified_apart __u32 wheel_visit(__u32 ref, __u64 now)
{
	__u32 link = ref & REFERENCE_LINK1, flag = link ? SLUICE_STATUS_LINK1 : SLUICE_STATUS_LINK0, next;
	struct connection *c = connection_get(ref);
	__u64 expires;

	if (!c)
		return 0;
	next = c->next[link];
	expires = *(volatile __u64 *)&c->expires;
	if (*(volatile __u32 *)&c->status & SLUICE_STATUS_LIVE && expires <= now) {
		if ((c->kind == SLUICE_KIND_TEMPLATE || c->status & SLUICE_STATUS_STREAM) && *(volatile __u32 *)&c->children) {
			expires = now + TEMPLATE_WAIT;
			c->expires = expires;
			if (c->kind == SLUICE_KIND_TEMPLATE)
				c->parent = TEMPLATE_WAIT / SECOND;
		} else {
			connection_end(ref);
		}
	}
	if (wheel_leave(c, flag))
		return next;
	if (link && wheel_ahead(expires, now) >= wheel_look(c, now)) {
		/* it lives to its next look now */
		__sync_fetch_and_and(&c->status, ~flag);
		return next;
	}
	wheel_put(c, ref, link, wheel_place(expires, now, link ? WHEEL_NEAR : WHEEL_HORIZON));
	return next;
}

struct wheel_walk {
	__u64 tick;
	__u64 now;
	__u32 row;
	__u32 reference;
	__u32 done;
	__u32 spare;
};

static long wheel_step(__u32 i, struct wheel_walk *walk)
{
	__u32 index, *head;

	(void)i;
	if (walk->reference) {
		walk->reference = wheel_visit(walk->reference, walk->now);
		return 0;
	}
	if (walk->row >= cpus) {
		walk->row = 0;
		walk->tick++;
	}
	/* the present tick's connections may still have some of it to live */
	if (walk->tick >= walk->now >> WHEEL_SHIFT) {
		walk->done = 1;
		return 1;
	}
	index = walk->row * WHEEL_BUCKETS + (walk->tick & (WHEEL_BUCKETS - 1));
	walk->row++;
	head = bpf_map_lookup_elem(&wheel, &index);
	if (head && *(volatile __u32 *)head)
		walk->reference = __sync_lock_test_and_set(head, 0);
	return 0;
}

static int wheel_turn(void *map, __u32 *key, struct wheel_hand *hand)
{
	struct wheel_walk walk = { hand->tick, bpf_ktime_get_ns(), hand->row, hand->reference, 0, 0 };
	__u64 tick = walk.now >> WHEEL_SHIFT;

	(void)map;
	(void)key;
	if (turn_idles(&hand->timer))
		return 0;
	if (tick - walk.tick > WHEEL_BUCKETS)
		walk.tick = tick - WHEEL_BUCKETS;
	bpf_loop(WHEEL_BUDGET, wheel_step, &walk, 0);
	if (tick >= hand->defence) {
		hand->defence = tick + DEFENCE_TICKS;
		defence_look(walk.now);
	}
	hand->tick = walk.tick;
	hand->row = walk.row;
	hand->reference = walk.reference;
	bpf_timer_start(&hand->timer, walk.done ? TICK : LEFT_OVER_WAIT, 0);
	return 0;
}

/* 0, or what the timer's functions say. */
always_inline long wheel_start(void)
{
	__u32 zero = 0;
	struct wheel_hand *hand = bpf_map_lookup_elem(&wheel_hands, &zero);
	long rc;

	if (!hand)
		return 1;
	rc = bpf_timer_init(&hand->timer, &wheel_hands, CLOCK_MONOTONIC);
	/* the loader asks again when there was no memory for one of the timers */
	if (rc && rc != -16 /* EBUSY */)
		return rc;
	/* one that took over from another generation goes on where that stood */
	if (!hand->tick)
		hand->tick = bpf_ktime_get_ns() >> WHEEL_SHIFT;
	rc = bpf_timer_set_callback(&hand->timer, wheel_turn);
	return rc ? rc : bpf_timer_start(&hand->timer, TICK, 0);
}

#endif
