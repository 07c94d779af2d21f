import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../errors.js'
import {
  closeFd,
  hasNetAdminAndBpf,
  KernelError,
  kernelAtLeast,
  kernelRelease,
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
import { maps, SettingsRecord, SluiceState, sections, WatermarkRecord } from './layouts.js'
import { defaultLocalPorts } from './local-ports.js'
import { readObject } from './object.js'
import { ensurePinRoot, pin, pinName, removePins, SCRATCH } from './pins.js'
import { defaultSysctls } from './sysctl-defaults.js'

/** Raised in bpf/records.h whenever a record changes its layout. */
export const LAYOUT_VERSION = 13

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
}

/** A reference to a connection has 30 bits for its number (bpf/records.h); both of its flows count in 32-bit tables. */
const MOST_CONNECTIONS = 2 ** 26

function connectionSizes(options: LoadOptions): Record<string, number> {
  const wanted = options.connections ?? Number(process.env.SLUICE_CONNECTIONS ?? maps.free4.maxEntries)
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MOST_CONNECTIONS)
    throw new SluiceError('SLUICE_BAD_SIZE', {
      what: 'connection table',
      value: String(wanted),
      low: 1,
      high: MOST_CONNECTIONS,
    })
  return {
    [maps.flows4.name]: 2 * wanted,
    [maps.flows6.name]: 2 * wanted,
    [maps.connections4.name]: wanted + 1,
    [maps.connections6.name]: wanted + 1,
    [maps.free4.name]: wanted,
    [maps.streams.name]: wanted,
    [maps.free6.name]: wanted,
  }
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
  const name = pinName()
  const directory = join(root, name)
  const scratch = join(root, `${SCRATCH}${name}`)
  const object = readObject('sluice')
  const cpus = possibleCpus()
  const sizes = connectionSizes(options)
  let loaded: ReturnType<typeof loadObject>
  try {
    loaded = loadObject(object, {
      maxEntries: {
        [maps.counters.name]: maps.counters.maxEntries * cpus,
        [maps.tallies.name]: maps.tallies.maxEntries * cpus,
        [maps.wheel.name]: maps.wheel.maxEntries * cpus,
        ...sizes,
      },
      sections: { [sections.rodataLoader.name]: loaderConstants() },
    })
  } catch (error) {
    throw explainLoadFailure(error)
  }
  removePins(scratch)
  mkdirSync(scratch, { mode: 0o700 })
  try {
    initialize(loaded.mapFd(maps.settings.name))
    initializeWatermarks(loaded.mapFd(maps.watermarks.name), sizes[maps.connections4.name] as number)
    startTimers(loaded.progFd('sluice_start'))
    for (const map of Object.values(maps)) objPin(loaded.mapFd(map.name), join(scratch, map.name))
    pinFiles(loaded, scratch)
    objPin(loaded.progFd('sluice_tc'), join(scratch, pin.program))
    objPin(loaded.progFd('sluice_tc_out'), join(scratch, pin.programOut))
    objPin(loaded.progFd('sluice_arrive'), join(scratch, pin.arrive))
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
export function loaderConstants(): { readonly offset: number; readonly bytes: Uint8Array }[] {
  const cpus = possibleCpus()
  const { variables } = sections.rodataLoader
  return [
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

function initialize(settingsFd: number): void {
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
function startTimers(program: number): void {
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
