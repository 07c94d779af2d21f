/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet of the client's leaves, by the method of its connection and the families of both sides. */
#ifndef SLUICE_METHODS_H
#define SLUICE_METHODS_H

#include "xmit_tunnel.h"

always_inline int xmit_request(hook_ctx *ctx, const __u32 family, struct packet *p, const struct connection *c,
			       const struct server *server)
{
	const struct server_options *options = server_options_get(server);
	const struct address6 *wide = (const void *)server->address;
	__u32 port_and_local = c->dport | (__u32)options->local << 16;

	/* the server is this host: unless the packet is rewritten, its stack has it for the taking */
	if (options->local && c->method != SLUICE_METHOD_MASQ)
		return VERDICT_STACK;
	switch (c->method) {
	case SLUICE_METHOD_MASQ:
		if (family == SLUICE_FAMILY_INET6)
			return xmit_nat6(ctx, p, REWRITE_DESTINATION, wide, port_and_local);
		return xmit_nat(ctx, p, REWRITE_DESTINATION, wide->word[0], port_and_local);
	case SLUICE_METHOD_ROUTE:
		return family == SLUICE_FAMILY_INET6 ? xmit_route6(ctx, p, wide) : xmit_route(ctx, p, wide->word[0]);
	case SLUICE_METHOD_TUNNEL:
		if (family == SLUICE_FAMILY_INET && server->family == SLUICE_FAMILY_INET && options->tunnel == SLUICE_TUNNEL_IPIP)
			return xmit_ipip(ctx, p, c->server);
		return xmit_tunnel(ctx, p, c->server);
	}
	return VERDICT_STACK;
}

#endif
