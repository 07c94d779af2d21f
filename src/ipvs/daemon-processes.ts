import { spawn } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SluiceError } from '../errors.js'
import {
  closeFd,
  deviceMtu,
  findBpffs,
  isRunning,
  KernelError,
  type Lock,
  lock,
  multicastReceiver,
  multicastSender,
  netnsCookie,
  type ProcessId,
  processId,
} from '../kernel/index.js'
import { familyOf, formatAddress, parseAddress } from './address.js'
import { IpvsError } from './error.js'
import type { DaemonState, SyncDaemon, SyncDaemonOptions } from './types.js'

/**
 * The synchronization daemons as processes: one of each state a network namespace. What they do is src/sync's; here they
 * are started, found and ended.
 *
 * A daemon holds a lock on its own file as long as it lives, however it ends: that file being locked is what "runs" means.
 * Beside it stands what the daemon was started with.
 */

/** Files of this boot: the kernel's other tables do not outlive it either. */
const directory = '/run/sluice/sync'

/** Descriptors that a daemon is started with. */
export const inherited = { socket: 3, lock: 4, bpffs: 5 } as const

const states = ['master', 'backup'] as const

type Record = SyncDaemon & { readonly process: ProcessId }

const nameOf = (state: DaemonState) => `${netnsCookie().toString(16)}-${state}`

const fileOf = (state: DaemonState, kind: 'lock' | 'json' | 'log' | 'stats') =>
  join(directory, `${nameOf(state)}.${kind}`)

/** Where a daemon puts the figures that it keeps, for whoever asks. */
export const statisticsFile = (state: DaemonState): string => fileOf(state, 'stats')

/** The daemons of this network namespace that run, the master first. */
export function runningDaemons(): Record[] {
  return states.flatMap((state) => {
    const record = readRecord(state)
    return record && isHeld(state) ? [record] : []
  })
}

function readRecord(state: DaemonState): Record | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(state, 'json'), 'utf8')) as Record
  } catch {
    return undefined
  }
}

function isHeld(state: DaemonState): boolean {
  try {
    lock(fileOf(state, 'lock'), 'shared', { timeoutMs: 0 }).release()
    return false
  } catch (error) {
    return SluiceError.is(error) && error.code === 'SLUICE_LOCKED'
  }
}

/**
 * What a daemon is told, with all that was left to it. A message is no longer than kernel IPVS would let it be.
 * @throws IpvsError ENODEV
 */
export function completeOptions(state: DaemonState, options: SyncDaemonOptions): SyncDaemon {
  const { interface: device, port = 8848, syncid = 0, ttl = 1 } = options
  const group = canonical(options.group ?? '224.0.0.81')
  const headers = (group.includes(':') ? 40 : 20) + 8
  const mtu = refusing(() => deviceMtu(device))
  const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high)
  const maxLength = options.maxLength
    ? clamp(options.maxLength, state === 'backup' ? 1024 : 1, 65535 - headers)
    : (state === 'backup' ? clamp(mtu, 1500, 65535) : 1500) - headers
  return { state, interface: device, syncid, maxLength, group, port, ttl }
}

/** As the kernel would print it. */
const canonical = (address: string) => formatAddress(parseAddress(address), familyOf(address))

/** What a daemon lives on: its socket, and the lock that says that it runs. */
export interface Footing {
  readonly daemon: SyncDaemon
  readonly socket: number
  readonly lock: Lock
}

/**
 * Gets a daemon's socket and lock, in this process.
 * @param bufferSize of the socket, bytes; 0: the system's
 * @throws IpvsError ENODEV, EEXIST
 */
export function claim(state: DaemonState, options: SyncDaemonOptions, bufferSize: number): Footing {
  const daemon = completeOptions(state, options)
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  removeDead()
  const held = claimLock(fileOf(state, 'lock'), state)
  try {
    const place = { device: daemon.interface, group: daemon.group, port: daemon.port }
    const socket = refusing(() =>
      state === 'master' ? multicastSender(place, daemon.ttl, bufferSize) : multicastReceiver(place, bufferSize),
    )
    return { daemon, socket, lock: held }
  } catch (error) {
    retract(state)
    held.release()
    throw error
  }
}

/** Waits a moment: somebody who only looks whether it is held holds it too. */
function claimLock(path: string, state: DaemonState): Lock {
  for (;;) {
    closeSync(openSync(path, 'a', 0o600))
    try {
      return lock(path, 'exclusive', { timeoutMs: 50 })
    } catch (error) {
      // a daemon that ends takes its files along
      if (error instanceof KernelError && error.code === 'ENOENT') continue
      if (SluiceError.is(error) && error.code === 'SLUICE_LOCKED')
        throw new IpvsError('EEXIST', `a ${state} daemon runs`)
      throw error
    }
  }
}

/** Says who the daemon is, for {@link runningDaemons}; the old record stands until the new one is whole. */
export function publish(daemon: SyncDaemon, pid: number): void {
  const { state, interface: device, syncid, maxLength, group, port, ttl } = daemon
  const record: Record = {
    ...{ state, interface: device, syncid, maxLength, group, port, ttl },
    process: processId(pid) ?? { pid, started: 0 },
  }
  const path = fileOf(state, 'json')
  writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(record)}\n`, { mode: 0o644 })
  renameSync(`${path}.${process.pid}`, path)
}

/** Takes away a daemon's files. The caller holds the lock, or nobody does. */
export const retract = (state: DaemonState): void => removeFiles(nameOf(state))

function removeFiles(name: string): void {
  for (const kind of ['json', 'stats', 'log', 'lock'] as const) {
    try {
      unlinkSync(join(directory, `${name}.${kind}`))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

/** Takes away what daemons of any network namespace left that were killed. */
function removeDead(): void {
  for (const file of readdirSync(directory)) {
    const [, name] = /^(.*)\.lock$/.exec(file) ?? []
    if (name === undefined) continue
    try {
      const held = lock(join(directory, file), 'exclusive', { timeoutMs: 0 })
      removeFiles(name)
      held.release()
    } catch (error) {
      // it lives, or somebody else takes it away
      if (!SluiceError.is(error) && !(error instanceof KernelError)) throw error
    }
  }
}

/**
 * Starts a daemon as a process of its own, which lives on when this one ends. All that can be refused is refused here: the
 * process gets a socket that is bound and a lock that is held.
 * @throws IpvsError ENODEV, EEXIST
 */
export function startDaemonProcess(state: DaemonState, options: SyncDaemonOptions, bufferSize: number): void {
  const footing = claim(state, options, bufferSize)
  const { daemon } = footing
  let log: number | undefined
  let bpffs: number | undefined
  try {
    log = openSync(fileOf(state, 'log'), 'w', 0o600)
    bpffs = openSync(findBpffs(), 'r')
    const words = ['sync-daemon', state, '--inherit', '--mcast-interface', daemon.interface]
    const values = {
      syncid: daemon.syncid,
      'sync-maxlen': daemon.maxLength,
      'mcast-group': daemon.group,
      'mcast-port': daemon.port,
      'mcast-ttl': daemon.ttl,
    }
    for (const [name, value] of Object.entries(values)) words.push(`--${name}`, String(value))
    // both from dist/ipvs/ and from the bundles in dist/bin/
    const program = fileURLToPath(new URL('../bin/sluice.js', import.meta.url))
    const child = spawn(process.execPath, [program, ...words], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log, footing.socket, footing.lock.fd, bpffs],
    })
    if (child.pid === undefined)
      throw new SluiceError('SLUICE_COMMAND', { command: 'sluice sync-daemon', reason: 'it could not be started' })
    child.unref()
    publish(daemon, child.pid)
  } finally {
    // the process has its own copies
    if (log !== undefined) closeSync(log)
    if (bpffs !== undefined) closeSync(bpffs)
    closeFd(footing.socket)
    footing.lock.release()
  }
}

/**
 * Ends a daemon, and waits until it has ended.
 * @throws IpvsError ESRCH where none of that state runs
 */
export function stopDaemonProcess(state: DaemonState): void {
  const record = readRecord(state)
  if (!record || !isHeld(state)) throw new IpvsError('ESRCH', `no ${state} daemon runs`)
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (isRunning(record.process)) kill(record.process.pid, signal)
    for (let waited = 0; waited < 3000; waited += 5) {
      if (!isHeld(state)) {
        retract(state)
        return
      }
      Atomics.wait(never, 0, 0, 5)
    }
  }
  throw new SluiceError('SLUICE_COMMAND', { command: `ending process ${record.process.pid}`, reason: 'it lives on' })
}

const never = new Int32Array(new SharedArrayBuffer(4))

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** What the kernel refuses a daemon's socket, kernel IPVS refuses too. */
function refusing<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof KernelError && error.code === 'ENODEV') throw new IpvsError('ENODEV', error.message)
    throw error
  }
}
