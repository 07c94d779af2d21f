/* SPDX-License-Identifier: GPL-2.0-only */
/* No scheduler: the service takes no new connection by itself; those that it has, and templates, go on. */
#ifndef SLUICE_SCHED_NONE_H
#define SLUICE_SCHED_NONE_H

#include "walk.h"

always_inline __u32 schedule_none(__u32 slot)
{
	(void)slot;
	return 0;
}

#endif
