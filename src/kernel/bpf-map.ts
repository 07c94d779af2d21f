import { bpf, bpfCallName, Command, tryBpf } from './bpf-call.js'
import { type Fd, objInfo } from './bpf-object.js'
import { lastErrno } from './ffi.js'
import { errnoName, KernelError, Memory } from './syscall.js'

/** Map types used here, from uapi/linux/bpf.h. */
export const MapType = { HASH: 1, ARRAY: 2, PERCPU_HASH: 5, PERCPU_ARRAY: 6, LPM_TRIE: 11, QUEUE: 22 } as const

/** Map flags: elements allocated on demand; an array that mmap(2) can share. */
export const MapFlag = { NO_PREALLOC: 1, MMAPABLE: 1 << 10 } as const

/** Update flags: whatever is there; only a new element; only an old one. */
export const Update = { ANY: 0, NOEXIST: 1, EXIST: 2 } as const

export interface MapInfo {
  readonly type: number
  readonly id: number
  /** Bytes. */
  readonly keySize: number
  /** Bytes; of one CPU in a per-CPU map. */
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
  /** The kernel keeps 15 characters. */
  readonly name: string
}

/** @throws KernelError EINVAL if the descriptor is not a map's. */
export function mapInfo(fd: Fd): MapInfo {
  const info = objInfo(fd, 80)
  return {
    type: info.u32(0),
    id: info.u32(4),
    keySize: info.u32(8),
    valueSize: info.u32(12),
    maxEntries: info.u32(16),
    flags: info.u32(20),
    name: info.text(24, 16),
  }
}

/** Creates a map without BTF. @throws KernelError */
export function mapCreate(map: Omit<MapInfo, 'id' | 'flags' | 'name'> & { flags?: number; name?: string }): Fd {
  return bpf(Command.MAP_CREATE, map.name ?? '', (attr) => {
    attr.setU32(0, map.type)
    attr.setU32(4, map.keySize)
    attr.setU32(8, map.valueSize)
    attr.setU32(12, map.maxEntries)
    attr.setU32(16, map.flags ?? 0)
    attr.bytes.set(new TextEncoder().encode(map.name ?? '').subarray(0, 15), 28)
  })
}

// keys and values of single calls pass through memory that stays, grown when a longer one comes
let keyMemory: Memory | undefined
let valueMemory: Memory | undefined

function key(bytes: Uint8Array): Memory {
  if (!keyMemory || keyMemory.bytes.byteLength < bytes.byteLength)
    keyMemory = new Memory(Math.max(256, bytes.byteLength))
  keyMemory.bytes.set(bytes)
  return keyMemory
}

function value(size: number): Memory {
  if (!valueMemory || valueMemory.bytes.byteLength < size) valueMemory = new Memory(Math.max(4096, size))
  return valueMemory
}

/**
 * Reads one element.
 *
 * @param valueSize bytes that the kernel will write: of a per-CPU map `roundUp(valueSize, 8) * possibleCpus()`. Fewer than
 * that would let it write over other memory.
 * @returns a copy, or undefined where there is none.
 * @throws KernelError
 */
export function mapLookup(fd: Fd, keyBytes: Uint8Array, valueSize: number): Uint8Array | undefined {
  const found = value(valueSize)
  const { result } = tryBpf(Command.MAP_LOOKUP_ELEM, (attr) => {
    attr.setU32(0, fd)
    attr.setPointer(8, key(keyBytes))
    attr.setPointer(16, found)
  })
  if (result < 0) return absent(Command.MAP_LOOKUP_ELEM, fd)
  return found.bytes.slice(0, valueSize)
}

/**
 * Writes one element.
 *
 * @param flags one of {@link Update}.
 * @throws KernelError EEXIST, ENOENT as the flags say; E2BIG when the map is full.
 */
export function mapUpdate(fd: Fd, keyBytes: Uint8Array, valueBytes: Uint8Array, flags = 0): void {
  bpf(Command.MAP_UPDATE_ELEM, `map fd ${fd}`, (attr) => {
    const written = value(valueBytes.byteLength)
    written.bytes.set(valueBytes)
    attr.setU32(0, fd)
    attr.setPointer(8, key(keyBytes))
    attr.setPointer(16, written)
    attr.setU64(24, BigInt(flags))
  })
}

/** Removes one element. @returns false where there was none. @throws KernelError */
export function mapDelete(fd: Fd, keyBytes: Uint8Array): boolean {
  const { result } = tryBpf(Command.MAP_DELETE_ELEM, (attr) => {
    attr.setU32(0, fd)
    attr.setPointer(8, key(keyBytes))
  })
  if (result < 0) absent(Command.MAP_DELETE_ELEM, fd)
  return result >= 0
}

/**
 * The key after `keyBytes`, or the first one. In a hash, the first one also when the key is gone.
 * @returns a copy, or undefined at the end.
 * @throws KernelError
 */
export function mapNextKey(fd: Fd, keyBytes: Uint8Array | undefined, keySize: number): Uint8Array | undefined {
  const next = value(keySize)
  const { result } = tryBpf(Command.MAP_GET_NEXT_KEY, (attr) => {
    attr.setU32(0, fd)
    if (keyBytes) attr.setPointer(8, key(keyBytes))
    attr.setPointer(16, next)
  })
  if (result < 0) return absent(Command.MAP_GET_NEXT_KEY, fd)
  return next.bytes.slice(0, keySize)
}

function absent(command: number, fd: Fd): undefined {
  const errno = lastErrno()
  if (errnoName(errno) !== 'ENOENT') throw new KernelError(bpfCallName(command, `map fd ${fd}`), errno)
  return undefined
}

const FIRST_BATCH = 256
const LARGEST_BATCH = 16384

/**
 * All elements of a map, a batch a system call, while others may change it: an element that is there all the time comes
 * exactly once from a hash or an array; one that comes or goes meanwhile may or may not.
 *
 * @param valueSize as in {@link mapLookup}.
 * @param firstBatch how many elements the first system call asks for; later ones ask for more.
 * @returns keys and values that stay as they are; they share buffers, so mind `byteOffset`.
 * @throws KernelError
 */
export function* mapEntries(
  fd: Fd,
  keySize: number,
  valueSize: number,
  firstBatch = FIRST_BATCH,
): Generator<[key: Uint8Array, value: Uint8Array]> {
  // where the kernel stopped: a bucket's number in a hash, the last key elsewhere
  const cursorSize = Math.max(keySize, 8)
  let cursor: Memory | undefined
  for (let capacity = firstBatch; ; ) {
    const keys = new Memory(capacity * keySize)
    const values = new Memory(capacity * valueSize)
    const next = new Memory(cursorSize)
    const { result, attr } = tryBpf(Command.MAP_LOOKUP_BATCH, (a) => {
      if (cursor) a.setPointer(0, cursor)
      a.setPointer(8, next)
      a.setPointer(16, keys)
      a.setPointer(24, values)
      a.setU32(32, capacity)
      a.setU32(36, fd)
    })
    const errno = result < 0 ? lastErrno() : 0
    const count = attr.u32(32)
    const error = errno ? errnoName(errno) : undefined
    if (error === 'ENOSPC') {
      // the next bucket alone holds more than fits: the same place again with more room
      capacity *= 4
      continue
    }
    if (error !== undefined && error !== 'ENOENT') {
      // ENOTSUPP (524, without a name) or EINVAL: a type of map that has no batches
      if (cursor === undefined && (errno === 524 || error === 'EINVAL' || error === 'EOPNOTSUPP'))
        return yield* entriesByKey(fd, keySize, valueSize)
      throw new KernelError(bpfCallName(Command.MAP_LOOKUP_BATCH, `map fd ${fd}`), errno)
    }
    for (let i = 0; i < count; i += 1)
      yield [
        keys.bytes.subarray(i * keySize, (i + 1) * keySize),
        values.bytes.subarray(i * valueSize, (i + 1) * valueSize),
      ]
    if (error === 'ENOENT') return
    cursor = next
    capacity = Math.max(capacity, Math.min(capacity * 4, LARGEST_BATCH))
  }
}

function* entriesByKey(fd: Fd, keySize: number, valueSize: number): Generator<[Uint8Array, Uint8Array]> {
  // the walk begins anew when its key is deleted meanwhile, so remember what has come
  const seen = new Set<string>()
  for (let at = mapNextKey(fd, undefined, keySize); at; at = mapNextKey(fd, at, keySize)) {
    const name = Buffer.from(at).toString('latin1')
    if (seen.has(name)) continue
    seen.add(name)
    const found = mapLookup(fd, at, valueSize)
    if (found) yield [at, found]
  }
}
