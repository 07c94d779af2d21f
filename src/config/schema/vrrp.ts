import * as z from 'zod'
import {
  address,
  command,
  device,
  duration,
  flag,
  list,
  named,
  object,
  prefixed,
  shown,
  text,
  whole,
  word,
} from './fields.js'

const notify = object({
  master: command().optional(),
  backup: command().optional(),
  fault: command().optional(),
  stop: command().optional(),
  /** At every change. */
  any: command().optional(),
})

/** Not 0: what a change is worth. 0, or absent: without it the instance is in fault. */
const weight = whole(-253, 253, 'weight').optional()

const tracked = (what: string, name: ReturnType<typeof text> | ReturnType<typeof device>) =>
  list(
    what,
    z.union([name, object({ name, weight })], {
      error: (issue) => `${shown(issue.input)} is none of ${what}; write a name, or {name: …, weight: …}`,
    }),
  )

/** An address, or one with its own device. */
const virtualAddress = z.union(
  [
    prefixed(),
    object({
      address: prefixed(),
      interface: device().optional(),
      /** False: the adverts do not name it (keepalived's virtual_ipaddress_excluded). */
      advertised: flag().optional(),
    }),
  ],
  {
    error: (issue) =>
      `${shown(issue.input)} is no address; write one such as 192.168.10.100/24, or {address: …, interface: …}`,
  },
)

const instance = object({
  interface: device(),
  vrid: whole(1, 255, 'virtual router'),
  version: z
    .union([z.literal(2), z.literal(3)], { error: 'there is no such version of VRRP; write 2 or 3' })
    .optional(),
  priority: whole(1, 255, 'priority').optional(),
  advert_interval: duration(10, 255_000).optional(),
  preempt: flag().optional(),
  preempt_delay: duration(0, 1_000_000).optional(),
  /** Adverts that may be missed. Default 3. */
  down_adverts: whole(1, 100).optional(),
  source: address().optional(),
  /** Adverts go to these instead of the group. */
  peers: list('addresses', address()).optional(),
  authentication: object({
    type: word('authentication', ['password']).optional(),
    password: text('password', 'secret'),
  }).optional(),
  addresses: list('addresses', virtualAddress),
  garp: object({
    repeat: whole(0, 100).optional(),
    /** Until the second row. */
    delay: duration().optional(),
    /** Between rows while it is master; 0: none. */
    refresh: duration().optional(),
    refresh_repeat: whole(0, 100).optional(),
  }).optional(),
  track: object({
    interfaces: tracked('interfaces', device()).optional(),
    scripts: tracked('scripts', text('name of a script', 'chk_web')).optional(),
    services: tracked('services', text('name of a service', 'web')).optional(),
  }).optional(),
  notify: notify.optional(),
})

const script = object({
  command: command(),
  interval: duration(10).optional(),
  timeout: duration(1).optional(),
  rise: whole(1, 1000).optional(),
  fall: whole(1, 1000).optional(),
  /** For instances that do not say otherwise. */
  weight,
})

const group = object({ instances: list('instances', text('name of an instance', 'VI_1')), notify: notify.optional() })

export const vrrp = object({
  instances: named('instance', instance).optional(),
  scripts: named('script', script).optional(),
  groups: named('group', group).optional(),
  /** A named pipe that every change is written to. */
  notify_fifo: text('path', '/run/sluice/notify').optional(),
})
