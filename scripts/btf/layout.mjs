// From BTF to what the control plane needs: maps, the records in them, variables by section, enums.
import { readBtf } from './btf.mjs'
import { readElf } from './elf.mjs'

/**
 * @typedef {import('./btf.mjs').Type} Type
 * @typedef {{ kind: 'scalar', size: 1 | 2 | 4 | 8, signed: boolean, bool: boolean, bigEndian: boolean }} Scalar
 * @typedef {{ kind: 'record', record: RecordLayout }} Nested
 * @typedef {{ kind: 'opaque', what: string, size: number }} Opaque what only the kernel may touch, and pointers
 * @typedef {Scalar | Nested | Opaque} Element
 * @typedef {{ name: string, offset: number, element: Element, length?: number }} Field
 * @typedef {{ name: string, comment: string, size: number, fields: Field[] }} RecordLayout
 * @typedef {{ name: string, type: number, keySize: number, valueSize: number, maxEntries: number, flags: number, pinning: number, key: Element | undefined, value: Element | undefined }} MapLayout
 * @typedef {{ name: string, size: number, record: RecordLayout }} SectionLayout
 * @typedef {{ name: string, values: { name: string, value: number }[] }} EnumLayout
 * @typedef {{ maps: MapLayout[], records: RecordLayout[], sections: SectionLayout[], enums: EnumLayout[] }} Layout
 */

/** Enums whose name starts so are ours and go to the control plane. */
const enumPrefix = 'sluice_'
/** Types of the kernel's that a map value may hold and that user space must leave alone. */
const kernelType = /^bpf_/

/**
 * @param {Uint8Array} object a BPF object file
 * @returns {Layout}
 */
export function readLayout(object) {
  const elf = readElf(object)
  const section = elf.data('.BTF')
  if (!section) throw new Error('the object has no .BTF section: compile with -g')
  const types = readBtf(section)
  /** @type {Map<number, RecordLayout>} */
  const records = new Map()

  /** @param {number} id */
  const get = (id) => {
    const type = types[id]
    if (!type) throw new Error(`BTF type ${id} does not exist`)
    return type
  }

  /**
   * The type below typedefs and qualifiers, and whether a typedef on the way says network byte order.
   * @param {number} id
   */
  const resolve = (id) => {
    let type = get(id)
    let typedefName = ''
    let bigEndian = false
    while (type.kind === 'alias') {
      typedefName ||= type.name
      bigEndian ||= /^(__)?be(16|32|64)$/.test(type.name)
      id = type.type
      type = get(id)
    }
    return { id, type, typedefName, bigEndian }
  }

  /**
   * @param {number} id
   * @returns {number} bytes
   */
  const sizeOf = (id) => {
    const { type } = resolve(id)
    if (type.kind === 'array') return type.length * sizeOf(type.type)
    if (type.kind === 'ptr') return 8
    if ('size' in type) return type.size
    return 0
  }

  /**
   * @param {number} id
   * @param {string} where for the error
   * @returns {Element}
   */
  const element = (id, where) => {
    const { id: plain, type, typedefName, bigEndian } = resolve(id)
    switch (type.kind) {
      case 'int':
      case 'enum': {
        const size = type.size
        if (size !== 1 && size !== 2 && size !== 4 && size !== 8)
          throw new Error(`${where}: integers of ${size} bytes are not supported`)
        const char = type.kind === 'int' && type.name === 'char'
        const bool = type.kind === 'int' && type.bool
        return { kind: 'scalar', size, signed: type.signed && !char, bool, bigEndian }
      }
      case 'ptr':
        return { kind: 'opaque', what: 'pointer', size: 8 }
      case 'struct':
      case 'union': {
        const name = type.name || typedefName
        if (!name) throw new Error(`${where}: give the ${type.kind} a name`)
        if (kernelType.test(name)) return { kind: 'opaque', what: `${type.kind} ${name}`, size: type.size }
        return { kind: 'record', record: record(plain, name) }
      }
      default:
        throw new Error(`${where}: ${type.kind} is not supported`)
    }
  }

  /**
   * @param {string} name
   * @param {number} offset
   * @param {number} id
   * @param {string} where
   * @returns {Field}
   */
  const field = (name, offset, id, where) => {
    /** @type {number | undefined} */
    let length
    // an array of arrays is one row after the other
    for (let type = resolve(id).type; type.kind === 'array'; type = resolve(id).type) {
      length = (length ?? 1) * type.length
      id = type.type
    }
    const field = { name, offset, element: element(id, where) }
    return length === undefined ? field : { ...field, length }
  }

  /**
   * @param {import('./btf.mjs').StructType} type
   * @param {number} base
   * @param {string} where
   * @returns {Field[]}
   */
  const fields = (type, base, where) =>
    type.members.flatMap((member) => {
      const at = `${where}.${member.name || '(anonymous)'}`
      if (member.bits > 0 || member.bitOffset % 8 !== 0) throw new Error(`${at}: bit fields are not supported`)
      const offset = base + member.bitOffset / 8
      const inner = get(member.type)
      // an anonymous struct's or union's members are members of what holds it
      if (!member.name && (inner.kind === 'struct' || inner.kind === 'union')) return fields(inner, offset, where)
      return [field(member.name, offset, member.type, at)]
    })

  /**
   * @param {number} id of a struct or union
   * @param {string} name
   * @returns {RecordLayout}
   */
  const record = (id, name) => {
    const known = records.get(id)
    if (known) return known
    const type = get(id)
    if (type.kind !== 'struct' && type.kind !== 'union') throw new Error(`${name} is no struct`)
    /** @type {RecordLayout} */
    const made = { name, comment: `${type.kind} ${name}`, size: type.size, fields: fields(type, 0, name) }
    // after its members, so that a record stands behind those that it holds
    records.set(id, made)
    return made
  }

  /**
   * One entry of .maps: `__uint(x, n)` is a pointer to an array of n, `__type(x, T)` a pointer to T.
   * @param {string} name
   * @param {number} id
   * @returns {MapLayout}
   */
  const map = (name, id) => {
    const { type } = resolve(id)
    if (type.kind !== 'struct') throw new Error(`map ${name} is no struct`)
    /** @param {string} key */
    const pointed = (key) => {
      const member = type.members.find((one) => one.name === key)
      const pointer = member && resolve(member.type).type
      return pointer?.kind === 'ptr' ? pointer.type : undefined
    }
    /** @param {string} key */
    const number = (key) => {
      const id = pointed(key)
      const array = id === undefined ? undefined : resolve(id).type
      return array?.kind === 'array' ? array.length : 0
    }
    const [key, value] = [pointed('key'), pointed('value')]
    return {
      name,
      type: number('type'),
      keySize: key === undefined ? number('key_size') : sizeOf(key),
      valueSize: value === undefined ? number('value_size') : sizeOf(value),
      maxEntries: number('max_entries'),
      flags: number('map_flags'),
      pinning: number('pinning'),
      key: key === undefined ? undefined : element(key, `${name}'s key`),
      value: value === undefined ? undefined : element(value, `${name}'s value`),
    }
  }

  /** @type {MapLayout[]} */
  const maps = []
  /** @type {SectionLayout[]} */
  const sections = []
  for (const type of types) {
    if (type.kind !== 'datasec') continue
    const index = elf.sections.findIndex((one) => one.name === type.name)
    // the compiler leaves the offsets in BTF at 0; the symbol table has them
    const entries = type.entries
      .map((entry) => {
        const variable = get(entry.type)
        if (variable.kind !== 'var') throw new Error(`${type.name} holds something that is no variable`)
        const symbol = elf.symbols.find((one) => one.section === index && one.name === variable.name)
        return { name: variable.name, type: variable.type, offset: symbol?.value ?? 0 }
      })
      .sort((a, b) => a.offset - b.offset)
    if (type.name === '.maps') maps.push(...entries.map((entry) => map(entry.name, entry.type)))
    else if (/^\.(rodata|data|bss)/.test(type.name)) {
      const own = entries
        // a static inside a function (the format of a bpf_printk) has a dotted name and is nobody's business
        .filter((entry) => /^\w+$/.test(entry.name))
        .map((entry) => field(entry.name, entry.offset, entry.type, `${type.name} ${entry.name}`))
      const size = elf.sections[index]?.size ?? 0
      const name = type.name.slice(1).replaceAll(/\W+/g, '_')
      sections.push({ name: type.name, size, record: { name, comment: `section ${type.name}`, size, fields: own } })
    }
  }

  /** @type {EnumLayout[]} */
  const enums = types.flatMap((type) =>
    type.kind === 'enum' && type.name.startsWith(enumPrefix) ? [{ name: type.name, values: type.values }] : [],
  )
  return { maps, records: [...records.values()], sections, enums }
}
