import { createHash } from 'node:crypto'
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import {
  closeFd,
  type Fd,
  hasNetAdminAndBpf,
  KernelError,
  kernelAtLeast,
  kernelRelease,
  type LoadedObject,
  linkCreateNetns,
  loadObject,
  mapMmap,
  munmap,
  objPin,
  openNetns,
  possibleCpus,
  progTestRun,
} from '../kernel/index.js'
import { pinFiles } from './files.js'
import { maps, SelfRecord, SettingsRecord, SluiceState, sections, TurnRecord, WatermarkRecord } from './layouts.js'
import { defaultLocalPorts } from './local-ports.js'
import { readObject } from './object.js'
import { ensurePinRoot, pin, pinName, removePins, scratchOf } from './pins.js'
import { defaultSysctls } from './sysctl-defaults.js'

/** Raised in bpf/records.h whenever a record changes its layout. */
export const LAYOUT_VERSION = 16

/** The map that tells which generation of the program is in force: the name of its section. */
export const TURN = sections.dataTurn.name

/** Seconds a connection lives without a packet, by state: IPVS's. */
const defaultTimeouts: Readonly<Partial<Record<keyof typeof SluiceState, number>>> = {
  NONE: 2,
  ESTABLISHED: 900,
  SYN_SENT: 120,
  SYN_RECV: 60,
  FIN_WAIT: 120,
  TIME_WAIT: 120,
  CLOSE: 10,
  CLOSE_WAIT: 60,
  LAST_ACK: 30,
  LISTEN: 120,
  SYNACK: 120,
  UDP: 300,
  SCTP_NONE: 2,
  SCTP_INIT1: 4,
  SCTP_INIT: 61,
  SCTP_COOKIE_SENT: 61,
  SCTP_COOKIE_REPLIED: 61,
  SCTP_COOKIE_WAIT: 61,
  SCTP_COOKIE: 61,
  SCTP_COOKIE_ECHOED: 61,
  SCTP_ESTABLISHED: 900,
  SCTP_SHUTDOWN_SENT: 61,
  SCTP_SHUTDOWN_RECEIVED: 61,
  SCTP_SHUTDOWN_ACK_SENT: 61,
  SCTP_REJECTED: 4,
  SCTP_CLOSED: 61,
}

export interface LoadOptions {
  /** Connections of each family that fit. Default: `SLUICE_CONNECTIONS` of the environment, or 65,536. */
  readonly connections?: number
  /** The compiled datapath. Default: the one that is shipped. */
  readonly object?: Uint8Array
}

/** The kernel verifies the datapath for a second or two, longer on a busy machine, and several namespaces may be waiting. */
export const LOADING_MS = 60_000

/** A reference to a connection has 30 bits for its number (bpf/records.h); both of its flows count in 32-bit tables. */
const MOST_CONNECTIONS = 2 ** 26

function connectionsWanted(options: LoadOptions): number {
  const wanted = options.connections ?? Number(process.env.SLUICE_CONNECTIONS ?? maps.free4.maxEntries)
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MOST_CONNECTIONS)
    throw new SluiceError('SLUICE_BAD_SIZE', {
      what: 'connection table',
      value: String(wanted),
      low: 1,
      high: MOST_CONNECTIONS,
    })
  return wanted
}

/** Entries of the maps that the loader sizes, by name: for this many connections and possible CPUs. */
export function mapSizes(wanted: number, cpus: number): Record<string, number> {
  return {
    [maps.counters.name]: maps.counters.maxEntries * cpus,
    [maps.tallies.name]: maps.tallies.maxEntries * cpus,
    [maps.wheel.name]: maps.wheel.maxEntries * cpus,
    [maps.flows4.name]: 2 * wanted,
    [maps.flows6.name]: 2 * wanted,
    [maps.connections4.name]: wanted + 1,
    [maps.connections6.name]: wanted + 1,
    [maps.free4.name]: wanted,
    [maps.streams.name]: wanted,
    [maps.free6.name]: wanted,
  }
}

/** The programs of a table's directory, by pin. */
export const programs = {
  [pin.program]: 'sluice_tc',
  [pin.programOut]: 'sluice_tc_out',
  [pin.arrive]: 'sluice_arrive',
} as const

export interface Loading {
  readonly object: Uint8Array
  /** Of the program: 1 for a table's first. */
  readonly generation: number
  readonly connections: number
  /** Maps that are there already, by name. */
  readonly reuse?: Readonly<Record<string, Fd>>
}

/**
 * Loads the datapath into the kernel, where no packet meets it yet.
 * @throws SluiceError SLUICE_NOT_ROOT, SLUICE_NO_LIBBPF, SLUICE_KERNEL_TOO_OLD, SLUICE_BPF
 */
export function loadDatapath({ object, generation, connections, reuse = {} }: Loading): LoadedObject {
  const cpus = possibleCpus()
  let loaded: LoadedObject
  try {
    loaded = loadObject(object, {
      maxEntries: mapSizes(connections, cpus),
      reuse,
      sections: {
        [sections.rodataLoader.name]: loaderConstants(generation),
        ...(reuse[TURN] === undefined
          ? { [TURN]: [{ offset: TurnRecord.OFFSET.generation, bytes: u32(generation) }] }
          : {}),
      },
    })
  } catch (error) {
    throw explainLoadFailure(error)
  }
  const memory = mapMmap(loaded.mapFd(maps.self.name), SelfRecord.SIZE)
  const self = new SelfRecord(new DataView(memory), 0)
  self.generation = generation
  self.objectBytes().set(digest(object))
  munmap(memory)
  return loaded
}

/** By what one compiled object is told from another. */
export function digest(object: Uint8Array): Uint8Array {
  return createHash('sha256').update(object).digest()
}

/** Pins what was loaded in a table's directory, all but its links. */
export function pinDatapath(loaded: LoadedObject, directory: string): void {
  for (const map of Object.values(maps)) objPin(loaded.mapFd(map.name), join(directory, map.name))
  objPin(loaded.mapFd(TURN), join(directory, pin.turn))
  pinFiles(loaded, directory)
  for (const [name, program] of Object.entries(programs)) objPin(loaded.progFd(program), join(directory, name))
}

/**
 * Loads the datapath and pins this namespace's table: all in a directory of another name first, whose renaming makes
 * the table exist, so that a crash on the way leaves nothing half made. The caller holds the lock on the pin root.
 *
 * @returns the table's directory.
 * @throws SluiceError SLUICE_NOT_ROOT, SLUICE_NO_BPFFS, SLUICE_NO_LIBBPF, SLUICE_KERNEL_TOO_OLD
 */
export function createTable(options: LoadOptions = {}): string {
  const root = ensurePinRoot()
  const directory = join(root, pinName())
  const scratch = scratchOf(directory)
  const connections = connectionsWanted(options)
  const loaded = loadDatapath({ object: options.object ?? readObject('sluice'), generation: 1, connections })
  try {
    removePins(scratch)
    mkdirSync(scratch, { mode: 0o700 })
    initialize(loaded.mapFd(maps.settings.name))
    initializeWatermarks(loaded.mapFd(maps.watermarks.name), connections + 1)
    startTimers(loaded.progFd('sluice_start'))
    pinDatapath(loaded, scratch)
    const netns = openNetns('/proc/self/ns/net')
    try {
      const link = linkCreateNetns(loaded.progFd('sluice_netns'), netns)
      objPin(link, join(scratch, pin.netns))
      closeFd(link)
    } finally {
      closeFd(netns)
    }
    renameSync(scratch, directory)
  } catch (error) {
    removePins(scratch)
    throw error
  } finally {
    loaded.close()
  }
  return directory
}

/** What each of the datapath's programs is told of this machine before it is loaded. */
export function loaderConstants(generation: number): { readonly offset: number; readonly bytes: Uint8Array }[] {
  const cpus = possibleCpus()
  const { variables } = sections.rodataLoader
  return [
    { offset: variables.generation.offset, bytes: u32(generation) },
    { offset: variables.fibGivesSource.offset, bytes: new Uint8Array([kernelAtLeast(6, 7) ? 1 : 0]) },
    { offset: variables.cpus.offset, bytes: u32(cpus) },
    { offset: variables.estimatorRows.offset, bytes: u32(estimatorRows(cpus)) },
  ]
}

/** Records of counters that the estimator reads in a row: some 10 µs of work. */
const ESTIMATOR_READS = 512

/** How many slots the estimator looks at in a row: a power of two, so that they divide the tables. */
export function estimatorRows(cpus: number): number {
  return Math.min(256, Math.max(8, 2 ** Math.floor(Math.log2(ESTIMATOR_READS / cpus))))
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

/** What a table begins with. */
export function initialize(settingsFd: number): void {
  const memory = mapMmap(settingsFd, SettingsRecord.SIZE)
  const settings = new SettingsRecord(new DataView(memory), 0)
  settings.layout = LAYOUT_VERSION
  // slot 0 means "none" in every table
  settings.serviceTop = 1
  settings.serverTop = 1
  for (const [state, seconds] of Object.entries(defaultTimeouts))
    settings.setTimeout(SluiceState[state as keyof typeof SluiceState], seconds)
  const ports = defaultLocalPorts()
  settings.localPortLow = ports.low
  settings.localPortHigh = ports.high
  for (const [index, value] of defaultSysctls().entries()) settings.setSysctl(index, value)
  munmap(memory)
}

/** Record 0 of each family means "none". */
function initializeWatermarks(fd: number, size: number): void {
  const memory = mapMmap(fd, maps.watermarks.maxEntries * WatermarkRecord.SIZE)
  for (let family = 0; family < maps.watermarks.maxEntries; family += 1) {
    const watermark = new WatermarkRecord(new DataView(memory), family * WatermarkRecord.SIZE)
    watermark.top = 1
    watermark.size = size
  }
  munmap(memory)
}

/** What a program that does not look at its packet is run with; the kernel's test run refuses less than an Ethernet header. */
export const ANY_FRAME = new Uint8Array(64)

/**
 * Starts the table's own timers. The kernel may have no memory for one at this very moment (6.18 allocates timers without
 * waiting), so it is asked again for a while.
 */
export function startTimers(program: number): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  for (let attempt = 0; ; attempt += 1) {
    const { retval } = progTestRun(program, { dataIn: ANY_FRAME })
    if (retval === 0) return
    if (attempt === 400) throw new SluiceError('SLUICE_BPF', { call: 'starting the timer', reason: `error ${retval}` })
    Atomics.wait(sleeper, 0, 0, 5)
  }
}

/** What a kernel that refused a program means for the user. */
export function explainLoadFailure(error: unknown): unknown {
  if (!(error instanceof KernelError)) return error
  if (error.code === 'EPERM' && !hasNetAdminAndBpf())
    return new SluiceError('SLUICE_NOT_ROOT', { what: 'load the datapath' }, { cause: error })
  if (error.code === 'ENOMEM' || error.code === 'E2BIG')
    return new SluiceError('SLUICE_BPF', { call: 'loading the datapath', reason: error.message }, { cause: error })
  return new SluiceError('SLUICE_KERNEL_TOO_OLD', { release: kernelRelease(), reason: error.message }, { cause: error })
}
