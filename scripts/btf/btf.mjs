// The BPF Type Format, read from an object's .BTF section. Format: Linux, Documentation/bpf/btf.rst.
import { textAt } from './elf.mjs'

/**
 * @typedef {{ name: string, type: number, bitOffset: number, bits: number }} Member
 * @typedef {{ name: string, value: number }} Enumerator
 * @typedef {{ type: number, offset: number, size: number }} SectionEntry
 *
 * @typedef {{ kind: 'void' }} VoidType
 * @typedef {{ kind: 'int', name: string, size: number, signed: boolean, bool: boolean }} IntType
 * @typedef {{ kind: 'ptr', type: number }} PtrType
 * @typedef {{ kind: 'array', type: number, length: number }} ArrayType
 * @typedef {{ kind: 'struct' | 'union', name: string, size: number, members: Member[] }} StructType
 * @typedef {{ kind: 'enum', name: string, size: number, signed: boolean, values: Enumerator[] }} EnumType
 * @typedef {{ kind: 'alias', alias: 'typedef' | 'volatile' | 'const' | 'restrict' | 'type tag', name: string, type: number }} AliasType
 * @typedef {{ kind: 'var', name: string, type: number }} VarType
 * @typedef {{ kind: 'datasec', name: string, size: number, entries: SectionEntry[] }} DatasecType
 * @typedef {{ kind: 'other', name: string }} OtherType forward declarations, functions, tags, floats: nothing of ours is made of them
 * @typedef {VoidType | IntType | PtrType | ArrayType | StructType | EnumType | AliasType | VarType | DatasecType | OtherType} Type
 */

/** @type {Readonly<Record<number, AliasType['alias']>>} */
const aliases = { 8: 'typedef', 9: 'volatile', 10: 'const', 11: 'restrict', 18: 'type tag' }

/**
 * @param {Uint8Array} section the bytes of .BTF
 * @returns {Type[]} by type id; id 0 is void
 */
export function readBtf(section) {
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength)
  if (section.length < 24 || view.getUint16(0, true) !== 0xeb9f) throw new Error('not BTF')
  const headerSize = view.getUint32(4, true)
  const typesAt = headerSize + view.getUint32(8, true)
  const typesEnd = typesAt + view.getUint32(12, true)
  const strings = section.subarray(headerSize + view.getUint32(16, true))

  let at = typesAt
  const u32 = () => {
    const value = view.getUint32(at, true)
    at += 4
    return value
  }
  const name = () => textAt(strings, u32())
  /**
   * @template T
   * @param {number} length
   * @param {() => T} read
   */
  const list = (length, read) => Array.from({ length }, read)

  /** @returns {Type} */
  const readType = () => {
    const typeName = name()
    const info = u32()
    const sizeOrType = u32()
    const length = info & 0xffff
    const kind = (info >>> 24) & 0x1f
    const flag = info >>> 31 === 1
    switch (kind) {
      case 1: {
        const bits = u32()
        return {
          kind: 'int',
          name: typeName,
          size: sizeOrType,
          signed: (bits >>> 24) % 2 === 1,
          bool: (bits >>> 26) % 2 === 1,
        }
      }
      case 2:
        return { kind: 'ptr', type: sizeOrType }
      case 3: {
        const type = u32()
        u32() // the index's type
        return { kind: 'array', type, length: u32() }
      }
      case 4:
      case 5: {
        const members = list(length, () => {
          const member = { name: name(), type: u32(), bitOffset: u32(), bits: 0 }
          // with the flag, the upper byte holds a bit field's width
          return flag ? { ...member, bitOffset: member.bitOffset & 0xffffff, bits: member.bitOffset >>> 24 } : member
        })
        return { kind: kind === 4 ? 'struct' : 'union', name: typeName, size: sizeOrType, members }
      }
      case 6:
        return {
          kind: 'enum',
          name: typeName,
          size: sizeOrType,
          signed: flag,
          // compilers before the sign flag (clang 14) mark nothing: a value is what its 32 bits say as an int
          values: list(length, () => ({ name: name(), value: u32() | 0 })),
        }
      case 13:
        at += length * 8
        return { kind: 'other', name: typeName }
      case 14:
        u32() // linkage
        return { kind: 'var', name: typeName, type: sizeOrType }
      case 15:
        return {
          kind: 'datasec',
          name: typeName,
          size: sizeOrType,
          entries: list(length, () => ({ type: u32(), offset: u32(), size: u32() })),
        }
      case 17:
        u32() // the tagged component
        return { kind: 'other', name: typeName }
      case 7:
      case 12:
      case 16:
        return { kind: 'other', name: typeName }
      default: {
        const alias = aliases[kind]
        if (!alias) throw new Error(`BTF kind ${kind} is not known`)
        return { kind: 'alias', alias, name: typeName, type: sizeOrType }
      }
    }
  }

  /** @type {Type[]} */
  const types = [{ kind: 'void' }]
  while (at < typesEnd) types.push(readType())
  return types
}
