import {
  ENTRY_V1_INET,
  ENTRY_V1_INET6,
  Flag,
  HEADER_V1,
  MOST_CONNECTIONS,
  Option,
  SEQUENCES_SIZE,
  type Sequence,
  type SyncConnection,
} from './message.js'

/** What no datagram can be larger than: UDP over IPv4. */
const LARGEST = 65_507

/** Flags that tell of the sender's own table, and those beyond what version 1 tells. */
const NOT_SENT = Flag.HASHED

/** Bytes of a connection without what aligns the next one. */
export function entrySize({ family, sequences, engine }: SyncConnection): number {
  return (
    (family === 'inet6' ? ENTRY_V1_INET6 : ENTRY_V1_INET) +
    (sequences ? 2 + SEQUENCES_SIZE : 0) +
    (engine ? 4 + engine.data.byteLength + engine.name.length : 0)
  )
}

/**
 * Packs connections into datagrams of version 1. What is added waits in the datagram at hand until that is full or
 * {@link flush} is called.
 */
export class Packer {
  readonly #buffer: Uint8Array
  readonly #view: DataView
  #at = HEADER_V1
  #count = 0

  /**
   * @param length the most bytes of a datagram; one that could not hold any connection is made to hold one, as a
   * datagram with nothing in it would help nobody
   * @param send takes a datagram; its memory is its own
   */
  constructor(
    readonly syncid: number,
    length: number,
    readonly send: (datagram: Uint8Array) => void,
  ) {
    // the kernel sends whole words, the header among them
    this.#buffer = new Uint8Array(Math.min(Math.max(length & ~3, HEADER_V1 + ENTRY_V1_INET), LARGEST & ~3))
    this.#view = new DataView(this.#buffer.buffer)
  }

  /** Connections that wait. */
  get waiting(): number {
    return this.#count
  }

  /** @returns false for a connection too large for a datagram, which is left out */
  add(connection: SyncConnection): boolean {
    const size = entrySize(connection)
    if (HEADER_V1 + size > this.#buffer.byteLength) return false
    const aligned = (this.#at + 3) & ~3
    if (this.#count === MOST_CONNECTIONS || aligned + size > this.#buffer.byteLength) {
      this.flush()
      return this.add(connection)
    }
    this.#buffer.fill(0, this.#at, aligned)
    this.#at = aligned
    this.#write(connection, size)
    this.#at += size
    this.#count += 1
    return true
  }

  /** Sends what waits, if anything does. */
  flush(): void {
    if (this.#count === 0) return
    const view = this.#view
    view.setUint8(0, 0)
    view.setUint8(1, this.syncid)
    view.setUint16(2, this.#at)
    view.setUint8(4, this.#count)
    view.setInt8(5, 1)
    view.setUint16(6, 0)
    const datagram = this.#buffer.slice(0, this.#at)
    this.#at = HEADER_V1
    this.#count = 0
    this.send(datagram)
  }

  #write(connection: SyncConnection, size: number): void {
    const { family, sequences, engine } = connection
    const view = this.#view
    const at = this.#at
    view.setUint8(at, family === 'inet6' ? 1 : 0)
    view.setUint8(at + 1, connection.protocol)
    view.setUint16(at + 2, size)
    view.setUint32(at + 4, connection.flags & ~NOT_SENT)
    view.setUint16(at + 8, connection.state)
    view.setUint16(at + 10, connection.clientPort)
    view.setUint16(at + 12, connection.virtualPort)
    view.setUint16(at + 14, connection.serverPort)
    view.setUint32(at + 16, connection.fwmark)
    view.setUint32(at + 20, connection.timeout ?? 0)
    let next = at + 24
    for (const address of [connection.clientAddress, connection.virtualAddress, connection.serverAddress]) {
      this.#buffer.set(address, next)
      next += address.byteLength
    }
    if (sequences) {
      view.setUint8(next, Option.SEQUENCES)
      view.setUint8(next + 1, SEQUENCES_SIZE)
      this.#sequence(next + 2, sequences.in)
      this.#sequence(next + 14, sequences.out)
      next += 2 + SEQUENCES_SIZE
    }
    if (engine) {
      view.setUint8(next, Option.ENGINE_DATA)
      view.setUint8(next + 1, engine.data.byteLength)
      this.#buffer.set(engine.data, next + 2)
      next += 2 + engine.data.byteLength
      view.setUint8(next, Option.ENGINE_NAME)
      view.setUint8(next + 1, engine.name.length)
      this.#buffer.set(Buffer.from(engine.name, 'latin1'), next + 2)
    }
  }

  #sequence(at: number, { initial, delta, previousDelta }: Sequence): void {
    this.#view.setUint32(at, initial)
    this.#view.setInt32(at + 4, delta)
    this.#view.setInt32(at + 8, previousDelta)
  }
}
