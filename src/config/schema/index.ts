import * as z from 'zod'
import { check } from './checks.js'
import { address, device, list, named, object, port, shown, text, whole, word } from './fields.js'
import { defaults, service, timeouts } from './services.js'
import { vrrp } from './vrrp.js'

const sync = object({
  /** The device whose network the messages go to and come from. */
  interface: device(),
  /** Default: both at once. */
  roles: list('roles', word('role', ['master', 'backup'])).optional(),
  id: whole(0, 255, 'synchronization id').optional(),
  group: address().optional(),
  port: port().optional(),
  ttl: whole(1, 255).optional(),
  max_length: whole(1, 65507).optional(),
})

const daemon = object({
  /** When the daemon is stopped: the table goes on forwarding, or its services are removed. Default keep. */
  on_stop: word('end', ['keep', 'remove']).optional(),
  /** Where the record of availability is. */
  availability: text('path', '/var/lib/sluice/availability').optional(),
})

/** Everything that sluice.yaml may say. */
export const configSchema = object({
  daemon: daemon.optional(),
  defaults: defaults.optional(),
  timeouts: timeouts.optional(),
  sysctls: z
    .record(z.string(), z.union([z.string(), z.number()]), {
      error: (issue) => `${shown(issue.input)} are no sysctls; write name: value`,
    })
    .optional(),
  checks: named('check', check).optional(),
  services: named('service', service).optional(),
  vrrp: vrrp.optional(),
  sync: sync.optional(),
})

/** What stands in a file, before anything is understood: what importers write. */
export type ConfigFile = z.input<typeof configSchema>
/** A file that fits the schema: times are milliseconds (of timeouts and persistence: seconds). */
export type ParsedConfig = z.output<typeof configSchema>
export { checkKinds } from './checks.js'
