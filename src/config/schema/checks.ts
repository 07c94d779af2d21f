import * as z from 'zod'
import { dnsTypes } from '../../checks/index.js'
import {
  address,
  command,
  duration,
  flag,
  fraction,
  list,
  object,
  port,
  regularExpression,
  shown,
  text,
  whole,
  word,
} from './fields.js'

/** How often is checked, and how much it takes to be believed. */
export const rhythm = {
  /** From the beginning of one check to that of the next. */
  interval: duration(10).optional(),
  timeout: duration(1).optional(),
  /** Attempts beyond the first before a check has failed. */
  retries: whole(0, 100).optional(),
  retry_delay: duration().optional(),
  /** Checks in a row that must succeed before a server is up. */
  rise: whole(1, 1000).optional(),
  /** Checks in a row that must fail before it is down. */
  fall: whole(1, 1000).optional(),
  /** Part of the interval that is added by chance. */
  jitter: fraction('jitter').optional(),
}

const place = {
  /** Default: the server's. */
  port: port().optional(),
  address: address().optional(),
}

const common = { ...rhythm, ...place }

/** The director's address that it comes from; default: as the routes say. */
const source = { source: address().optional() }

/** Of what goes over TCP or UDP. */
const conversation = {
  ...common,
  ...source,
  /** Asks by the service's own address, at this very server. */
  vip: flag().optional(),
}

/** `200` or `200-299`. */
const statusRange = z
  .union([z.number(), z.string()], { error: (issue) => statusProblem(issue.input) })
  .transform((value, context): readonly [number, number] => {
    const [, low, high] = /^(\d{3})(?:-(\d{3}))?$/.exec(String(value)) ?? []
    if (low !== undefined && Number(low) <= Number(high ?? low)) return [Number(low), Number(high ?? low)]
    context.addIssue({ code: 'custom', message: statusProblem(value), input: value })
    return z.NEVER
  })

const statusProblem = (value: unknown) =>
  `${shown(value)} is no HTTP status; write one such as 200, or a range such as 200-299`

const digestProblem = ({ input }: { readonly input?: unknown }) =>
  `${shown(input)} is no MD5 digest; write 32 hexadecimal digits`

const web = {
  path: text('path', '/health').optional(),
  method: text('HTTP method', 'HEAD').optional(),
  /** The site's name: Host header, and with TLS the server name. */
  host: text('host name', 'www.example.com').optional(),
  status: list('status', statusRange).optional(),
  /** A regular expression that the body must fit. */
  body: regularExpression().optional(),
  /** MD5 of the body. */
  digest: z
    .string({ error: digestProblem })
    .regex(/^[0-9a-f]{32}$/i, { error: digestProblem })
    .optional(),
  headers: z
    .record(z.string(), z.string(), { error: (issue) => `${shown(issue.input)} are no headers; write Name: value` })
    .optional(),
}

const kinds = {
  tcp: object({ kind: z.literal('tcp'), ...conversation }),
  http: object({ kind: z.literal('http'), ...web, ...conversation }),
  https: object({ kind: z.literal('https'), ...web, verify: flag().optional(), ...conversation }),
  grpc: object({
    kind: z.literal('grpc'),
    service: text('service', 'my.Service').optional(),
    tls: flag().optional(),
    ...conversation,
  }),
  dns: object({
    kind: z.literal('dns'),
    name: text('name', 'example.com').optional(),
    type: word(
      'record type',
      Object.keys(dnsTypes) as [keyof typeof dnsTypes, ...(keyof typeof dnsTypes)[]],
    ).optional(),
    ...conversation,
  }),
  smtp: object({ kind: z.literal('smtp'), helo: text('name', 'director.example.com').optional(), ...conversation }),
  udp: object({
    kind: z.literal('udp'),
    /** Text, or `hex:` and digits. */
    payload: z
      .string({ error: (issue) => `${shown(issue.input)} is no payload; write text, or hex: and digits` })
      .refine((value) => !value.startsWith('hex:') || /^hex:(?:[0-9a-f]{2}|[ :])*$/i.test(value), {
        error: (issue) => `${shown(issue.input)} is no payload; write text, or hex: and an even number of digits`,
      })
      .optional(),
    require_reply: flag().optional(),
    min_reply: whole(0, 65535).optional(),
    max_reply: whole(0, 65535).optional(),
    reply: regularExpression().optional(),
    ...conversation,
  }),
  ping: object({ kind: z.literal('ping'), ...common, ...source }),
  script: object({
    kind: z.literal('script'),
    command: command(),
    /** Exit statuses 2 to 255 tell a weight, as keepalived's misc_dynamic. */
    dynamic_weight: flag().optional(),
    ...common,
  }),
  redis: object({
    kind: z.literal('redis'),
    user: text('user', 'monitor').optional(),
    password: text('password', 'secret').optional(),
    ...conversation,
  }),
}

export type CheckKind = keyof typeof kinds

export const checkKinds = Object.keys(kinds) as [CheckKind, ...CheckKind[]]

export const check = z.discriminatedUnion(
  'kind',
  [
    kinds.tcp,
    kinds.http,
    kinds.https,
    kinds.grpc,
    kinds.dns,
    kinds.smtp,
    kinds.udp,
    kinds.ping,
    kinds.script,
    kinds.redis,
  ],
  {
    error: (issue) => {
      if (typeof issue.input !== 'object' || issue.input === null)
        return `${shown(issue.input)} is no check; write keys such as kind: tcp`
      const { kind } = issue.input as { kind?: unknown }
      return kind !== undefined
        ? `${shown(kind)} is no kind of check; write one of ${checkKinds.join(', ')}`
        : `is missing; write one of ${checkKinds.join(', ')}`
    },
  },
)

/** A check by its name, or in place. */
export const checkReference = z.union([text('name of a check', 'web'), check], {
  error: (issue) => `${shown(issue.input)} is no check; write the name of one, or keys such as kind: tcp`,
})
