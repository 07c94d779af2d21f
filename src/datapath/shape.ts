import type { Btf } from '../kernel/index.js'

/** A number, or a row of them, in a record. */
export interface Leaf {
  /** Such as `options[1].weight`. */
  readonly path: string
  readonly offset: number
  /** Bytes of one. */
  readonly size: number
  readonly count: number
  readonly signed: boolean
}

/** A type's leaves in the order of their offsets. The kernel's own (timers, locks) and what is called spare are left out. */
export function leavesOf(btf: Btf, id: number): Leaf[] {
  const found: Leaf[] = []
  const walk = (type: number, path: string, offset: number): void => {
    const at = btf.type(type)
    switch (at.kind) {
      case 'int':
        found.push({ path, offset, size: at.size, count: 1, signed: at.signed })
        break
      case 'enum':
        found.push({ path, offset, size: at.size, count: 1, signed: false })
        break
      case 'array': {
        const { element, length } = innermost(btf, at)
        const inner = btf.type(element)
        if (inner.kind === 'int' || inner.kind === 'enum') {
          const signed = inner.kind === 'int' && inner.signed
          found.push({ path, offset, size: inner.size, count: length, signed })
        } else {
          for (let index = 0; index < length; index += 1)
            walk(element, `${path}[${index}]`, offset + index * sizeOf(btf, element))
        }
        break
      }
      case 'struct':
      case 'union':
        if (at.name.startsWith('bpf_')) break
        for (const member of at.members) {
          if (member.name.startsWith('spare')) continue
          const below = member.name === '' ? path : path === '' ? member.name : `${path}.${member.name}`
          walk(member.type, below, offset + member.offset)
        }
        break
    }
  }
  walk(id, '', 0)
  return found.sort((a, b) => a.offset - b.offset)
}

/** An array of arrays is one row of what the innermost holds. */
function innermost(btf: Btf, array: { readonly type: number; readonly length: number }) {
  let [element, length] = [array.type, array.length]
  for (let inner = btf.type(element); inner.kind === 'array'; inner = btf.type(element))
    [element, length] = [inner.type, length * inner.length]
  return { element, length }
}

/** Bytes of a type. */
export function sizeOf(btf: Btf, id: number): number {
  const type = btf.type(id)
  switch (type.kind) {
    case 'int':
    case 'enum':
    case 'struct':
    case 'union':
      return type.size
    case 'array':
      return type.length * sizeOf(btf, type.type)
    case 'pointer':
      return 8
    default:
      return 0
  }
}

/** Two records whose bytes mean the same. */
export function sameLeaves(a: readonly Leaf[], b: readonly Leaf[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** Writes what a record of an older layout says into one of a newer layout. */
export type Converter = (from: Uint8Array, to: Uint8Array) => void

interface Copy {
  from: number
  to: number
  bytes: number
}

/**
 * A record of one layout made from one of another: what has the same name is carried over, wherever it stands now; what is
 * new stays as it is; what is gone is left out. A number may have become wider, and a row of them longer.
 *
 * @returns what carries over; or why that cannot be, in words.
 */
export function converter(from: readonly Leaf[], to: readonly Leaf[]): Converter | string {
  const known = new Map(from.map((leaf) => [leaf.path, leaf]))
  const copies: Copy[] = []
  const widenings: { readonly from: Leaf; readonly to: Leaf; readonly count: number }[] = []
  for (const leaf of to) {
    const before = known.get(leaf.path)
    if (!before) continue
    if (leaf.size < before.size) return `${leaf.path} has fewer bytes than before`
    if (leaf.count < before.count) return `${leaf.path} has fewer elements than before`
    if (leaf.size > before.size) {
      widenings.push({ from: before, to: leaf, count: before.count })
      continue
    }
    const copy = { from: before.offset, to: leaf.offset, bytes: before.size * before.count }
    const last = copies.at(-1)
    if (last && last.from + last.bytes === copy.from && last.to + last.bytes === copy.to) last.bytes += copy.bytes
    else copies.push(copy)
  }
  return (source, target) => {
    for (const { from: at, to: into, bytes } of copies) target.set(source.subarray(at, at + bytes), into)
    for (const { from: before, to: after, count } of widenings) {
      for (let index = 0; index < count; index += 1) {
        const start = before.offset + index * before.size
        const number = source.subarray(start, start + before.size)
        const into = after.offset + index * after.size
        const negative = before.signed && ((number[before.size - 1] as number) & 0x80) !== 0
        target.fill(negative ? 0xff : 0, into, into + after.size)
        target.set(number, into)
      }
    }
  }
}
