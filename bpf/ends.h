/* SPDX-License-Identifier: GPL-2.0-only */
/* The addresses that the packets of a connection with full NAT have, on either side of the director. */
#ifndef SLUICE_ENDS_H
#define SLUICE_ENDS_H

#include "connection.h"
#include "packet6.h"

/* Source and destination, as a header has them one behind the other. */
struct ends6 {
	struct address6 source;
	struct address6 destination;
};

/* What a connection's packets have on the server's side: those to the server, or (`turned`) those from it. */
always_inline void ends6_of_server(const struct server *server, const struct local_address *local, int turned,
				   struct ends6 *ends)
{
	__builtin_memcpy(turned ? &ends->destination : &ends->source, local->address, sizeof(struct address6));
	__builtin_memcpy(turned ? &ends->source : &ends->destination, server->address, sizeof(struct address6));
}

/* The same on the client's side: those to the client, or (`turned`) those from it. */
always_inline void ends6_of_client(const struct connection6 *c, int turned, struct ends6 *ends)
{
	__builtin_memcpy(turned ? &ends->destination : &ends->source, c->vaddr, sizeof(struct address6));
	__builtin_memcpy(turned ? &ends->source : &ends->destination, c->caddr, sizeof(struct address6));
}

#endif
