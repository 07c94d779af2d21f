/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SCTP as a director sees it: IPVS's transitions, by a packet's first chunk and the side that sent it. They were asked of
 * kernel 6.1, every chunk in every state; states that a side cannot be in have what it does in the nearest one.
 */
#ifndef SLUICE_SCTP_STATE_H
#define SLUICE_SCTP_STATE_H

#include "tcp_state.h"

/* Positions in a row. */
enum { NO, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL };

/* [side][enum sctp_event][state - SLUICE_STATE_SCTP_NONE] */
static const __u8 sctp_transitions[3][SCTP_EVENTS][16] = {
	[FROM_CLIENT] = {
		/*                            NO  I1  IN  CS  CR  CW  CO  CE  ES  SS  SR  SA  RJ  CL */
		[SCTP_DATA] = { ES, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SCTP_INIT] = { I1, IN, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, IN, IN },
		[SCTP_INIT_ACK] = { CW, CW, CW, CS, CR, CO, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SCTP_COOKIE_ECHO] = { CR, IN, IN, CR, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SCTP_COOKIE_ACK] = { ES, I1, IN, CS, CR, CW, CO, ES, ES, SS, SR, SA, RJ, CL },
		[SCTP_SHUTDOWN] = { SR, I1, IN, CS, CR, CW, CO, CE, SR, SS, SR, SA, RJ, CL },
		[SCTP_SHUTDOWN_ACK] = { CL, IN, IN, CS, CR, CW, CO, CE, ES, CL, SR, CL, RJ, CL },
		[SCTP_SHUTDOWN_COMPLETE] = { CL, CL, CL, CS, CR, CW, CO, CE, ES, SS, SR, CL, RJ, CL },
		[SCTP_ERROR] = { CL, I1, IN, CS, CR, CW, CO, CL, ES, SS, SR, SA, RJ, CL },
		[SCTP_ABORT] = { CL, CL, CL, CL, CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL },
	},
	[FROM_SERVER] = {
		[SCTP_DATA] = { IN, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SCTP_INIT] = { CW, CW, CW, CW, CW, CW, CW, CW, ES, CW, CW, CW, CW, CW },
		[SCTP_INIT_ACK] = { CS, CS, CS, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SCTP_COOKIE_ECHO] = { CE, CE, CE, CE, CE, CE, CE, CE, ES, SS, SR, SA, RJ, CL },
		[SCTP_COOKIE_ACK] = { ES, ES, ES, ES, ES, ES, ES, ES, ES, SS, SR, SA, RJ, CL },
		[SCTP_SHUTDOWN] = { SS, SS, SS, SS, SS, SS, SS, SS, SS, SS, SR, SA, RJ, CL },
		[SCTP_SHUTDOWN_ACK] = { SA, SA, SA, SA, SA, CW, CO, CE, ES, SA, SA, SA, RJ, CL },
		[SCTP_SHUTDOWN_COMPLETE] = { IN, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SCTP_ERROR] = { CL, CL, CL, CL, CL, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SCTP_ABORT] = { CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL, CL },
	},
	[FROM_CLIENT_ONLY] = {
		[SCTP_DATA] = { ES, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SCTP_INIT] = { I1, IN, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, IN, IN },
		[SCTP_INIT_ACK] = { CE, CE, CE, CS, CR, CO, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SCTP_COOKIE_ECHO] = { ES, ES, ES, CR, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SCTP_COOKIE_ACK] = { ES, I1, IN, CS, CR, CW, CO, ES, ES, SS, SR, SA, RJ, CL },
		[SCTP_SHUTDOWN] = { SR, I1, IN, CS, CR, CW, CO, CE, SR, SS, SR, SA, RJ, CL },
		[SCTP_SHUTDOWN_ACK] = { CL, IN, IN, CS, CR, CW, CO, CE, CL, CL, SR, CL, RJ, CL },
		[SCTP_SHUTDOWN_COMPLETE] = { CL, CL, CL, CS, CR, CW, CO, CE, ES, SS, CL, CL, RJ, CL },
		[SCTP_ERROR] = { CL, I1, IN, CS, CR, CW, CO, CE, ES, SS, SR, SA, RJ, CL },
		[SCTP_ABORT] = { CL, CL, CL, CL, CL, RJ, CL, CL, CL, CL, CL, CL, CL, CL },
	},
};

always_inline __u32 sctp_next_state(__u32 state, __u32 side, const struct packet *p)
{
	__u32 what = p->chunk < SCTP_EVENTS ? p->chunk : SCTP_DATA;

	return SLUICE_STATE_SCTP_NONE + sctp_transitions[side][what][(state - SLUICE_STATE_SCTP_NONE) & 15];
}

#endif
