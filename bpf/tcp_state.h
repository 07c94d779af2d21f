/* SPDX-License-Identifier: GPL-2.0-only */
/* TCP as a director sees it: IPVS's transitions, by the flag that weighs most and the side that sent it. */
#ifndef SLUICE_TCP_STATE_H
#define SLUICE_TCP_STATE_H

#include "packet.h"

#define NO SLUICE_STATE_NONE
#define ES SLUICE_STATE_ESTABLISHED
#define SS SLUICE_STATE_SYN_SENT
#define SR SLUICE_STATE_SYN_RECV
#define FW SLUICE_STATE_FIN_WAIT
#define TW SLUICE_STATE_TIME_WAIT
#define CL SLUICE_STATE_CLOSE
#define CW SLUICE_STATE_CLOSE_WAIT
#define LA SLUICE_STATE_LAST_ACK
#define LI SLUICE_STATE_LISTEN
#define SA SLUICE_STATE_SYNACK

enum { EVENT_SYN, EVENT_FIN, EVENT_ACK, EVENT_RST };
enum { FROM_CLIENT, FROM_SERVER, FROM_CLIENT_ONLY /* the director does not see the server's packets */ };

/* [side][event][state]; rows padded to 16 so that a masked index needs no bound check. */
static const __u8 tcp_transitions[3][4][16] = {
	[FROM_CLIENT] = {
		/*               NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA */
		[EVENT_SYN] = { SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR },
		[EVENT_FIN] = { CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, TW },
		[EVENT_ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES },
		[EVENT_RST] = { CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, SR },
	},
	[FROM_SERVER] = {
		[EVENT_SYN] = { SS, ES, SS, SR, SS, SS, SS, SS, SS, LI, SR },
		[EVENT_FIN] = { TW, FW, SS, TW, FW, TW, CL, TW, LA, LI, TW },
		[EVENT_ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, LA, ES, ES },
		[EVENT_RST] = { CL, CL, SS, CL, CL, TW, CL, CL, CL, CL, CL },
	},
	[FROM_CLIENT_ONLY] = {
		[EVENT_SYN] = { SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR },
		[EVENT_FIN] = { CL, FW, SS, TW, FW, TW, CL, CW, LA, LI, TW },
		[EVENT_ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES },
		[EVENT_RST] = { CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL },
	},
};

/* Under secure_tcp: what is not acknowledged by both sides stays short-lived. */
static const __u8 tcp_secured_transitions[3][4][16] = {
	[FROM_CLIENT] = {
		/*               NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA */
		[EVENT_SYN] = { SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SA },
		[EVENT_FIN] = { CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, SA },
		[EVENT_ACK] = { ES, ES, SS, SR, FW, TW, CL, CW, CL, LI, SA },
		[EVENT_RST] = { CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL },
	},
	[FROM_SERVER] = {
		[EVENT_SYN] = { SS, ES, SS, SA, SS, SS, SS, SS, SS, LI, SA },
		[EVENT_FIN] = { TW, FW, SS, TW, FW, TW, CL, TW, LA, LI, TW },
		[EVENT_ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, LA, ES, ES },
		[EVENT_RST] = { CL, CL, SS, CL, CL, TW, CL, CL, CL, CL, CL },
	},
	[FROM_CLIENT_ONLY] = {
		[EVENT_SYN] = { SA, ES, ES, SR, SA, SA, SA, SA, SA, SA, SA },
		[EVENT_FIN] = { CL, FW, SS, TW, FW, TW, CL, CW, LA, LI, TW },
		[EVENT_ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES },
		[EVENT_RST] = { CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL },
	},
};

#undef NO
#undef ES
#undef SS
#undef SR
#undef FW
#undef TW
#undef CL
#undef CW
#undef LA
#undef LI
#undef SA

/* Established or about to be: what schedulers weigh as an active connection. */
#define ACTIVE_STATES                                                                                                  \
	(1u << SLUICE_STATE_ESTABLISHED | 1u << SLUICE_STATE_SYN_SENT | 1u << SLUICE_STATE_SYN_RECV |                  \
	 1u << SLUICE_STATE_SYNACK | 1u << SLUICE_STATE_SCTP_ESTABLISHED)

always_inline __u32 tcp_next_state(__u32 state, __u32 side, const struct packet *p, int secured)
{
	__u32 what;

	if (p->rst)
		what = EVENT_RST;
	else if (p->syn)
		what = EVENT_SYN;
	else if (p->fin)
		what = EVENT_FIN;
	else if (p->ack)
		what = EVENT_ACK;
	else
		return SLUICE_STATE_CLOSE;
	if (secured)
		return tcp_secured_transitions[side][what][state & 15];
	return tcp_transitions[side][what][state & 15];
}

#endif
