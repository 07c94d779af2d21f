import {
  ENTRY_V0,
  ENTRY_V1_INET,
  ENTRY_V1_INET6,
  Flag,
  HEADER_V0,
  HEADER_V1,
  MOST_ENGINE_DATA,
  MOST_ENGINE_NAME,
  Option,
  SEQUENCES_SIZE,
  type Sequence,
  type Sequences,
  type SyncConnection,
  type SyncMessage,
  stateCounts,
  TEMPLATE_STATES,
} from './message.js'

/** Why nothing was taken from a datagram. */
export const malformations = {
  short: 'shorter than a header',
  size: 'the size that it tells is not its own',
  version: 'a version that is not known',
  type: 'a connection of unknown type',
  truncated: 'a connection goes beyond the end',
  length: 'a connection with a length that its kind cannot have',
  option: 'an option that is unknown, twice there, or of the wrong length',
  flags: 'flags that contradict each other or the options',
  protocol: 'a protocol that IPVS does not balance',
  state: 'a state that the protocol does not have',
  trailing: 'more bytes than connections',
} as const

export type Malformation = keyof typeof malformations

/** Thrown by {@link decode}. The datagram is to be counted by its reason, and forgotten. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError'

  constructor(readonly reason: Malformation) {
    super(malformations[reason])
  }
}

/**
 * Understands a datagram of version 1 or 0. It is taken whole or not at all: whatever contradicts itself, the table that
 * it would change or the protocol refuses all of its connections.
 * @throws MalformedError
 */
export function decode(datagram: Uint8Array): SyncMessage {
  const { byteLength } = datagram
  if (byteLength < HEADER_V0) throw new MalformedError('short')
  const view = new DataView(datagram.buffer, datagram.byteOffset, byteLength)
  if (view.getUint16(2) !== byteLength) throw new MalformedError('size')
  const syncid = view.getUint8(1)
  const cursor: Cursor = { bytes: datagram, view, at: 0 }
  if (isVersion1(view)) {
    cursor.at = HEADER_V1
    return { version: 1, syncid, connections: entries(cursor, view.getUint8(4), entryV1) }
  }
  // version 0 has a count where the others have a zero
  const count = view.getUint8(0)
  if (count === 0) throw new MalformedError('version')
  cursor.at = HEADER_V0
  return { version: 0, syncid, connections: entries(cursor, count, entryV0) }
}

const isVersion1 = (view: DataView) =>
  view.byteLength >= HEADER_V1 && view.getUint8(0) === 0 && view.getInt8(5) === 1 && view.getUint16(6) === 0

interface Cursor {
  readonly bytes: Uint8Array
  readonly view: DataView
  at: number
}

function entries(cursor: Cursor, count: number, read: (cursor: Cursor) => SyncConnection): SyncConnection[] {
  const found: SyncConnection[] = []
  for (let i = 0; i < count; i += 1) {
    const entry = read(cursor)
    check(entry)
    found.push(entry)
  }
  // the last connection may be padded as those before it
  if (cursor.at < cursor.view.byteLength) throw new MalformedError('trailing')
  return found
}

function entryV0(cursor: Cursor): SyncConnection {
  const { view, at } = cursor
  if (at + ENTRY_V0 > view.byteLength) throw new MalformedError('truncated')
  const flags = view.getUint16(at + 20)
  cursor.at += ENTRY_V0
  const sequences = flags & Flag.SEQUENCE_MASK ? sequencesAt(cursor, SEQUENCES_SIZE) : undefined
  return {
    family: 'inet',
    protocol: view.getUint8(at + 1),
    flags,
    state: view.getUint16(at + 22),
    ...addressesAt(cursor.bytes, at + 8, 4),
    ...portsAt(view, at + 2),
    fwmark: 0,
    ...(sequences ? { sequences } : {}),
  }
}

function entryV1(cursor: Cursor): SyncConnection {
  const { bytes, view, at } = cursor
  if (at + ENTRY_V1_INET > view.byteLength) throw new MalformedError('truncated')
  const type = view.getUint8(at)
  if (type > 1) throw new MalformedError('type')
  const size = type === 1 ? ENTRY_V1_INET6 : ENTRY_V1_INET
  const versionAndLength = view.getUint16(at + 2)
  if (versionAndLength >> 12 !== 0) throw new MalformedError('version')
  const length = versionAndLength & 0xfff
  if (length < size) throw new MalformedError('length')
  const end = at + length
  if (end > view.byteLength) throw new MalformedError('truncated')
  const options = optionsAt({ bytes, view, at: at + size }, end)
  cursor.at = Math.min((end + 3) & ~3, view.byteLength)
  return {
    family: type === 1 ? 'inet6' : 'inet',
    protocol: view.getUint8(at + 1),
    flags: view.getUint32(at + 4),
    state: view.getUint16(at + 8),
    ...portsAt(view, at + 10),
    fwmark: view.getUint32(at + 16),
    timeout: view.getUint32(at + 20),
    ...addressesAt(bytes, at + 24, type === 1 ? 16 : 4),
    ...options,
  }
}

function portsAt(view: DataView, at: number) {
  return { clientPort: view.getUint16(at), virtualPort: view.getUint16(at + 2), serverPort: view.getUint16(at + 4) }
}

/** Client, virtual service and server; a copy, so that a datagram's memory may be used again. */
function addressesAt(bytes: Uint8Array, at: number, size: 4 | 16) {
  return {
    clientAddress: bytes.slice(at, at + size),
    virtualAddress: bytes.slice(at + size, at + 2 * size),
    serverAddress: bytes.slice(at + 2 * size, at + 3 * size),
  }
}

type Options = Pick<SyncConnection, 'sequences' | 'engine'>

function optionsAt(cursor: Cursor, end: number): Options {
  const { bytes, view } = cursor
  let sequences: Sequences | undefined
  let data: Uint8Array | undefined
  let name: string | undefined
  while (cursor.at < end) {
    if (cursor.at + 2 > end) throw new MalformedError('option')
    const kind = view.getUint8(cursor.at)
    const length = view.getUint8(cursor.at + 1)
    const start = cursor.at + 2
    if (length === 0 || start + length > end) throw new MalformedError('option')
    cursor.at = start
    if (kind === Option.SEQUENCES) {
      if (sequences) throw new MalformedError('option')
      sequences = sequencesAt(cursor, length)
    } else if (kind === Option.ENGINE_DATA) {
      if (data || length > MOST_ENGINE_DATA) throw new MalformedError('option')
      data = bytes.slice(start, start + length)
    } else if (kind === Option.ENGINE_NAME) {
      if (name !== undefined || length > MOST_ENGINE_NAME) throw new MalformedError('option')
      name = nameOf(bytes.subarray(start, start + length))
    } else if (!(kind & Option.SKIPPABLE)) throw new MalformedError('option')
    cursor.at = start + length
  }
  // data says nothing without the engine that reads it
  if ((data === undefined) !== (name === undefined)) throw new MalformedError('option')
  return {
    ...(sequences ? { sequences } : {}),
    ...(data && name !== undefined ? { engine: { name, data } } : {}),
  }
}

/** Letters that a kernel module's name can have; its end may be padded with zeros. */
function nameOf(bytes: Uint8Array): string {
  const name = Buffer.from(bytes).toString('latin1').replace(/\0+$/, '')
  if (!/^[\w-]+$/.test(name)) throw new MalformedError('option')
  return name
}

function sequencesAt(cursor: Cursor, length: number): Sequences {
  const { view, at } = cursor
  if (length !== SEQUENCES_SIZE) throw new MalformedError('option')
  if (at + length > view.byteLength) throw new MalformedError('truncated')
  cursor.at += length
  return { in: sequenceAt(view, at), out: sequenceAt(view, at + 12) }
}

function sequenceAt(view: DataView, at: number): Sequence {
  return { initial: view.getUint32(at), delta: view.getInt32(at + 4), previousDelta: view.getInt32(at + 8) }
}

function check({ flags, protocol, state, sequences }: SyncConnection): void {
  if (((flags & Flag.SEQUENCE_MASK) !== 0) !== (sequences !== undefined)) throw new MalformedError('flags')
  if ((flags & Flag.METHOD_MASK) > 4 || flags & Flag.ONE_PACKET) throw new MalformedError('flags')
  if (flags & Flag.TEMPLATE) {
    if (state >= TEMPLATE_STATES) throw new MalformedError('state')
    return
  }
  const states = stateCounts.get(protocol)
  if (states === undefined) throw new MalformedError('protocol')
  if (state >= states) throw new MalformedError('state')
}
