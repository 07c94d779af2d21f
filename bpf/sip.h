/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The persistence engine "sip": a call's packets go to one server. A call is known by the Call-ID of its messages (RFC
 * 3261 section 20.8), which is read as IPVS reads it: the first header of that name, long or short, in a line that is not
 * the message's first.
 */
#ifndef SLUICE_SIP_H
#define SLUICE_SIP_H

#include "counters.h"

#define UDP_HEADER 8
/* Each byte is looked at once, but for some where a header's name or value turns out to be none. */
#define SIP_STEPS (SIP_TEXT + 1024)

enum sip_state {
	SIP_SKIP, /* to the line's end */
	SIP_LINE_END, /* after the first byte of a line's end */
	SIP_LINE, /* at a line's first byte */
	SIP_NAME, /* in what may be the header's name */
	SIP_SHORT_NAME, /* after what may be its short name */
	SIP_COLON, /* before the colon */
	SIP_VALUE, /* before the value */
	SIP_WORD, /* in the value */
	SIP_FOLD, /* after the first byte of a line's end before the colon or the value */
	SIP_FOUND,
	SIP_FAILED,
};

struct sip_walk {
	__u32 state;
	__u32 at;
	__u32 length; /* of the text */
	__u32 known; /* bytes of the name */
	__u32 start; /* of the value */
	__u32 domain; /* where the value's part after @ begins; 0: no @ yet */
	__u32 before; /* the state before a fold */
	__u32 last; /* the first byte of a line's end */
};

always_inline __u8 sip_lower(__u8 c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* As the kernel's ctype has it, Latin-1. */
always_inline int sip_is_letter(__u8 c)
{
	__u8 low = sip_lower(c);

	return (low >= 'a' && low <= 'z') || (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

#define BIT(c) (1ULL << ((c) & 63))

/* RFC 3261 section 25.1: "word". */
always_inline int sip_is_word(__u8 c)
{
	/* ! " % ' ( ) * + - . / 0-9 : < > ? */
	const __u64 low = BIT('!') | BIT('"') | BIT('%') | BIT('\'') | BIT('(') | BIT(')') | BIT('*') | BIT('+') | BIT('-') |
			  BIT('.') | BIT('/') | 0x3ffULL << '0' | BIT(':') | BIT('<') | BIT('>') | BIT('?');
	/* [ \ ] _ ` { } ~ */
	const __u64 high = BIT('[') | BIT('\\') | BIT(']') | BIT('_') | BIT('`') | BIT('{') | BIT('}') | BIT('~');

	if (sip_is_letter(c))
		return 1;
	if (c >= 128)
		return 0;
	return ((c < 64 ? low : high) >> (c & 63)) & 1;
}

always_inline int sip_is_end(__u8 c)
{
	return c == '\r' || c == '\n';
}

always_inline int sip_is_space(__u8 c)
{
	return c == ' ' || c == '\t';
}

/* The value's end. */
always_inline void sip_judge(struct sip_walk *w, __u8 c)
{
	__u32 length = w->at - w->start;

	if (!length || (w->domain && w->domain == w->at)) {
		/* no value: perhaps there is another such header */
		w->at = w->start;
		w->domain = 0;
		w->state = SIP_SKIP;
	} else {
		w->state = length <= CALL_ID && sip_is_end(c) ? SIP_FOUND : SIP_FAILED;
	}
}

static long sip_step(__u32 i, struct sip_walk *w)
{
	const char name[8] = "call-id";
	__u32 zero = 0;
	struct call_scratch *s = bpf_map_lookup_elem(&call_scratch, &zero);
	__u8 c;

	(void)i;
	if (!s || w->at >= w->length || w->state >= SIP_FOUND)
		return 1;
	c = s->text[w->at & (SIP_TEXT - 1)];
	if (w->state == SIP_LINE_END) {
		w->state = SIP_LINE;
		if (w->last == '\r' && c == '\n') {
			w->at++;
			return 0;
		}
	}
	switch (w->state) {
	case SIP_SKIP:
		if (sip_is_end(c)) {
			w->last = c;
			w->state = SIP_LINE_END;
		}
		w->at++;
		return 0;
	case SIP_LINE:
		w->at++;
		w->known = 1;
		w->state = sip_lower(c) == 'c' ? SIP_NAME : sip_lower(c) == 'i' ? SIP_SHORT_NAME : SIP_SKIP;
		return 0;
	case SIP_NAME:
		if (sip_lower(c) != name[w->known & 7]) {
			w->state = SIP_SKIP;
			return 0;
		}
		w->at++;
		w->known++;
		if (w->known == 7)
			w->state = SIP_COLON;
		return 0;
	case SIP_SHORT_NAME:
		w->state = sip_is_letter(c) ? SIP_SKIP : SIP_COLON;
		return 0;
	case SIP_COLON:
	case SIP_VALUE:
		if (sip_is_end(c)) {
			w->last = c;
			w->before = w->state;
			w->state = SIP_FOLD;
		} else if (w->state == SIP_COLON && !sip_is_space(c)) {
			w->state = c == ':' ? SIP_VALUE : SIP_FAILED;
		} else if (!sip_is_space(c)) {
			w->start = w->at;
			w->state = SIP_WORD;
			return 0;
		}
		w->at++;
		return 0;
	case SIP_FOLD:
		if (w->last == '\r' && c == '\n')
			w->last = 0;
		else
			w->state = sip_is_space(c) ? w->before : SIP_FAILED;
		w->at++;
		return 0;
	case SIP_WORD:
		if (sip_is_word(c)) {
			w->at++;
		} else if (c == '@' && !w->domain && w->at > w->start) {
			w->at++;
			w->domain = w->at;
		} else {
			sip_judge(w, c);
		}
		return 0;
	}
	return 1;
}

/* A number of bytes from 1 to `most`, a power of two, as it is, in the words that the verifier of 6.1 understands. */
always_inline __u32 sip_bytes(__u32 length, __u32 most)
{
	length--;
	asm volatile("" : "+r"(length));
	return (length & (most - 1)) + 1;
}

/* Reads the Call-ID of a UDP packet into this CPU's scratch. False: it has none. */
verified_apart int sip_read(hook_ctx *ctx, const struct packet *p)
{
	__u32 zero = 0, offset, headers, length;
	struct call_scratch *s = bpf_map_lookup_elem(&call_scratch, &zero);
	struct sip_walk walk;

	if (!s || !p || p->flow.protocol != IPPROTO_UDP)
		return 0;
	offset = p->l4 + UDP_HEADER;
	headers = offset - ETH_LEN;
	if (p->ip_len <= headers)
		return 0;
	length = p->ip_len - headers;
	if (length > SIP_TEXT)
		length = SIP_TEXT;
	walk.length = length;
	walk.state = walk.at = walk.known = walk.start = walk.domain = walk.before = walk.last = zero_unknown(length);
	if (bpf_skb_load_bytes(ctx, offset, s->text, sip_bytes(length, SIP_TEXT)))
		return 0;
	bpf_loop(SIP_STEPS, sip_step, &walk, 0);
	if (walk.state != SIP_FOUND)
		return 0;
	length = walk.at - walk.start;
	offset += walk.start;
	__builtin_memset(s->key.id, 0, sizeof(s->key.id));
	if (bpf_skb_load_bytes(ctx, offset, s->key.id, sip_bytes(length, CALL_ID + 1)))
		return 0;
	s->key.length = length;
	return 1;
}

#endif
