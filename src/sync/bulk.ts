import { connect, createServer, type Server, type Socket } from 'node:net'
import { decode, MalformedError } from './decode.js'
import { Packer } from './encode.js'
import type { SyncConnection, SyncMessage } from './message.js'

/**
 * The resync between two directors of this kind. Kernel IPVS tells a connection only as packets go on; a backup that joins
 * here asks for all of them.
 *
 * A request is multicast like any message. Its count of connections is 0 where version 0 has it, and its version is none
 * of IPVS's: the kernel reads a message without connections, and does nothing. The backup listens on a TCP port that the
 * request names; each master connects and sends the request's number, messages of version 1 one after the other, and how
 * many connections there were. TCP, as nothing may be lost and the backup sets the pace.
 */

const VERSION = 0x53
const REVISION = 1
const CONTROL_SIZE = 20

const kinds = ['request', 'hello', 'done'] as const

/** `request`: a backup wants all connections. `hello`: a master has started. `done`: the end of a resync. */
export interface Control {
  readonly kind: (typeof kinds)[number]
  readonly syncid: number
  /** Names the request, so that an answer belongs to it; of a hello the master. */
  readonly number: bigint
  /** `request`: the TCP port; `done`: connections told. */
  readonly value: number
}

export function encodeControl({ kind, syncid, number, value }: Control): Uint8Array {
  const bytes = new Uint8Array(CONTROL_SIZE)
  const view = new DataView(bytes.buffer)
  view.setUint8(1, syncid)
  view.setUint16(2, CONTROL_SIZE)
  view.setUint8(5, VERSION)
  view.setUint8(6, REVISION)
  view.setUint8(7, kinds.indexOf(kind) + 1)
  view.setBigUint64(8, number)
  view.setUint32(16, value)
  return bytes
}

/** @returns undefined for what is no control message of a revision that is known */
export function decodeControl(datagram: Uint8Array): Control | undefined {
  if (datagram.byteLength !== CONTROL_SIZE) return undefined
  const view = new DataView(datagram.buffer, datagram.byteOffset, CONTROL_SIZE)
  const kind = kinds[view.getUint8(7) - 1]
  const head = [view.getUint8(0), view.getUint16(2), view.getUint8(4), view.getUint8(5), view.getUint8(6)]
  if (!kind || head.join() !== [0, CONTROL_SIZE, 0, VERSION, REVISION].join()) return undefined
  return { kind, syncid: view.getUint8(1), number: view.getBigUint64(8), value: view.getUint32(16) }
}

/** A message of a resync is longer than a datagram may be on the wire, and shorter than memory would mind. */
const MESSAGE_LENGTH = 16_384

/** No word from the other side for so long ends a resync, milliseconds. */
const SILENCE = 10_000

/**
 * A master's part: tells a backup all connections.
 * @param connections asked for as the backup takes them
 * @returns how many were told
 */
export async function tellAll(
  host: string,
  request: Control,
  syncid: number,
  connections: Iterable<SyncConnection>,
): Promise<number> {
  const socket = connect({ host, port: request.value, noDelay: false })
  socket.setTimeout(SILENCE, () => socket.destroy(new Error('no answer')))
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  try {
    const write = async (bytes: Uint8Array) => {
      if (socket.destroyed) throw new Error('the backup went away')
      if (!socket.write(bytes)) await drained(socket)
    }
    const number = new Uint8Array(8)
    new DataView(number.buffer).setBigUint64(0, request.number)
    await write(number)
    const full: Uint8Array[] = []
    const packer = new Packer(syncid, MESSAGE_LENGTH, (message) => full.push(message))
    let told = 0
    for (const connection of connections) {
      if (packer.add(connection)) told += 1
      for (const message of full.splice(0)) await write(message)
    }
    packer.flush()
    for (const message of full) await write(message)
    await write(encodeControl({ kind: 'done', syncid, number: request.number, value: told }))
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.once('close', resolve)
      socket.resume()
      socket.end()
    })
    return told
  } finally {
    socket.destroy()
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      socket.off('drain', done)
      socket.off('close', closed)
      resolve()
    }
    const closed = () => {
      socket.off('drain', done)
      reject(new Error('the backup went away'))
    }
    socket.once('drain', done)
    socket.once('close', closed)
  })
}

/** What a resync was: how many connections were told, or why it broke off. */
export interface Resync {
  readonly from: string
  readonly connections: number
  readonly error?: string
}

/**
 * A backup's part: a TCP port on which masters tell their connections.
 * @param address on which it listens
 * @param expected whether a number is one that was asked with
 */
export function listenForAll(
  address: string,
  expected: (number: bigint) => boolean,
  take: (message: SyncMessage) => void,
  ended: (resync: Resync) => void,
): Promise<Server> {
  const server = createServer((socket) => {
    const reader = new Reader(expected, take)
    const from = socket.remoteAddress ?? ''
    let over = false
    const end = (error?: string) => {
      if (over) return
      over = true
      socket.destroy()
      ended({ from, connections: reader.connections, ...(error === undefined ? {} : { error }) })
    }
    socket.setTimeout(SILENCE, () => end('no word from the master'))
    socket.on('error', (error) => end(error.message))
    socket.on('close', () => end('it broke off'))
    socket.on('data', (data) => {
      try {
        if (reader.feed(data)) end()
      } catch (error) {
        end((error as Error).message)
      }
    })
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, address, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve(server)
    })
  })
}

/** Cuts a stream into its messages. */
class Reader {
  #rest: Buffer = Buffer.alloc(0)
  #number: bigint | undefined
  connections = 0

  constructor(
    readonly expected: (number: bigint) => boolean,
    readonly take: (message: SyncMessage) => void,
  ) {}

  /** @returns true at the end @throws Error where it is not what was asked for */
  feed(data: Uint8Array): boolean {
    this.#rest = this.#rest.byteLength > 0 ? Buffer.concat([this.#rest, data]) : Buffer.from(data)
    if (this.#number === undefined) {
      if (this.#rest.byteLength < 8) return false
      const number = this.#rest.readBigUInt64BE(0)
      if (!this.expected(number)) throw new Error('an answer to nothing that was asked')
      this.#number = number
      this.#rest = this.#rest.subarray(8)
    }
    while (this.#rest.byteLength >= 4) {
      const size = this.#rest.readUInt16BE(2)
      if (size < 8) throw new MalformedError('size')
      if (this.#rest.byteLength < size) return false
      const bytes = this.#rest.subarray(0, size)
      this.#rest = this.#rest.subarray(size)
      const control = decodeControl(bytes)
      if (control) {
        if (control.kind !== 'done' || control.value !== this.connections)
          throw new Error(`${control.value} connections were told and ${this.connections} came`)
        return true
      }
      const message = decode(bytes)
      this.connections += message.connections.length
      this.take(message)
    }
    return false
  }
}
