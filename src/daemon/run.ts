import type { Server } from 'node:http'
import { AvailabilityLedger } from '../availability/index.js'
import { type Config, loadConfig, parseConfig } from '../config/index.js'
import { reapDeadTables, standingTables } from '../datapath/index.js'
import { SluiceError } from '../errors.js'
import type { SyncDaemon } from '../ipvs/index.js'
import type { Lock } from '../kernel/index.js'
import { Lone } from '../sync/index.js'
import { listen } from './control.js'
import { Daemon } from './daemon.js'
import { type Change, configChanges } from './describe.js'
import { parseServer } from './drains.js'
import { type DaemonEvent, eventLine, type Tell } from './events.js'
import { daemonFile, makeDaemonFolder, reapFiles, removeFile, tryLock } from './files.js'
import { HighAvailability } from './high-availability.js'
import { SyncKeeper } from './sync.js'
import { Systemd } from './systemd.js'
import type { InstanceReport } from './vrrp/index.js'

export interface RunOptions {
  readonly file: string
  /** One line for each event. */
  readonly log: (line: string) => void
  /** Ends the daemon. */
  readonly signal: AbortSignal
  /** Is called when the table is as configured, as far as it is known yet, and orders are taken. */
  readonly ready: () => void
}

/** What `sluice apply` asks for. */
export interface ApplyRequest {
  readonly file: string
  readonly text: string
  readonly dryRun: boolean
}

export interface ApplyAnswer {
  readonly changes: readonly Change[]
  /** The file that the daemon reads when it is started, or told to by SIGHUP. */
  readonly file: string
}

export interface DrainRequest {
  readonly server: string
  readonly service?: string
  /** Milliseconds. */
  readonly timeout?: number
}

/**
 * Runs a daemon for the network namespace of this process until the signal.
 * @throws ConfigError, SluiceError SLUICE_DAEMON_RUNS, and what the table refuses
 */
export async function runDaemon({ file, log, signal, ready }: RunOptions): Promise<void> {
  const config = loadConfig(file)
  makeDaemonFolder()
  const held = claim()
  reapDeadTables()
  reapFiles(standingTables())
  const systemd = new Systemd()
  const tell = (event: DaemonEvent) => log(eventLine(event))
  try {
    const ledger = openLedger(config.availability, tell)
    const daemon = new Daemon(config, {
      statePath: daemonFile('state.json'),
      tell,
      account: (subject) => ledger?.record(subject),
    })
    const availability = new HighAvailability(daemon, tell)
    const sync = new SyncKeeper(daemon.director, tell)
    sync.apply(config)
    const apply = (config: Config) => {
      const changes = daemon.apply(config)
      sync.apply(config)
      availability.apply(config)
      return changes
    }
    const reload = () => {
      systemd.reloading()
      try {
        apply(loadConfig(file))
      } catch (error) {
        tell({ type: 'config-refused', reason: (error as Error).message })
      }
      systemd.ready(statusLine(daemon.config))
    }
    process.on('SIGHUP', reload)
    let control: Server | undefined
    try {
      control = await listen(daemonFile('sock'), handlersOf({ daemon, availability, apply, file, systemd }))
      systemd.ready(statusLine(config))
      ready()
      await over(signal, tell)
    } finally {
      systemd.stopping()
      process.off('SIGHUP', reload)
      control?.close()
      control?.closeAllConnections()
      removeFile(daemonFile('sock'))
      await availability.stop()
      sync.stop(daemon.config.onStop === 'remove')
      daemon.stop()
      ledger?.close()
    }
  } finally {
    held.release()
  }
}

/** The record of availability; a daemon without one does all else. */
function openLedger(path: string, tell: Tell): AvailabilityLedger | undefined {
  const failed = (error: Error) => tell({ type: 'error', what: 'availability', reason: error.message })
  try {
    return AvailabilityLedger.open(path, { failed })
  } catch (error) {
    failed(error as Error)
    return undefined
  }
}

const statusLine = ({ services, file }: Config) => `${services.length} services of ${file}`

/** Milliseconds between looks at whether the network namespace is still anybody's. */
const HOUSEKEEPING = 2000

/** Waits for the signal, or until a namespace that had a name has none any more and nobody else is in it. */
async function over(signal: AbortSignal, tell: Tell): Promise<void> {
  const lone = new Lone()
  while (!signal.aborted) {
    await pause(HOUSEKEEPING, signal)
    // the only process of a container is alone as well, and has every right to be
    if (!lone.wasNamed || !lone.isLone()) continue
    tell({ type: 'note', text: 'the network namespace is gone' })
    return
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal.addEventListener('abort', end)
  })
}

function claim(): Lock {
  const held = tryLock(daemonFile('lock'))
  if (!held) throw new SluiceError('SLUICE_DAEMON_RUNS')
  return held
}

interface Running {
  readonly daemon: Daemon
  readonly availability: HighAvailability
  readonly apply: (config: Config) => Change[]
  readonly file: string
  readonly systemd: Systemd
}

function handlersOf({ daemon, availability, apply, file, systemd }: Running) {
  return {
    '/v1/health': async (): Promise<HealthAnswer> => ({
      pid: process.pid,
      config: daemon.config.file,
      file,
      checks: daemon.checks,
      services: daemon.services(),
      drains: daemon.drains,
      vrrp: await availability.report(),
      sync: daemon.director.daemons(),
    }),
    '/v1/apply': (body: unknown): ApplyAnswer => {
      const { file: from, text, dryRun } = body as ApplyRequest
      const config = parseConfig(text, from)
      const changes = dryRun ? configChanges(daemon.config, config) : apply(config)
      if (!dryRun) systemd.status(statusLine(config))
      return { changes, file }
    },
    '/v1/drain': (body: unknown) => {
      const { server, service, timeout } = body as DrainRequest
      return {
        servers: daemon.drain({ ...parseServer(server), ...(service === undefined ? {} : { service }) }, timeout),
      }
    },
    '/v1/undrain': (body: unknown) => {
      const { server, service } = body as DrainRequest
      return { drains: daemon.undrain({ ...parseServer(server), ...(service === undefined ? {} : { service }) }) }
    },
  }
}

/** What `sluice health` is told. */
export interface HealthAnswer {
  readonly pid: number
  /** What it keeps. */
  readonly config: string
  /** What it reads when it is started, or told to by SIGHUP. */
  readonly file: string
  readonly checks: number
  readonly services: ReturnType<Daemon['services']>
  readonly drains: Daemon['drains']
  readonly vrrp: readonly InstanceReport[]
  readonly sync: readonly SyncDaemon[]
}
