import { existsSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import {
  closeFd,
  deviceNames,
  type Fd,
  hasTcx,
  KernelError,
  linkCreateTcx,
  linkInfo,
  linkUpdate,
  objGet,
  objPin,
  tcAttach,
  tcDetach,
} from '../kernel/index.js'
import { surveyDevices } from './devices.js'
import { AttachmentRecord, SluiceHook } from './layouts.js'
import { switchBack, switchOn } from './loopback.js'
import { besideOf, pin, removePins } from './pins.js'
import type { Table } from './table.js'

/** Our filter among those of a clsact qdisc. */
const FILTER = { handle: 0x51, priority: 0x51 } as const

/** Where the datapath stands at a device. */
export type Hook = 'tcx' | 'clsact'

export interface AttachResult {
  readonly device: string
  readonly ifindex: number
  readonly hook: Hook
  /** False: it was attached before. */
  readonly changed: boolean
}

/**
 * Attaches the datapath to every fit device that it does not stand at yet, `lo` included, unless devices were ever
 * named by hand. Cheap where nothing is new. The caller holds the table's lock.
 */
export function attachNewDevices(table: Table): AttachResult[] {
  switchOn(table)
  if (table.settings.manual !== 0) return []
  const known = table.attachments()
  if (deviceNames().every(({ ifindex }) => known.has(ifindex))) return []
  forgetGoneDevices(table, known)
  const results: AttachResult[] = []
  for (const { device, reason } of surveyDevices()) {
    if (known.has(device.ifindex)) continue
    if (reason === undefined) results.push(attachDevice(table, device.name, device.ifindex))
    else table.setAttachment(device.ifindex, attachment(SluiceHook.NONE))
  }
  return results
}

/**
 * Attaches the datapath to the devices named, or to every fit one. Naming devices makes the choice the user's: from
 * then on none is attached by itself. The caller holds the table's lock.
 *
 * @throws SluiceError SLUICE_NO_DEVICE, SLUICE_BAD_DEVICE
 */
export function attachDevices(table: Table, names?: readonly string[]): AttachResult[] {
  const survey = surveyDevices()
  const chosen = names?.map((name) => {
    const found = survey.find(({ device }) => device.name === name)
    if (!found) throw new SluiceError('SLUICE_NO_DEVICE', { device: name })
    if (found.reason !== undefined) throw new SluiceError('SLUICE_BAD_DEVICE', { device: name, reason: found.reason })
    return found.device
  })
  switchOn(table)
  forgetGoneDevices(table, table.attachments())
  table.settings.manual = chosen ? 1 : 0
  const targets = chosen ?? survey.filter(({ reason }) => reason === undefined).map(({ device }) => device)
  return targets.map((device) => attachDevice(table, device.name, device.ifindex))
}

/**
 * Takes the datapath off the devices named, or off all. Connections stay in the table. The caller holds its lock.
 *
 * @returns the devices that it stood at.
 * @throws SluiceError SLUICE_NO_DEVICE for a name that it does not stand at
 */
export function detachDevices(table: Table, names?: readonly string[]): string[] {
  const here = new Map(deviceNames().map(({ ifindex, name }) => [ifindex, name]))
  const attached = [...table.attachments()]
  const targets = names
    ? names.map((name) => {
        const found = attached.find(([ifindex, a]) => a.hook !== SluiceHook.NONE && here.get(ifindex) === name)
        if (!found) throw new SluiceError('SLUICE_NOT_ATTACHED', { device: name })
        return found
      })
    : attached
  if (names) table.settings.manual = 1
  const left: string[] = []
  for (const [ifindex, record] of targets) {
    if (record.hook !== SluiceHook.NONE) left.push(here.get(ifindex) ?? `ifindex ${ifindex}`)
    removeFrom(table, ifindex, record, here.has(ifindex))
  }
  if (![...table.attachments().values()].some((a) => a.hook !== SluiceHook.NONE)) switchBack(table)
  return left
}

/** Takes the datapath off every device and removes the table: services, connections, counters. */
export function removeTable(table: Table): void {
  detachDevices(table)
  removePins(table.directory)
  removePins(besideOf(table.directory))
}

function attachment(hook: SluiceHook, ownQdisc = false): AttachmentRecord {
  const record = AttachmentRecord.allocate()
  record.hook = hook
  record.ownQdisc = ownQdisc ? 1 : 0
  record.since = BigInt(Date.now()) * 1_000_000n
  return record
}

function attachDevice(table: Table, device: string, ifindex: number): AttachResult {
  const record = table.attachment(ifindex)
  if (record && record.hook !== SluiceHook.NONE && stands(table, ifindex, record))
    return { device, ifindex, hook: hookName(record.hook), changed: false }
  const program = objGet(join(table.directory, pin.program))
  try {
    if (hasTcx()) {
      const path = join(table.directory, pin.link(ifindex))
      if (existsSync(path)) unlinkSync(path)
      const link = linkCreateTcx(program, ifindex)
      try {
        objPin(link, path)
      } finally {
        closeFd(link)
      }
      table.setAttachment(ifindex, attachment(SluiceHook.TCX))
      if (table.settings.localServers) attachOutputTo(table, ifindex)
      return { device, ifindex, hook: 'tcx', changed: true }
    }
    const { createdQdisc } = tcAttach(ifindex, program, { ...FILTER, replace: true })
    table.setAttachment(ifindex, attachment(SluiceHook.CLSACT, createdQdisc || record?.ownQdisc === 1))
    if (table.settings.localServers) attachOutputTo(table, ifindex)
    return { device, ifindex, hook: 'clsact', changed: true }
  } finally {
    closeFd(program)
  }
}

/**
 * Puts the program at the egress of every device that it stands at, and of those that come: the packets of a server of
 * NAT that is the director itself leave by the director's own stack, which no ingress sees. The caller holds the table's
 * lock.
 */
export function attachOutput(table: Table): void {
  table.settings.localServers = 1
  const here = new Set(deviceNames().map(({ ifindex }) => ifindex))
  for (const [ifindex, record] of table.attachments())
    if (record.hook !== SluiceHook.NONE && here.has(ifindex)) attachOutputTo(table, ifindex)
}

function attachOutputTo(table: Table, ifindex: number): void {
  const record = table.attachment(ifindex)
  if (!record || record.output === 1) return
  const program = objGet(join(table.directory, pin.programOut))
  try {
    if (record.hook === SluiceHook.TCX) {
      const path = join(table.directory, pin.linkOut(ifindex))
      if (existsSync(path)) unlinkSync(path)
      const link = linkCreateTcx(program, ifindex, { egress: true })
      try {
        objPin(link, path)
      } finally {
        closeFd(link)
      }
    } else {
      tcAttach(ifindex, program, { ...FILTER, egress: true, replace: true })
    }
  } finally {
    closeFd(program)
  }
  record.output = 1
  table.setAttachment(ifindex, record)
}

/**
 * Puts this version's program in the place of another's at every device. The caller holds the table's lock.
 * @returns the devices' names.
 */
export function replacePrograms(table: Table): string[] {
  const here = new Map(deviceNames().map(({ ifindex, name }) => [ifindex, name]))
  const [program, output] = [pin.program, pin.programOut].map((name) => objGet(join(table.directory, name))) as [Fd, Fd]
  let fastFd: Fd | undefined
  const fastProgram = () => {
    fastFd ??= objGet(join(table.directory, pin.programFast))
    return fastFd
  }
  const replaced: string[] = []
  try {
    for (const [ifindex, record] of table.attachments()) {
      const name = here.get(ifindex)
      if (record.hook === SluiceHook.NONE || name === undefined) continue
      if (record.hook === SluiceHook.TCX) {
        updateLink(join(table.directory, pin.link(ifindex)), program)
        if (record.output === 1) updateLink(join(table.directory, pin.linkOut(ifindex)), output)
      } else {
        tcAttach(ifindex, program, { ...FILTER, replace: true })
        if (record.output === 1) tcAttach(ifindex, output, { ...FILTER, egress: true, replace: true })
      }
      const fast = join(table.directory, pin.linkFast(ifindex))
      if (existsSync(fast)) updateLink(fast, fastProgram())
      replaced.push(name)
    }
  } finally {
    for (const fd of [program, output, fastFd]) if (fd !== undefined) closeFd(fd)
  }
  return replaced
}

function updateLink(path: string, program: Fd): void {
  const link = objGet(path)
  try {
    linkUpdate(link, program)
  } catch (error) {
    // of a device that is gone: another one may have its index by now, and is attached anew
    if (!(error instanceof KernelError && error.code === 'ENOLINK')) throw error
  } finally {
    closeFd(link)
  }
}

/** Does the pinned link still stand at the device? An index may have passed to another one. */
function stands(table: Table, ifindex: number, record: AttachmentRecord): boolean {
  if (record.hook !== SluiceHook.TCX) return true
  try {
    const fd = objGet(join(table.directory, pin.link(ifindex)))
    try {
      return linkInfo(fd).tcx?.ifindex === ifindex
    } finally {
      closeFd(fd)
    }
  } catch {
    return false
  }
}

function forgetGoneDevices(table: Table, known: Map<number, AttachmentRecord>): void {
  const here = new Set(deviceNames().map(({ ifindex }) => ifindex))
  for (const [ifindex, record] of known) {
    if (here.has(ifindex)) continue
    removeFrom(table, ifindex, record, false)
    known.delete(ifindex)
  }
}

function removeFrom(table: Table, ifindex: number, record: AttachmentRecord, present: boolean): void {
  if (record.hook === SluiceHook.TCX) {
    for (const path of [pin.linkOut(ifindex), pin.link(ifindex)].map((name) => join(table.directory, name)))
      if (existsSync(path)) unlinkSync(path)
  } else if (record.hook === SluiceHook.CLSACT && present) {
    if (record.output === 1) tcDetach(ifindex, { ...FILTER, egress: true })
    tcDetach(ifindex, { ...FILTER, removeQdisc: record.ownQdisc === 1 })
  }
  table.removeAttachment(ifindex)
}

export function hookName(hook: number): Hook {
  return hook === SluiceHook.TCX ? 'tcx' : 'clsact'
}
