import { existsSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import {
  closeFd,
  type Device,
  deviceNames,
  devices,
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
import {
  type AskedMode,
  attachFast,
  describeDevices,
  detachFast,
  type Facts,
  fastMode,
  gatherFacts,
  type Judgement,
  judge,
  type Mode,
  makeFixes,
  undoFixes,
} from './fast/index.js'
import { AttachmentRecord, SluiceFast, SluiceHook } from './layouts.js'
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
  readonly mode: Mode
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
 * Has a device come since the datapath was last attached by itself? Not where devices are named by hand, nor where it was
 * taken off all of them.
 */
export function hasNewDevices(table: Table): boolean {
  if (table.settings.manual !== 0) return false
  const known = table.attachments()
  return known.size > 0 && !deviceNames().every(({ ifindex }) => known.has(ifindex))
}

export interface AttachOptions {
  /** Default `tc`. With `auto` each device is looked at. */
  readonly mode?: AskedMode
  /** What stands in XDP's way may be changed, until detach puts it back. */
  readonly fix?: boolean
}

/**
 * Attaches the datapath to the devices named, or to every fit one. Naming devices makes the choice the user's: from
 * then on none is attached by itself. All or nothing: where one device refuses, what was done to the others is undone. The
 * caller holds the table's lock.
 *
 * @throws SluiceError SLUICE_NO_DEVICE, SLUICE_BAD_DEVICE, SLUICE_NO_XDP, SLUICE_XDP_TAKEN
 */
export function attachDevices(table: Table, names?: readonly string[], options: AttachOptions = {}): AttachResult[] {
  forgetGoneDevices(table, table.attachments())
  const plans = planAll(table, names, options)
  const undo: (() => void)[] = []
  try {
    if (![...table.attachments().values()].some((a) => a.hook !== SluiceHook.NONE)) undo.push(() => switchBack(table))
    switchOn(table)
    const results = plans.map((each) => carryOut(table, each, undo))
    describeFast(table)
    table.settings.manual = names ? 1 : 0
    return results
  } catch (error) {
    for (const step of undo.reverse()) step()
    describeFast(table)
    throw error
  }
}

/**
 * Asks whether {@link attachDevices} would refuse, before there is a table.
 * @throws SluiceError SLUICE_NO_DEVICE, SLUICE_BAD_DEVICE, SLUICE_NO_XDP, SLUICE_XDP_TAKEN
 */
export function checkDevices(names?: readonly string[], options: AttachOptions = {}): void {
  planAll(undefined, names, options)
}

/** What is to be done: every device is asked before the first one is touched. */
function planAll(table: Table | undefined, names: readonly string[] | undefined, options: AttachOptions): Plan[] {
  const survey = surveyDevices()
  const chosen = names?.map((name) => {
    const found = survey.find(({ device }) => device.name === name)
    if (!found) throw new SluiceError('SLUICE_NO_DEVICE', { device: name })
    if (found.reason !== undefined) throw new SluiceError('SLUICE_BAD_DEVICE', { device: name, reason: found.reason })
    return found.device
  })
  const all = survey.map(({ device }) => device)
  const targets = chosen ?? survey.filter(({ reason }) => reason === undefined).map(({ device }) => device)
  return targets.map((device) => plan(table, device, all, chosen !== undefined, options))
}

interface Plan extends Judgement {
  readonly device: Device
  readonly facts: Facts
  readonly asked: AskedMode
}

/** @param named on the command line; without, the loopback, which has no XDP, goes by TC whatever is asked for */
function plan(
  table: Table | undefined,
  device: Device,
  all: readonly Device[],
  named: boolean,
  options: AttachOptions,
): Plan {
  const { mode = 'tc', fix = false } = options
  const facts = gatherFacts(table, device, all)
  const asked = facts.loopback && !named && mode !== 'auto' ? 'tc' : mode
  const judged = judge(facts, asked, fix)
  if ('code' in judged) throw new SluiceError(judged.code, judged.details)
  return { ...judged, device, facts, asked }
}

/** TC first, which takes what XDP leaves; then the fast path, where it is to be. */
function carryOut(table: Table, { device, facts, asked, mode, fixes }: Plan, undo: (() => void)[]): AttachResult {
  const { name, ifindex } = device
  const result = attachDevice(table, name, ifindex)
  const record = table.attachment(ifindex) as AttachmentRecord
  if (result.changed) undo.push(() => removeFrom(table, ifindex, table.attachment(ifindex) ?? record, true))
  const before = fastMode(record.fast)
  const store = () => table.setAttachment(ifindex, record)
  if (before !== undefined && before !== mode) {
    undo.push(() => setFast(table, device, record, before))
    setFast(table, device, record, 'tc')
  }
  if (mode !== 'tc') {
    if (before === undefined) undo.push(() => setFast(table, device, record, 'tc'))
    undo.push(() => {
      if (record.fixed) undoFixes(facts, record)
      store()
    })
    makeFixes(facts, fixes, record, store)
    setFast(table, device, record, mode)
  } else if (record.fixed) {
    undoFixes(facts, record)
  }
  record.asked = asked === 'auto' ? 0 : 1
  store()
  return { ...result, mode, changed: result.changed || before !== (mode === 'tc' ? undefined : mode) }
}

/** Puts the fast path of a mode in front of a device, or none. */
function setFast(table: Table, { name, ifindex }: Device, record: AttachmentRecord, mode: Mode): void {
  if (mode === 'tc') detachFast(table, ifindex)
  else attachFast(table, name, ifindex, mode)
  record.fast = fastOf[mode]
  table.setAttachment(ifindex, record)
}

const fastOf: Readonly<Record<Mode, SluiceFast>> = {
  tc: SluiceFast.NONE,
  xdp: SluiceFast.NATIVE,
  'xdp-generic': SluiceFast.GENERIC,
}

/** Tells the fast path what there is to know of the devices, where it stands at any. */
function describeFast(table: Table): void {
  const anywhere = [...table.attachments().values()].some((a) => a.fast !== SluiceFast.NONE)
  const all = anywhere ? devices() : []
  describeDevices(
    table,
    all.map((device) => ({ device, facts: gatherFacts(table, device, all) })),
  )
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
  describeFast(table)
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
    return { device, ifindex, hook: hookName(record.hook), mode: fastMode(record.fast) ?? 'tc', changed: false }
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
      return { device, ifindex, hook: 'tcx', mode: 'tc', changed: true }
    }
    const { createdQdisc } = tcAttach(ifindex, program, { ...FILTER, replace: true })
    table.setAttachment(ifindex, attachment(SluiceHook.CLSACT, createdQdisc || record?.ownQdisc === 1))
    if (table.settings.localServers) attachOutputTo(table, ifindex)
    return { device, ifindex, hook: 'clsact', mode: 'tc', changed: true }
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
  detachFast(table, ifindex)
  if (present && record.fixed) {
    const all = devices()
    const device = all.find((each) => each.ifindex === ifindex)
    if (device) undoFixes(gatherFacts(table, device, all), record)
  }
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
