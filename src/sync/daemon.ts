import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { renameSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import {
  type ConnectionExchange,
  claim,
  type DaemonState,
  Director,
  inherited,
  publish,
  retract,
  type SyncDaemon,
  type SyncDaemonOptions,
  statisticsFile,
} from '../ipvs/index.js'
import { inheritBpffs, multicastReceiver, multicastSender } from '../kernel/index.js'
import { Backup } from './backup.js'
import { type Control, decodeControl, encodeControl, listenForAll } from './bulk.js'
import { Lone } from './lone.js'
import { Master, pause } from './master.js'

export interface DaemonRun {
  readonly state: DaemonState
  readonly options: SyncDaemonOptions
  /** True: socket, lock and BPF file system come from the process that started this one. */
  readonly inherit: boolean
  /** Ends the daemon. */
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/** Milliseconds between two looks at whether the network namespace is still anybody's, and two prints of the figures. */
const HOUSEKEEPING = 2000

/** A backup that has not said for so long that it runs, does not: seconds. */
const BACKUP_LASTS = 5

/** The first and the longest wait for an answer to a request for all connections, milliseconds. */
const FIRST_WAIT = 1000
const LONGEST_WAIT = 60_000

/**
 * Runs a synchronization daemon until the signal, or until its network namespace is nobody's any more.
 * @throws IpvsError ENODEV, EEXIST
 */
export async function runDaemon({ state, options, inherit, signal, log }: DaemonRun): Promise<void> {
  // before the table is looked for: the process that knew where it is may have ended
  if (inherit) inheritBpffs(inherited.bpffs)
  const director = Director.open()
  const stop = new AbortController()
  signal.addEventListener('abort', () => stop.abort())
  if (signal.aborted) stop.abort()
  try {
    const daemon = inherit ? { ...(options as SyncDaemon), state } : undefined
    const footing = daemon ? { daemon, socket: inherited.socket } : claim(state, options, 0)
    publish(footing.daemon, process.pid)
    const sockets: Socket[] = []
    try {
      const lone = new Lone()
      const socket = adopt(footing.socket, footing.daemon.group)
      sockets.push(socket)
      const work = state === 'master' ? asMaster : asBackup
      const context: Context = {
        daemon: footing.daemon,
        exchange: director.exchange(),
        socket,
        sockets,
        signal: stop.signal,
        log,
      }
      const figures = work(context)
      while (!stop.signal.aborted) {
        writeFigures(state, figures())
        if (lone.isLone()) {
          log('the network namespace is gone')
          stop.abort()
        }
        await pause(HOUSEKEEPING, stop.signal)
      }
      await context.finished
      writeFigures(state, figures())
    } finally {
      for (const socket of sockets) close(socket)
      retract(state)
    }
  } finally {
    director.close()
  }
}

interface Context {
  readonly daemon: SyncDaemon
  readonly exchange: ConnectionExchange
  readonly socket: Socket
  /** Closed at the end. */
  readonly sockets: Socket[]
  readonly signal: AbortSignal
  readonly log: (line: string) => void
  /** What has to come to its end before the sockets are closed. */
  finished?: Promise<void>
}

function adopt(fd: number, group: string): Socket {
  const socket = createSocket(group.includes(':') ? 'udp6' : 'udp4')
  socket.on('error', () => {})
  socket.bind({ fd })
  return socket
}

function close(socket: Socket): void {
  try {
    socket.close()
  } catch {
    // it never opened
  }
}

const send = (socket: Socket, { group, port }: SyncDaemon) => {
  return (datagram: Uint8Array) => socket.send(datagram, port, group, () => {})
}

function asMaster(context: Context): () => unknown {
  const { daemon, exchange, socket, sockets, signal, log } = context
  const master = new Master(exchange, daemon.syncid, daemon.maxLength, send(socket, daemon))
  const hello: Control = { kind: 'hello', syncid: daemon.syncid, number: randomBytes(8).readBigUInt64BE(), value: 0 }
  send(socket, daemon)(encodeControl(hello))
  try {
    const place = { device: daemon.interface, group: daemon.group, port: daemon.port }
    const ear = adopt(multicastReceiver(place), daemon.group)
    sockets.push(ear)
    ear.on('message', (datagram, { address }) => {
      const control = decodeControl(datagram)
      if (control?.kind === 'request') void master.answer(address, control)
    })
  } catch (error) {
    log(`no resync for backups that join: ${(error as Error).message}`)
  }
  context.finished = master.run(signal)
  return () => ({ state: 'master', ...master.figures })
}

function asBackup(context: Context): () => unknown {
  const { daemon, exchange, socket, signal, log } = context
  const backup = new Backup(exchange, daemon.syncid)
  let masters = 0
  const wake = new Wake()
  const receive = (datagram: Uint8Array) => {
    const control = decodeControl(datagram)
    if (!control) backup.receive(datagram)
    else if (control.kind === 'hello' && (daemon.syncid === 0 || control.syncid === daemon.syncid)) {
      masters += 1
      wake.now()
    }
  }
  socket.on('message', receive)
  for (const ear of morePorts(context)) ear.on('message', receive)
  context.finished = (async () => {
    const retrying = (async () => {
      while (!signal.aborted) {
        exchange.backupRuns(BACKUP_LASTS)
        await pause(1000, signal)
        backup.retry()
      }
      exchange.backupRuns(0)
    })()
    try {
      await askForAll(context, backup, wake)
    } catch (error) {
      log(`no resync: ${(error as Error).message}`)
    }
    await retrying
  })()
  return () => ({ state: 'backup', masters, ...backup.figures })
}

/** With `sync_ports` a master spreads its messages over that many ports in a row. */
function morePorts({ daemon, exchange, sockets, log }: Context): Socket[] {
  const ports = exchange.rules()?.ports ?? 1
  const ears: Socket[] = []
  for (let port = daemon.port + 1; port < daemon.port + ports && port < 65536; port += 1) {
    try {
      ears.push(adopt(multicastReceiver({ device: daemon.interface, group: daemon.group, port }), daemon.group))
    } catch (error) {
      log(`port ${port}: ${(error as Error).message}`)
    }
  }
  sockets.push(...ears)
  return ears
}

/** Something to wait for that comes early when somebody says so. */
class Wake {
  #wake: (() => void) | undefined
  #early = false

  now(): void {
    this.#early = true
    this.#wake?.()
  }

  async wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    const stop = new AbortController()
    const end = () => stop.abort()
    signal.addEventListener('abort', end)
    this.#wake = end
    if (!this.#early && !signal.aborted) await pause(milliseconds, stop.signal)
    this.#wake = undefined
    this.#early = false
    signal.removeEventListener('abort', end)
  }
}

/** Asks masters for all that they have, until one has answered; and again when another one says that it has started. */
async function askForAll(context: Context, backup: Backup, wake: Wake): Promise<void> {
  const { daemon, sockets, signal, log } = context
  const address = ownAddress(daemon)
  if (!address) throw new Error(`${daemon.interface} has no address to be answered at`)
  const place = { device: daemon.interface, group: daemon.group, port: daemon.port }
  const mouth = adopt(multicastSender(place, daemon.ttl), daemon.group)
  sockets.push(mouth)
  let number = 0n
  let answered = false
  const server = await listenForAll(
    address,
    (asked) => asked === number,
    (message) => backup.receiveAll(message),
    ({ from, connections, error }) => {
      backup.endResync()
      if (error) backup.figures.resyncsFailed += 1
      else backup.figures.resyncs += 1
      answered ||= !error
      log(`resync with ${from}: ${connections} connections${error ? `, then ${error}` : ''}`)
      if (answered) wake.now()
    },
  )
  server.maxConnections = 4
  try {
    const { port } = server.address() as { port: number }
    while (!signal.aborted) {
      answered = false
      for (let wait = FIRST_WAIT; !answered && !signal.aborted; wait = Math.min(2 * wait, LONGEST_WAIT)) {
        number = randomBytes(8).readBigUInt64BE()
        backup.beginResync()
        send(mouth, daemon)(encodeControl({ kind: 'request', syncid: daemon.syncid, number, value: port }))
        await wake.wait(wait, signal)
        if (!answered) backup.endResync()
      }
      // until a master says that it has started
      while (!signal.aborted && answered) {
        await wake.wait(2 ** 30, signal)
        if (!signal.aborted) answered = false
      }
    }
  } finally {
    server.close()
  }
}

/** An address of the device that is of the group's family. */
function ownAddress({ interface: device, group }: SyncDaemon): string | undefined {
  const family = group.includes(':') ? 'IPv6' : 'IPv4'
  const own = networkInterfaces()[device]?.find((address) => address.family === family)
  if (!own) return undefined
  return own.family === 'IPv6' && own.scopeid ? `${own.address}%${device}` : own.address
}

function writeFigures(state: DaemonState, figures: unknown): void {
  const path = statisticsFile(state)
  writeFileSync(`${path}.new`, `${JSON.stringify(figures)}\n`, { mode: 0o644 })
  renameSync(`${path}.new`, path)
}
