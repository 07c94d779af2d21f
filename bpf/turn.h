/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How one generation of the program takes over from another, while packets come and whatever happens to the command that
 * does it. Both stand in memory, each with its maps, of which they share those that are alike; `turn` says which of them is
 * in force, so that one store hands everything over:
 *
 * - The older program, wherever it still stands, passes its packets on to its successor by a tail call.
 * - Timers of the generation that is not yet in force wait; those of one that was do not come again.
 *
 * While maps are copied, timers wait, and packets of ours are dropped where what they would write is copied. Both end by
 * themselves shortly after the command that asked for it has died, and all is as before.
 */
#ifndef SLUICE_TURN_H
#define SLUICE_TURN_H

#include "counters.h"

/* How long a timer that has to wait waits each time. */
#define TURN_WAIT 50000000ULL

always_inline int turn_is_over(void)
{
	return turn.generation != generation;
}

always_inline int turn_is_held(__u32 what)
{
	return turn.held & what && bpf_ktime_get_ns() < turn.until;
}

/* Asked by a timer's callback before anything else. True: there is nothing to do now; the timer is armed again if it will be. */
always_inline int turn_idles(struct bpf_timer *timer)
{
	__u32 in_force = turn.generation;

	if (in_force == generation && !turn_is_held(SLUICE_HOLD_TIMERS))
		return 0;
	if (in_force <= generation)
		bpf_timer_start(timer, TURN_WAIT, 0);
	return 1;
}

#endif
