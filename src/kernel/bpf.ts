import koffi from 'koffi'
import { allocate, c, checked, KernelError, type Memory, mapMemory, unmapMemory } from './syscall.js'

/**
 * bpf(2) without a library: enough for commands to read and edit maps, whose start-up time matters.
 * File descriptors are numbers; what returns one wants {@link closeFd} in the end.
 */

const SYS_BPF: number = { x64: 321, arm64: 280 }[process.arch as string] ?? 321

const CMD = {
  MAP_LOOKUP_ELEM: 1,
  MAP_UPDATE_ELEM: 2,
  MAP_DELETE_ELEM: 3,
  MAP_GET_NEXT_KEY: 4,
  OBJ_PIN: 6,
  OBJ_GET: 7,
  PROG_TEST_RUN: 10,
  OBJ_GET_INFO_BY_FD: 15,
  MAP_LOOKUP_BATCH: 24,
  LINK_CREATE: 28,
  LINK_UPDATE: 29,
  LINK_DETACH: 34,
} as const

const BPF_SK_LOOKUP = 36
const BPF_TCX_INGRESS = 46
const ENOENT = 2
const ENOSPC = 28

/** One arena for all calls: the attribute first, then what it points to. Calls do not nest. */
const ATTR = 128
const ARENA = 1 << 20
let arena: Memory | undefined

function memory(): Memory {
  arena ??= allocate(ARENA)
  return arena
}

function bpf(cmd: number): number {
  const syscall = c('long syscall(long number, ...)')
  return Number(syscall(SYS_BPF, 'int', cmd, 'uint64_t', memory().address, 'uint', ATTR))
}

/** Clears the attribute and hands out the arena behind it. */
function prepare(): { attr: DataView; m: Memory } {
  const m = memory()
  m.bytes.fill(0, 0, ATTR)
  return { attr: m.view, m }
}

function place(m: Memory, offset: number, bytes: Uint8Array): bigint {
  m.bytes.set(bytes, offset)
  return m.address + BigInt(offset)
}

function placePath(m: Memory, path: string): bigint {
  const bytes = new TextEncoder().encode(path)
  const at = place(m, ATTR, bytes)
  m.bytes[ATTR + bytes.length] = 0
  return at
}

/** The object pinned at `path`. @throws KernelError ENOENT, EPERM, EACCES */
export function objGet(path: string): number {
  const { attr, m } = prepare()
  attr.setBigUint64(0, placePath(m, path), true)
  return checked(`BPF_OBJ_GET ${path}`, bpf(CMD.OBJ_GET))
}

export function objPin(fd: number, path: string): void {
  const { attr, m } = prepare()
  attr.setBigUint64(0, placePath(m, path), true)
  attr.setUint32(8, fd, true)
  checked(`BPF_OBJ_PIN ${path}`, bpf(CMD.OBJ_PIN))
}

function infoOf(fd: number, bytes: number): DataView {
  const { attr, m } = prepare()
  m.bytes.fill(0, ATTR, ATTR + bytes)
  attr.setUint32(0, fd, true)
  attr.setUint32(4, bytes, true)
  attr.setBigUint64(8, m.address + BigInt(ATTR), true)
  checked('BPF_OBJ_GET_INFO_BY_FD', bpf(CMD.OBJ_GET_INFO_BY_FD))
  return new DataView(m.bytes.slice(ATTR, ATTR + bytes).buffer)
}

function text(view: DataView, offset: number, length: number): string {
  const bytes = new Uint8Array(view.buffer, offset, length)
  const end = bytes.indexOf(0)
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? length : end))
}

export interface MapInfo {
  readonly type: number
  readonly id: number
  readonly keySize: number
  readonly valueSize: number
  readonly maxEntries: number
  readonly flags: number
  readonly name: string
}

export function mapInfo(fd: number): MapInfo {
  const info = infoOf(fd, 80)
  const u32 = (i: number) => info.getUint32(i * 4, true)
  return {
    type: u32(0),
    id: u32(1),
    keySize: u32(2),
    valueSize: u32(3),
    maxEntries: u32(4),
    flags: u32(5),
    name: text(info, 24, 16),
  }
}

export interface ProgInfo {
  readonly type: number
  readonly id: number
  /** Of the instructions: the same for the same program, hexadecimal. */
  readonly tag: string
  readonly name: string
  /** With kernel.bpf_stats_enabled. */
  readonly runTimeNs: bigint
  readonly runCount: bigint
}

export function progInfo(fd: number): ProgInfo {
  const info = infoOf(fd, 224)
  return {
    type: info.getUint32(0, true),
    id: info.getUint32(4, true),
    tag: Buffer.from(info.buffer, 8, 8).toString('hex'),
    name: text(info, 64, 16),
    runTimeNs: info.getBigUint64(192, true),
    runCount: info.getBigUint64(200, true),
  }
}

export interface LinkInfo {
  readonly type: number
  readonly id: number
  readonly progId: number
  /** Index 0: the device is gone. */
  readonly tcx?: { readonly ifindex: number; readonly attachType: number }
  /** Inode 0: the network namespace is gone. */
  readonly netns?: { readonly ino: number; readonly attachType: number }
}

const LINK_NETNS = 5
const LINK_TCX = 11

export function linkInfo(fd: number): LinkInfo {
  const info = infoOf(fd, 64)
  const [type, id, progId] = [0, 4, 8].map((at) => info.getUint32(at, true)) as [number, number, number]
  const pair = [info.getUint32(16, true), info.getUint32(20, true)] as const
  return {
    type,
    id,
    progId,
    ...(type === LINK_TCX ? { tcx: { ifindex: pair[0], attachType: pair[1] } } : {}),
    ...(type === LINK_NETNS ? { netns: { ino: pair[0], attachType: pair[1] } } : {}),
  }
}

function element(
  fd: number,
  key: Uint8Array,
  value: Uint8Array | number,
  flags: bigint,
): { attr: DataView; m: Memory; at: number } {
  const { attr, m } = prepare()
  const at = ATTR + ((key.length + 7) & ~7)
  attr.setUint32(0, fd, true)
  attr.setBigUint64(8, place(m, ATTR, key), true)
  attr.setBigUint64(16, typeof value === 'number' ? m.address + BigInt(at) : place(m, at, value), true)
  attr.setBigUint64(24, flags, true)
  return { attr, m, at }
}

/** The value of `key`, a copy; undefined where there is none. */
export function mapLookup(fd: number, key: Uint8Array, valueSize: number): Uint8Array | undefined {
  const { m, at } = element(fd, key, valueSize, 0n)
  const result = bpf(CMD.MAP_LOOKUP_ELEM)
  if (result < 0 && koffi.errno() === ENOENT) return undefined
  checked('BPF_MAP_LOOKUP_ELEM', result)
  return m.bytes.slice(at, at + valueSize)
}

/** `flags`: BPF_ANY 0, BPF_NOEXIST 1, BPF_EXIST 2. @throws KernelError EEXIST, ENOENT, E2BIG (full) */
export function mapUpdate(fd: number, key: Uint8Array, value: Uint8Array, flags = 0): void {
  element(fd, key, value, BigInt(flags))
  checked('BPF_MAP_UPDATE_ELEM', bpf(CMD.MAP_UPDATE_ELEM))
}

/** False: there was no such key. */
export function mapDelete(fd: number, key: Uint8Array): boolean {
  element(fd, key, 0, 0n)
  const result = bpf(CMD.MAP_DELETE_ELEM)
  if (result < 0 && koffi.errno() === ENOENT) return false
  checked('BPF_MAP_DELETE_ELEM', result)
  return true
}

/**
 * All elements of a hash map or array, copied a batch at a time: what is inserted or deleted meanwhile may or may not be
 * among them.
 */
export function* mapEntries(fd: number, keySize: number, valueSize: number): Iterable<[Uint8Array, Uint8Array]> {
  // the batch's place is a key of its own, or a bucket number; 64 bytes hold either
  const tokens = 64
  const room = ARENA - ATTR - 2 * tokens
  const limit = Math.floor(room / (keySize + valueSize))
  let token: Uint8Array | undefined
  let count = Math.min(limit, 4096)
  for (;;) {
    const { attr, m } = prepare()
    const keysAt = ATTR + 2 * tokens
    const valuesAt = keysAt + limit * keySize
    if (token) m.bytes.set(token, ATTR)
    attr.setBigUint64(0, token ? m.address + BigInt(ATTR) : 0n, true)
    attr.setBigUint64(8, m.address + BigInt(ATTR + tokens), true)
    attr.setBigUint64(16, m.address + BigInt(keysAt), true)
    attr.setBigUint64(24, m.address + BigInt(valuesAt), true)
    attr.setUint32(32, count, true)
    attr.setUint32(36, fd, true)
    const result = bpf(CMD.MAP_LOOKUP_BATCH)
    const errno = result < 0 ? koffi.errno() : 0
    if (errno === ENOSPC && count < limit) {
      // a bucket longer than the batch
      count = limit
      continue
    }
    if (errno !== 0 && errno !== ENOENT) throw new KernelError('BPF_MAP_LOOKUP_BATCH', errno)
    const got = m.view.getUint32(32, true)
    const keys = m.bytes.slice(keysAt, keysAt + got * keySize)
    const values = m.bytes.slice(valuesAt, valuesAt + got * valueSize)
    token = m.bytes.slice(ATTR + tokens, ATTR + 2 * tokens)
    for (let i = 0; i < got; i += 1)
      yield [keys.subarray(i * keySize, (i + 1) * keySize), values.subarray(i * valueSize, (i + 1) * valueSize)]
    if (errno === ENOENT) return
  }
}

const pointers = new WeakMap<ArrayBuffer, unknown>()

/** The values of a BPF_F_MMAPABLE array as shared memory, `bytes` long: stores reach packets, atomics work on it. */
export function mapMmap(fd: number, bytes: number): ArrayBuffer {
  const page = 4096
  const { pointer, buffer } = mapMemory(Math.ceil(bytes / page) * page, fd)
  pointers.set(buffer, pointer)
  return buffer
}

/** The buffer must not be touched any more. */
export function munmap(buffer: ArrayBuffer): void {
  const pointer = pointers.get(buffer)
  if (pointer === undefined) return
  pointers.delete(buffer)
  unmapMemory(pointer, buffer.byteLength)
}

function linkCreate(progFd: number, target: number, attachType: number, what: string): number {
  const { attr } = prepare()
  attr.setUint32(0, progFd, true)
  attr.setUint32(4, target, true)
  attr.setUint32(8, attachType, true)
  return checked(what, bpf(CMD.LINK_CREATE))
}

/** Attaches at TC ingress of a device (Linux 6.6). The link holds while it is pinned or open. */
export function linkCreateTcx(progFd: number, ifindex: number): number {
  return linkCreate(progFd, ifindex, BPF_TCX_INGRESS, `attaching to ifindex ${ifindex}`)
}

/** Attaches an sk_lookup program to a network namespace. */
export function linkCreateNetns(progFd: number, netnsFd: number): number {
  return linkCreate(progFd, netnsFd, BPF_SK_LOOKUP, 'attaching to the network namespace')
}

/** Puts another program in the place of a link's, without a packet between. */
export function linkUpdate(linkFd: number, newProgFd: number): void {
  const { attr } = prepare()
  attr.setUint32(0, linkFd, true)
  attr.setUint32(4, newProgFd, true)
  checked('BPF_LINK_UPDATE', bpf(CMD.LINK_UPDATE))
}

export interface TestRun {
  readonly retval: number
  readonly dataOut: Uint8Array
  readonly ctxOut: Uint8Array
  /** Mean of the repetitions. */
  readonly durationNs: number
}

/** Runs a program on a packet of `dataIn` (BPF_PROG_TEST_RUN). */
export function progTestRun(
  progFd: number,
  input: { dataIn: Uint8Array; dataOutSize?: number; ctxIn?: Uint8Array; repeat?: number },
): TestRun {
  const { attr, m } = prepare()
  const outSize = input.dataOutSize ?? input.dataIn.length + 256
  const ctxIn = input.ctxIn ?? new Uint8Array(0)
  const inAt = ATTR
  const outAt = inAt + ((input.dataIn.length + 63) & ~63)
  const ctxAt = outAt + ((outSize + 63) & ~63)
  const ctxOutAt = ctxAt + 256
  attr.setUint32(0, progFd, true)
  attr.setUint32(8, input.dataIn.length, true)
  attr.setUint32(12, outSize, true)
  attr.setBigUint64(16, place(m, inAt, input.dataIn), true)
  attr.setBigUint64(24, m.address + BigInt(outAt), true)
  attr.setUint32(32, input.repeat ?? 1, true)
  if (ctxIn.length > 0) {
    attr.setUint32(40, ctxIn.length, true)
    attr.setUint32(44, ctxIn.length, true)
    attr.setBigUint64(48, place(m, ctxAt, ctxIn), true)
    attr.setBigUint64(56, m.address + BigInt(ctxOutAt), true)
  }
  checked('BPF_PROG_TEST_RUN', bpf(CMD.PROG_TEST_RUN))
  const got = attr.getUint32(12, true)
  return {
    retval: attr.getInt32(4, true),
    dataOut: m.bytes.slice(outAt, outAt + got),
    ctxOut: m.bytes.slice(ctxOutAt, ctxOutAt + ctxIn.length),
    durationNs: attr.getUint32(36, true),
  }
}
