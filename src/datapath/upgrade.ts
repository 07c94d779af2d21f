import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import {
  closeFd,
  type Fd,
  lock,
  mapInfo,
  mapLookup,
  mapUpdate,
  objGet,
  objPin,
  progInfo,
  renameExchange,
} from '../kernel/index.js'
import { replacePrograms } from './attach.js'
import { copyMap, keysOf } from './carry.js'
import { pinFastProgram } from './fast/program.js'
import { HandOver } from './hand-over.js'
import { maps, SelfRecord, SettingsRecord, SluiceHold, SluiceSuccessor, TurnRecord } from './layouts.js'
import { digest, initialize, LAYOUT_VERSION, LOADING_MS, loadDatapath, pinDatapath, startTimers, TURN } from './load.js'
import { readObject } from './object.js'
import { besideOf, ensurePinRoot, listPins, pin, pinName, pinRoot, removePins } from './pins.js'
import { copySettings, planMaps } from './plan.js'
import { Table } from './table.js'

export interface UpgradeOptions {
  /** The compiled datapath. Default: the one that is shipped. */
  readonly object?: Uint8Array
  /** Is told of each step once it is done. */
  readonly progress?: (step: UpgradeStep) => void
}

/** The steps in their order. With `handed over` the new program is in force; all that follows is tidying up. */
export type UpgradeStep = 'loaded' | 'held' | 'copied' | 'started' | 'handed over' | 'renamed' | 'replaced'

export interface Upgrade {
  /** False: this version's program was running already. */
  readonly changed: boolean
  /** Layout versions of the table. */
  readonly from: number
  readonly to: number
  /** Tag of the program that runs now. */
  readonly tag: string
  /** Maps that both versions share, and those whose contents were carried over. */
  readonly kept: readonly string[]
  readonly carried: readonly string[]
  /** How long packets of the table's services were dropped, milliseconds; 0: never. */
  readonly heldMs: number
  /** Devices where the program was replaced. */
  readonly devices: readonly string[]
}

/**
 * Puts this version's program in the place of the one that runs in this network namespace, connections and all. Packets
 * go on being forwarded while it is loaded; only where the layout of what packets write has changed are they dropped while that is
 * copied, which their senders bear. Killed at any moment, it leaves either version at work.
 *
 * @returns undefined where there is no table.
 * @throws SluiceError SLUICE_NO_UPGRADE for a table that cannot be carried over; nothing has changed then
 */
export function upgradeTable({
  object = readObject('sluice'),
  progress = () => {},
}: UpgradeOptions = {}): Upgrade | undefined {
  const held = lock(ensurePinRoot(), 'exclusive', { timeoutMs: LOADING_MS })
  try {
    const directory = join(pinRoot(), pinName())
    if (!existsSync(directory)) return undefined
    finishUpgrade(directory)
    return carryOver(directory, object, progress)
  } finally {
    held.release()
  }
}

function carryOver(directory: string, object: Uint8Array, progress: (step: UpgradeStep) => void): Upgrade {
  const layout = layoutOf(directory)
  const self = selfOf(directory)
  const inForce = generationInForce(directory)
  if (self === undefined || inForce === undefined)
    throw new SluiceError('SLUICE_NO_UPGRADE', {
      path: directory,
      reason: `version ${layout} could not be carried over yet`,
    })
  const about = { from: layout, to: LAYOUT_VERSION }
  if (Buffer.from(self.objectBytes()).equals(digest(object)))
    return { ...about, changed: false, tag: tagOf(directory), kept: [], carried: [], heldMs: 0, devices: [] }
  const beside = besideOf(directory)
  const plan = planMaps(directory, object, layout !== LAYOUT_VERSION)
  const generation = inForce + 1
  let handOver: HandOver | undefined
  let table: Table | undefined
  try {
    const loaded = loadDatapath({
      object,
      generation,
      connections: plan.connections,
      reuse: { ...plan.kept, [TURN]: plan.turn },
    })
    try {
      removePins(beside)
      mkdirSync(beside, { mode: 0o700 })
      pinDatapath(loaded, beside)
      const fds = Object.fromEntries(
        [...Object.values(maps).map(({ name }) => name), TURN].map((name) => [name, loaded.mapFd(name)]),
      )
      const meetFast = () => {
        const [before, after] = [directory, beside].map((each) => existsSync(join(each, pin.programFast)))
        if (before && !after) pinFastProgram(fds, generation, join(beside, pin.programFast))
      }
      meetFast()
      progress('loaded')
      const locks = [lock(directory, 'exclusive'), lock(beside, 'exclusive')]
      try {
        // a device may have got its fast path meanwhile
        meetFast()
        pinLinks(directory, beside)
        const packets = plan.carried.some(({ packets }) => packets)
        handOver = new HandOver(plan.turn, SluiceHold.TIMERS | (packets ? SluiceHold.PACKETS : 0))
        progress('held')
        const settings = loaded.mapFd(maps.settings.name)
        if (plan.kept[maps.settings.name] === undefined) initialize(settings)
        for (const map of plan.carried) {
          if (map.name === maps.settings.name) copySettings(map, settings)
          else copyMap(map, loaded.mapFd(map.name), handOver)
        }
        progress('copied')
        startTimers(loaded.progFd('sluice_start'))
        progress('started')
        succeed(directory, SluiceSuccessor.INGRESS, loaded.progFd('sluice_tc'))
        succeed(directory, SluiceSuccessor.EGRESS, loaded.progFd('sluice_tc_out'))
        handOver.commit(generation)
        progress('handed over')
        renameExchange(beside, directory)
        progress('renamed')
        table = Table.at(directory)
        const devices = replacePrograms(table)
        progress('replaced')
        removePins(beside)
        return {
          ...about,
          changed: true,
          tag: tagOf(directory),
          kept: Object.keys(plan.kept),
          carried: plan.carried.map(({ name }) => name),
          heldMs: packets ? handOver.heldMs : 0,
          devices,
        }
      } finally {
        for (const each of locks) each.release()
      }
    } finally {
      loaded.close()
    }
  } catch (error) {
    if (!handOver?.committed) {
      handOver?.end()
      removePins(beside)
    }
    throw error
  } finally {
    table?.close()
    handOver?.close()
    plan.close()
  }
}

/**
 * Ends what an upgrade left undone that was killed: before it handed over, all of it is taken back; after that, the rest is
 * done. The caller holds the lock on the pin root.
 */
export function finishUpgrade(directory: string): void {
  const beside = besideOf(directory)
  if (!existsSync(beside)) return
  const inForce = generationInForce(directory)
  const own = selfOf(beside)?.generation
  if (inForce === undefined || own === undefined || own > inForce) {
    removePins(beside)
    return
  }
  if (own === inForce) renameExchange(beside, directory)
  // one of yet another version ends it; until then the older program passes its packets on
  if (layoutOf(directory) !== LAYOUT_VERSION) return
  const held = lock(directory, 'exclusive')
  const table = Table.at(directory)
  try {
    replacePrograms(table)
    removePins(beside)
  } finally {
    table.close()
    held.release()
  }
}

function pinLinks(from: string, to: string): void {
  for (const name of listPins(from)) {
    if (!pin.isLink(name) || existsSync(join(to, name))) continue
    const fd = objGet(join(from, name))
    objPin(fd, join(to, name))
    closeFd(fd)
  }
}

function succeed(directory: string, slot: number, program: Fd): void {
  const fd = objGet(join(directory, maps.successors.name))
  try {
    mapUpdate(fd, keysOf(slot), keysOf(program))
  } finally {
    closeFd(fd)
  }
}

/** A map's one element. */
function read(path: string, bytes: number): DataView | undefined {
  if (!existsSync(path)) return undefined
  const fd = objGet(path)
  try {
    const { valueSize } = mapInfo(fd)
    const value = mapLookup(fd, keysOf(0), valueSize)
    return value && valueSize >= bytes ? new DataView(value.buffer, value.byteOffset) : undefined
  } finally {
    closeFd(fd)
  }
}

function selfOf(directory: string): SelfRecord | undefined {
  const view = read(join(directory, maps.self.name), SelfRecord.SIZE)
  return view && new SelfRecord(view, 0)
}

function generationInForce(directory: string): number | undefined {
  const view = read(join(directory, pin.turn), TurnRecord.SIZE)
  return view && new TurnRecord(view, 0).generation
}

function layoutOf(directory: string): number {
  return read(join(directory, maps.settings.name), 4)?.getUint32(SettingsRecord.OFFSET.layout, true) ?? 0
}

function tagOf(directory: string): string {
  const fd = objGet(join(directory, pin.program))
  try {
    return progInfo(fd).tag
  } finally {
    closeFd(fd)
  }
}
