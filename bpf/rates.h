/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rates, as IPVS's estimator computes them: every two seconds a moving average per object. Packets know nothing of it.
 * The slots of the table are cut into blocks, and each block has its fixed moment in the period: a slot is looked at
 * exactly every two seconds, however many there are, and never many of them at once. Blocks that were never used are
 * passed over, so that a small table wakes the timer twice in a period.
 */
#ifndef SLUICE_RATES_H
#define SLUICE_RATES_H

#include "connection.h"
#include "turn.h"

#define ROWS (MAX_SERVICES + MAX_SERVERS)
#define ESTIMATE_PERIOD (2 * SECOND)
/* How much of the difference the average takes over: a quarter. */
#define ESTIMATE_SHIFT 2
/* Averages are fixed-point numbers: of connections and packets 10 bits after the point, of bytes 5; 2 s are one of them. */
#define ESTIMATE_COUNT_SHIFT 9
#define ESTIMATE_BYTES_SHIFT 4
/* Behind by more than this, the estimator begins its period anew instead of running after it. */
#define ESTIMATE_LATE ESTIMATE_PERIOD

struct counters_sum {
	__u32 row;
	struct counters sum;
};

static long sum_cpu(__u32 cpu, struct counters_sum *s)
{
	const struct counters *c = counters_of(cpu, s->row);

	if (!c)
		return 1;
	s->sum.connections += c->connections;
	s->sum.in_packets += c->in_packets;
	s->sum.out_packets += c->out_packets;
	s->sum.in_bytes += c->in_bytes;
	s->sum.out_bytes += c->out_bytes;
	return 0;
}

always_inline __u64 smoothed(__u64 average, __u64 now, __u64 last, __u32 shift)
{
	__s64 rate = (now - last) << shift;

	return average + ((rate - (__s64)average) >> ESTIMATE_SHIFT);
}

/* One step of a row's averages, unless run_estimation is 0. After `ipvsadm -Z` they begin at zero, with what stood in the counters at that moment. */
always_inline void estimate(__u32 row, const struct counters *now)
{
	struct rates *r = bpf_map_lookup_elem(&rates, &row);
	__u32 reset;

	if (!r || !sysctl_get(SLUICE_SYSCTL_RUN_ESTIMATION))
		return;
	reset = *(volatile __u32 *)&r->reset;
	if (reset != r->seen) {
		const struct counters *base = bpf_map_lookup_elem(&counter_bases, &row);

		if (!base)
			return;
		r->last = *base;
		__builtin_memset(&r->average, 0, sizeof(r->average));
	}
	r->average.connections =
		smoothed(r->average.connections, now->connections, r->last.connections, ESTIMATE_COUNT_SHIFT);
	r->average.in_packets =
		smoothed(r->average.in_packets, now->in_packets, r->last.in_packets, ESTIMATE_COUNT_SHIFT);
	r->average.out_packets =
		smoothed(r->average.out_packets, now->out_packets, r->last.out_packets, ESTIMATE_COUNT_SHIFT);
	r->average.in_bytes = smoothed(r->average.in_bytes, now->in_bytes, r->last.in_bytes, ESTIMATE_BYTES_SHIFT);
	r->average.out_bytes = smoothed(r->average.out_bytes, now->out_bytes, r->last.out_bytes, ESTIMATE_BYTES_SHIFT);
	r->last = *now;
	/* last: until now readers took a reset row's rates as zero */
	*(volatile __u32 *)&r->seen = reset;
}

struct estimate_walk {
	struct counters *total; /* what all services counted, as far as this pass has come */
	__u32 first; /* row */
};

static long estimate_row(__u32 i, struct estimate_walk *w)
{
	struct counters_sum s = { .row = w->first + i };
	__u32 slot = s.row;

	/* no slot, but the row of the totals */
	if (!slot)
		return 0;
	if (slot >= MAX_SERVICES) {
		const struct server *server = server_get(slot - MAX_SERVICES);

		/* in the trash they stand still */
		if (!server || server->slot_state != SLUICE_SLOT_LIVE)
			return 0;
		bpf_loop(cpus, sum_cpu, &s, 0);
		estimate(s.row, &s.sum);
	} else {
		const struct service *service = bpf_map_lookup_elem(&services, &slot);

		/* A deleted service's counts stay in its slot: that is how the totals never fall. */
		bpf_loop(cpus, sum_cpu, &s, 0);
		w->total->connections += s.sum.connections;
		w->total->in_packets += s.sum.in_packets;
		w->total->out_packets += s.sum.out_packets;
		w->total->in_bytes += s.sum.in_bytes;
		w->total->out_bytes += s.sum.out_bytes;
		if (service && service->slot_state == SLUICE_SLOT_LIVE)
			estimate(s.row, &s.sum);
	}
	return 0;
}

/* The rows of one block, as far as they were ever used; then the one that comes next. At the end of a pass: the totals. */
always_inline __u32 estimate_block(struct estimator *e, __u32 block)
{
	struct estimate_walk walk = { .total = &e->total, .first = block * estimator_rows };
	const struct settings *s = settings_get();
	__u32 end, rows = estimator_rows;

	if (!s)
		return 0;
	end = walk.first < MAX_SERVICES ? s->service_top : MAX_SERVICES + s->server_top;
	if (end > walk.first) {
		if (rows > end - walk.first)
			rows = end - walk.first;
		bpf_loop(rows, estimate_row, &walk, 0);
	}
	block++;
	if (block * estimator_rows < MAX_SERVICES && block * estimator_rows >= s->service_top)
		block = MAX_SERVICES / estimator_rows;
	if (block * estimator_rows >= MAX_SERVICES + s->server_top) {
		estimate(0, &e->total);
		__builtin_memset(&e->total, 0, sizeof(e->total));
		block = 0;
	}
	return block;
}

static int estimator_timer(void *map, __u32 *key, struct estimator *e)
{
	__u64 now = bpf_ktime_get_ns(), due;
	__u32 block;

	(void)map;
	(void)key;
	if (turn_idles(&e->timer))
		return 0;
	block = estimate_block(e, e->block);
	if (!block)
		e->start += ESTIMATE_PERIOD;
	e->block = block;
	due = e->start + block * (ESTIMATE_PERIOD / ROWS) * estimator_rows;
	if (now > due + ESTIMATE_LATE)
		e->start += now - due;
	bpf_timer_start(&e->timer, due > now ? due - now : 0, 0);
	return 0;
}

/* Starts the estimator; returns what the timer's functions say. */
always_inline long estimator_start(void)
{
	__u32 zero = 0;
	struct estimator *e = bpf_map_lookup_elem(&estimator, &zero);
	long rc;

	if (!e)
		return 1;
	rc = bpf_timer_init(&e->timer, &estimator, CLOCK_MONOTONIC);
	/* the loader asks again when there was no memory for one of the timers */
	if (rc && rc != -16 /* EBUSY */)
		return rc;
	/* one that took over from another generation goes on where that stood */
	if (!e->start)
		e->start = bpf_ktime_get_ns() + ESTIMATE_PERIOD;
	rc = bpf_timer_set_callback(&e->timer, estimator_timer);
	return rc ? rc : bpf_timer_start(&e->timer, ESTIMATE_PERIOD, 0);
}

static long estimate_next(__u32 i, struct estimator **e)
{
	(void)i;
	(*e)->block = estimate_block(*e, (*e)->block);
	return !(*e)->block;
}

/* A whole pass at once, for tests and measurements: what the timer does within two seconds. */
SEC("tc")
int sluice_estimate(struct __sk_buff *ctx)
{
	__u32 zero = 0;
	struct estimator *e = bpf_map_lookup_elem(&estimator, &zero);

	(void)ctx;
	if (!e)
		return 1;
	bpf_loop(ROWS / estimator_rows, estimate_next, &e, 0);
	return 0;
}

#endif
