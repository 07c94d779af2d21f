/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of schedulers: a name in enum sluice_scheduler, a file in sched/, a line here. */
#ifndef SLUICE_SCHEDULERS_H
#define SLUICE_SCHEDULERS_H

#include "sched/fo.h"
#include "sched/lc.h"
#include "sched/nq.h"
#include "sched/ovf.h"
#include "sched/rr.h"
#include "sched/sed.h"
#include "sched/wlc.h"
#include "sched/wrr.h"

/* The slot of the server for a new connection of service `slot`; 0: none is available. */
always_inline __u32 schedule(__u32 scheduler, __u32 slot)
{
	switch (scheduler) {
	case SLUICE_SCHEDULER_RR:
		return schedule_rr(slot);
	case SLUICE_SCHEDULER_WRR:
		return schedule_wrr(slot);
	case SLUICE_SCHEDULER_LC:
		return schedule_lc(slot);
	case SLUICE_SCHEDULER_WLC:
		return schedule_wlc(slot);
	case SLUICE_SCHEDULER_SED:
		return schedule_sed(slot);
	case SLUICE_SCHEDULER_NQ:
		return schedule_nq(slot);
	case SLUICE_SCHEDULER_FO:
		return schedule_fo(slot);
	case SLUICE_SCHEDULER_OVF:
		return schedule_ovf(slot);
	}
	return 0;
}

#endif
