import { bpf, Command } from './bpf-call.js'
import { type Fd, objInfo } from './bpf-object.js'
import { closeFd, Memory } from './syscall.js'

/** A member of a structure or union. */
export interface BtfMember {
  readonly name: string
  /** Type id. */
  readonly type: number
  /** Bytes from the structure's beginning. */
  readonly offset: number
}

/** A type as the BPF Type Format (Linux, Documentation/bpf/btf.rst) has it, aliases (typedef, const, …) resolved. */
export type BtfType =
  | { readonly kind: 'int'; readonly size: number; readonly signed: boolean }
  | { readonly kind: 'pointer'; readonly type: number }
  | { readonly kind: 'array'; readonly type: number; readonly length: number }
  | { readonly kind: 'struct' | 'union'; readonly name: string; readonly size: number; readonly members: BtfMember[] }
  | {
      readonly kind: 'enum'
      readonly name: string
      readonly size: number
      readonly values: ReadonlyMap<string, number>
    }
  | { readonly kind: 'var'; readonly name: string; readonly type: number }
  | { readonly kind: 'section'; readonly name: string; readonly variables: readonly number[] }
  | { readonly kind: 'other' }

const MAGIC = 0xeb9f
const FIXED = 12

/** The types that a BPF object, or a map in the kernel, says its bytes are. */
export class Btf {
  readonly #types: (BtfType | { readonly kind: 'alias'; readonly type: number })[] = [{ kind: 'other' }]

  /** @param bytes the contents of a section .BTF, little-endian. @throws Error for what is none */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (bytes.byteLength < 24 || view.getUint16(0, true) !== MAGIC) throw new Error('not BTF')
    const header = view.getUint32(4, true)
    const start = header + view.getUint32(8, true)
    const end = start + view.getUint32(12, true)
    const strings = bytes.subarray(header + view.getUint32(16, true))
    const text = (offset: number) =>
      Buffer.from(strings.subarray(offset, strings.indexOf(0, offset))).toString('latin1')
    for (let at = start; at < end; ) {
      const info = view.getUint32(at + 4, true)
      const count = info & 0xffff
      const kind = (info >>> 24) & 31
      const word = (index: number) => view.getUint32(at + FIXED + index * 4, true)
      const about = { name: text(view.getUint32(at, true)), size: view.getUint32(at + 8, true) }
      this.#types.push(readType(kind, info >>> 31 === 1, count, about, word, text))
      at += FIXED + 4 * wordsOf(kind, count)
    }
  }

  /** How many type ids there are, 0 (void) included. */
  get length(): number {
    return this.#types.length
  }

  /** A type by its id, aliases resolved. */
  type(id: number): BtfType {
    let found = this.#types[id]
    while (found?.kind === 'alias') found = this.#types[found.type]
    return found ?? { kind: 'other' }
  }

  /** An enumeration by its name: the values of its names. */
  enumeration(name: string): ReadonlyMap<string, number> | undefined {
    for (const type of this.#types) if (type.kind === 'enum' && type.name === name) return type.values
    return undefined
  }

  /** What the source says of a map (its entry in section .maps): the type ids of key and value, where it names them. */
  map(name: string): { readonly key: number | undefined; readonly value: number | undefined } | undefined {
    for (const section of this.#types) {
      if (section.kind !== 'section' || section.name !== '.maps') continue
      for (const id of section.variables) {
        const variable = this.type(id)
        if (variable.kind !== 'var' || variable.name !== name) continue
        const map = this.type(variable.type)
        const pointed = (member: string) => {
          const found = map.kind === 'struct' ? map.members.find((one) => one.name === member) : undefined
          const pointer = found && this.type(found.type)
          return pointer?.kind === 'pointer' ? pointer.type : undefined
        }
        return { key: pointed('key'), value: pointed('value') }
      }
    }
    return undefined
  }
}

/** Words that follow a type's first three. */
function wordsOf(kind: number, count: number): number {
  switch (kind) {
    case 1: // int
    case 14: // var
    case 17: // declaration tag
      return 1
    case 3: // array
      return 3
    case 4: // struct
    case 5: // union
    case 15: // data section
    case 19: // enum of 64 bits
      return 3 * count
    case 6: // enum
    case 13: // function prototype
      return 2 * count
    default:
      return 0
  }
}

function readType(
  kind: number,
  flag: boolean,
  count: number,
  { name, size }: { readonly name: string; readonly size: number },
  word: (index: number) => number,
  text: (offset: number) => string,
): BtfType | { readonly kind: 'alias'; readonly type: number } {
  const each = <T>(read: (index: number) => T) => Array.from({ length: count }, (_, index) => read(index))
  switch (kind) {
    case 1:
      return { kind: 'int', size, signed: ((word(0) >>> 24) & 1) === 1 }
    case 2:
      return { kind: 'pointer', type: size }
    case 3:
      return { kind: 'array', type: word(0), length: word(2) }
    case 4:
    case 5:
      return {
        kind: kind === 4 ? 'struct' : 'union',
        name,
        size,
        members: each((i) => ({
          name: text(word(3 * i)),
          type: word(3 * i + 1),
          // with the flag the upper byte holds a bit field's width; none of ours is one
          offset: (flag ? word(3 * i + 2) & 0xffffff : word(3 * i + 2)) / 8,
        })),
      }
    case 6:
      return { kind: 'enum', name, size, values: new Map(each((i) => [text(word(2 * i)), word(2 * i + 1) | 0])) }
    case 14:
      return { kind: 'var', name, type: size }
    case 15:
      return { kind: 'section', name, variables: each((i) => word(3 * i)) }
    case 8: // typedef
    case 9: // volatile
    case 10: // const
    case 11: // restrict
    case 18: // type tag
      return { kind: 'alias', type: size }
    default:
      return { kind: 'other' }
  }
}

/**
 * What the kernel was told of a map's contents when it was made.
 * @returns the types, and the ids of the key's and value's among them; undefined where it was told nothing.
 * @throws KernelError
 */
export function mapBtf(fd: Fd): { readonly btf: Btf; readonly key: number; readonly value: number } | undefined {
  const info = objInfo(fd, 80)
  const id = info.u32(64)
  if (id === 0) return undefined
  const btfFd = bpf(Command.BTF_GET_FD_BY_ID, `BTF ${id}`, (attr) => attr.setU32(0, id))
  try {
    return { btf: new Btf(rawBtf(btfFd)), key: info.u32(68), value: info.u32(72) }
  } finally {
    closeFd(btfFd)
  }
}

/** struct bpf_btf_info up to and with id */
const BTF_INFO_SIZE = 16

function rawBtf(fd: Fd): Uint8Array {
  const ask = (room: Memory | undefined) => {
    const info = new Memory(BTF_INFO_SIZE)
    if (room) {
      info.setPointer(0, room)
      info.setU32(8, room.bytes.byteLength)
    }
    bpf(Command.OBJ_GET_INFO_BY_FD, `BTF fd ${fd}`, (attr) => {
      attr.setU32(0, fd)
      attr.setU32(4, BTF_INFO_SIZE)
      attr.setPointer(8, info)
    })
    return info.u32(8)
  }
  const room = new Memory(ask(undefined))
  ask(room)
  return room.bytes
}

/**
 * The BTF of a compiled object, before anything of it is in the kernel.
 * @param object the ELF file's bytes, 64-bit and little-endian, as the System V gABI (chapter 4) lays it out.
 * @throws Error for what is no such file, or has none
 */
export function objectBtf(object: Uint8Array): Btf {
  const view = new DataView(object.buffer, object.byteOffset, object.byteLength)
  if (object.byteLength < 64 || view.getUint32(0) !== 0x7f454c46) throw new Error('not an ELF file')
  const table = Number(view.getBigUint64(40, true))
  const [entrySize, count, names] = [view.getUint16(58, true), view.getUint16(60, true), view.getUint16(62, true)]
  const section = (index: number) => {
    const at = table + index * entrySize
    const offset = Number(view.getBigUint64(at + 24, true))
    return {
      name: view.getUint32(at, true),
      bytes: object.subarray(offset, offset + Number(view.getBigUint64(at + 32, true))),
    }
  }
  const strings = section(names).bytes
  for (let index = 0; index < count; index += 1) {
    const { name, bytes } = section(index)
    if (Buffer.from(strings.subarray(name, name + 5)).toString('latin1') === '.BTF\0') return new Btf(bytes)
  }
  throw new Error('the object has no BTF')
}
