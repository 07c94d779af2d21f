/* SPDX-License-Identifier: GPL-2.0-only */
/* SCTP's headers (RFC 9260). */
#ifndef SLUICE_SCTP_H
#define SLUICE_SCTP_H

#include <linux/types.h>

struct sctp_header {
	__be16 source;
	__be16 dest;
	__be32 tag;
	__u32 checksum; /* CRC32c, little-endian */
};

struct sctp_chunk {
	__u8 type;
	__u8 flags;
	__be16 length; /* without padding to four bytes */
};

/*
 * gso_size of several SCTP packets in one (the kernel's GSO_BY_FRAGS): they are a list behind common headers, and pulling
 * bytes of it into these would mix them up.
 */
#define SCTP_PACKETS 0xffff

/* What a packet is to the director: kinds of its first chunk. All that are not named are as DATA. */
enum sctp_event {
	SCTP_DATA,
	SCTP_INIT,
	SCTP_INIT_ACK,
	SCTP_COOKIE_ECHO,
	SCTP_COOKIE_ACK,
	SCTP_SHUTDOWN,
	SCTP_SHUTDOWN_ACK,
	SCTP_SHUTDOWN_COMPLETE,
	SCTP_ERROR,
	SCTP_ABORT,
	SCTP_EVENTS,
};

/* The chunk types of RFC 9260 section 3.2. Not 16 of them: the compiler would put that away where its type information is not. */
#define SCTP_CHUNKS 15
static const __u8 sctp_events[SCTP_CHUNKS] = {
	[1] = SCTP_INIT,	  [2] = SCTP_INIT_ACK, [6] = SCTP_ABORT,       [7] = SCTP_SHUTDOWN,
	[8] = SCTP_SHUTDOWN_ACK,  [9] = SCTP_ERROR,    [10] = SCTP_COOKIE_ECHO, [11] = SCTP_COOKIE_ACK,
	[14] = SCTP_SHUTDOWN_COMPLETE,
};

#endif
