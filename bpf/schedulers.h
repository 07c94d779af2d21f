/* SPDX-License-Identifier: GPL-2.0-only */
/* Choosing the server of a new connection. The table of schedulers is in records.h, each one's rule in its own file. */
#ifndef SLUICE_SCHEDULERS_H
#define SLUICE_SCHEDULERS_H

#include "sched/dh.h"
#include "sched/fo.h"
#include "sched/lblc.h"
#include "sched/lblcr.h"
#include "sched/lc.h"
#include "sched/mh.h"
#include "sched/none.h"
#include "sched/nq.h"
#include "sched/ovf.h"
#include "sched/rr.h"
#include "sched/sed.h"
#include "sched/sh.h"
#include "sched/twos.h"
#include "sched/wlc.h"
#include "sched/wrr.h"

#define SCHEDULER_CASE(NAME, name, number, arguments)                                                                  \
	case SLUICE_SCHEDULER_##NAME:                                                                                  \
		return schedule_##name arguments;

/* The slot of the server for a new connection of service `slot`; 0: none is available. */
always_inline __u32 schedule(__u32 scheduler, __u32 slot, const struct pick_for *who)
{
	switch (scheduler) {
		SLUICE_SCHEDULERS(SCHEDULER_CASE)
	}
	return 0;
}

struct pick_question {
	__u32 scheduler;
	__u32 slot;
	struct pick_for who;
};

/* One pick for the question that stands in the packet's place, for tests: no packet is made up, no connection made. */
SEC("tc")
int sluice_pick(struct __sk_buff *ctx)
{
	struct pick_question question;

	if (bpf_skb_load_bytes(ctx, 0, &question, sizeof(question)))
		return 0;
	return schedule(question.scheduler, question.slot, &question.who);
}

#endif
