import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { closeFd, deviceNames, kernelRelease, netnsCookie, objGet, progInfo, readSysctl } from '../kernel/index.js'
import { type Hook, hookName } from './attach.js'
import { surveyDevices } from './devices.js'
import { type Facts, fastMode, gatherFacts, judge, type Mode, namesOfFixes } from './fast/index.js'
import {
  type AttachmentRecord,
  SluiceDrop,
  SluiceDropName,
  SluiceEvent,
  SluiceEventName,
  SluiceHook,
} from './layouts.js'
import { openTable } from './open.js'
import { pin } from './pins.js'
import type { Table } from './table.js'

export interface DeviceStatus {
  readonly device: string
  readonly ifindex: number
  /** Where the datapath stands at it; absent: nowhere. */
  readonly hook?: Hook
  readonly mode?: Mode
  /** Why it stands there, or why not. */
  readonly reason: string
  /** ISO 8601. */
  readonly since?: string
}

export interface Status {
  readonly kernel: string
  /** Hexadecimal; also the name of the table's directory. */
  readonly netnsCookie: string
  /** Where the table is pinned; absent: none has been made in this namespace. */
  readonly table?: string
  /** Paths of the files that show the table as /proc/net shows IPVS's; none where the kernel has no type information. */
  readonly files: readonly string[]
  readonly program?: { readonly id: number; readonly tag: string }
  /** True: devices are attached by themselves. */
  readonly automatic: boolean
  readonly devices: readonly DeviceStatus[]
  readonly sysctls: Readonly<Record<string, string>>
  /** `size`: how many fit of each family; `bytes`: what one of IPv4 takes in all maps together, with NAT. */
  readonly connections: { readonly used: number; readonly size: number; readonly bytes: number }
  readonly drops: Readonly<Record<string, bigint>>
  readonly events: Readonly<Record<string, bigint>>
}

/** What stands where in this network namespace, in which mode and why, and what was counted. */
export function status(): Status {
  const table = openTable()
  const base = { kernel: kernelRelease(), netnsCookie: netnsCookie().toString(16) }
  if (!table) {
    return {
      ...base,
      automatic: true,
      files: [],
      devices: surveyDevices().map(({ device, reason }) => ({
        device: device.name,
        ifindex: device.ifindex,
        reason: reason ?? 'the first service that is added attaches it',
      })),
      sysctls: {},
      connections: { used: 0, size: 0, bytes: 0 },
      drops: {},
      events: {},
    }
  }
  try {
    let used = 0
    for (const _ of table.connections()) used += 1
    const program = objGet(join(table.directory, pin.program))
    const { id, tag } = progInfo(program)
    closeFd(program)
    return {
      ...base,
      table: table.directory,
      files: Object.values(pin.files)
        .map((name) => join(table.directory, name))
        .filter((path) => existsSync(path)),
      program: { id, tag },
      automatic: table.settings.manual === 0,
      devices: deviceStatus(table),
      sysctls: Object.fromEntries(
        shownSysctls.flatMap((name) => {
          try {
            return [[name, readSysctl(name)]]
          } catch {
            // a kernel without IPv6
            return []
          }
        }),
      ),
      connections: { used, size: table.connectionCapacity, bytes: table.connectionBytes },
      drops: named(SluiceDrop.COUNT, SluiceDropName, (i) => table.drops(i)),
      events: named(SluiceEvent.COUNT, SluiceEventName, (i) => table.events(i)),
    }
  } finally {
    table.close()
  }
}

const shownSysctls = [
  'net.ipv4.conf.lo.forwarding',
  'net.ipv4.conf.lo.accept_local',
  'net.ipv6.conf.lo.forwarding',
  'net.ipv4.ip_forward',
]

function deviceStatus(table: Table): DeviceStatus[] {
  const present = new Set(deviceNames().map(({ ifindex }) => ifindex))
  const survey = surveyDevices()
  const all = survey.map(({ device }) => device)
  return survey
    .filter(({ device }) => present.has(device.ifindex))
    .map(({ device, reason }) => {
      const attachment = table.attachment(device.ifindex)
      const about = { device: device.name, ifindex: device.ifindex }
      if (!attachment || attachment.hook === SluiceHook.NONE) {
        const why = table.settings.manual !== 0 ? 'not among the devices named' : 'new: the next edit attaches it'
        return { ...about, reason: reason ?? why }
      }
      const hook = hookName(attachment.hook)
      const since = new Date(Number(attachment.since / 1_000_000n)).toISOString()
      const facts = gatherFacts(table, device, all)
      return {
        ...about,
        hook,
        mode: fastMode(attachment.fast) ?? 'tc',
        reason: reasonOf(facts, attachment, hook),
        since,
      }
    })
}

/** Why the datapath stands at a device as it does, and what was changed for it. */
function reasonOf(facts: Facts, attachment: AttachmentRecord, hook: Hook): string {
  const mode = fastMode(attachment.fast)
  const beneath = hook === 'tcx' ? 'TC by a TCX link: complete, sees GSO' : 'TC by clsact: this kernel has no TCX'
  const asked = attachment.asked === 1
  // the device as it is by now
  const judged = judge(facts, asked ? (mode ?? 'tc') : 'auto', false)
  const why = 'code' in judged ? Object.values(judged.details).slice(1).join(', ') : judged.why
  if (mode === undefined) {
    const choice = 'code' in judged || judged.mode === 'tc' ? why : `${why}: sluice attach --mode auto chooses XDP`
    return `${beneath}; ${choice}`
  }
  const peer = facts.peer === undefined || facts.peer === 'hidden' ? 'its other end' : facts.peer.name
  return [
    `XDP ${mode === 'xdp' ? 'in the driver' : 'in the stack'}, TC beneath`,
    why,
    ...namesOfFixes(attachment, peer),
  ].join('; ')
}

function named(count: number, names: Readonly<Record<number, string>>, read: (i: number) => bigint) {
  const out: Record<string, bigint> = {}
  for (let i = 0; i < count; i += 1) out[(names[i] ?? String(i)).toLowerCase()] = read(i)
  return out
}
