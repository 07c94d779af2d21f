// A layout written as TypeScript: a class a record, a table of maps, a table of sections, an object an enum.

/**
 * @typedef {import('./layout.mjs').Layout} Layout
 * @typedef {import('./layout.mjs').Element} Element
 * @typedef {import('./layout.mjs').Field} Field
 * @typedef {import('./layout.mjs').RecordLayout} RecordLayout
 * @typedef {import('./layout.mjs').EnumLayout} EnumLayout
 */

/** Names that the classes use themselves. */
const taken = new Set(['view', 'base', 'bytes', 'constructor'])

/** @param {string} name */
export const pascal = (name) =>
  name
    .split('_')
    .filter(Boolean)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('')

/** @param {string} name */
export const camel = (name) => {
  const joined = pascal(name)
  return joined.charAt(0).toLowerCase() + joined.slice(1)
}

/** @param {RecordLayout} record */
const className = (record) => `${pascal(record.name)}Record`

/** @param {Element} element */
const sizeOf = (element) => (element.kind === 'record' ? element.record.size : element.size)

/** @param {import('./layout.mjs').Scalar} scalar */
function access(scalar) {
  const { size, signed, bool, bigEndian } = scalar
  const method = `${size === 8 ? 'Big' : ''}${signed ? 'Int' : 'Uint'}${size * 8}`
  const order = size === 1 || bigEndian ? '' : ', true'
  const type = bool ? 'boolean' : size === 8 ? 'bigint' : 'number'
  return {
    type,
    /** @param {string} at */
    get: (at) => `this.view.get${method}(${at}${order})${bool ? ' !== 0' : ''}`,
    /** @param {string} at */
    set: (at) => `this.view.set${method}(${at}, ${bool ? 'value ? 1 : 0' : 'value'}${order})`,
  }
}

/** What a map's key or value is called in the table. @param {Element | undefined} element */
function nameOf(element) {
  if (!element) return 'bytes'
  if (element.kind === 'record') return className(element.record)
  if (element.kind === 'opaque') return element.what
  return `${element.bigEndian ? 'be' : element.signed ? 's' : 'u'}${element.size * 8}`
}

/** @param {Field} field @param {string} holder */
function emitField(field, holder) {
  const { offset, element, length } = field
  const name = camel(field.name)
  if (taken.has(name)) throw new Error(`${holder}.${field.name}: the name is taken, choose another`)
  const at = `this.base + ${offset}`
  if (element.kind === 'opaque')
    return [`// ${name}: ${element.what} at ${offset}, ${element.size} bytes, user space leaves it alone`]
  if (length === undefined) {
    if (element.kind === 'record') {
      const type = className(element.record)
      return [`get ${name}(): ${type} { return new ${type}(this.view, ${at}) }`]
    }
    const { type, get, set } = access(element)
    return [
      ...(element.bigEndian ? ['/** Network byte order in memory, the plain number here. */'] : []),
      `get ${name}(): ${type} { return ${get(at)} }`,
      `set ${name}(value: ${type}) { ${set(at)} }`,
    ]
  }
  const size = sizeOf(element)
  const indexed = size === 1 ? `${at} + index` : `${at} + index * ${size}`
  if (element.kind === 'record') {
    const type = className(element.record)
    return [`/** index < ${length} */`, `${name}(index: number): ${type} { return new ${type}(this.view, ${indexed}) }`]
  }
  const { type, get, set } = access(element)
  const bytes =
    size === 1
      ? [
          `/** The ${length} bytes themselves, not a copy. */`,
          `${name}Bytes(): Uint8Array { return new Uint8Array(this.view.buffer, this.view.byteOffset + ${at}, ${length}) }`,
        ]
      : []
  return [
    `/** index < ${length}${element.bigEndian ? '; network byte order in memory, the plain number here' : ''} */`,
    `${name}(index: number): ${type} { return ${get(indexed)} }`,
    `set${pascal(field.name)}(index: number, value: ${type}) { ${set(indexed)} }`,
    ...bytes,
  ]
}

/** @param {RecordLayout} record */
function emitRecord(record) {
  const name = className(record)
  return `
/** \`${record.comment}\`, ${record.size} bytes. */
export class ${name} {
  static readonly SIZE = ${record.size}
  static readonly OFFSET = { ${record.fields.map((field) => `${camel(field.name)}: ${field.offset}`).join(', ')} } as const

  /** The record at byte \`base\` of \`view\`; reads and writes go through, nothing is copied. */
  constructor(readonly view: DataView, readonly base: number) {}

  /** A record of zeros in memory of its own. */
  static allocate(): ${name} { return new ${name}(new DataView(new ArrayBuffer(${record.size})), 0) }

  /** The record's bytes themselves, not a copy. */
  bytes(): Uint8Array { return new Uint8Array(this.view.buffer, this.view.byteOffset + this.base, ${record.size}) }

  ${record.fields.map((field) => emitField(field, record.name).join('\n')).join('\n')}
}`
}

/** The part that all enumerators share: the enum's own name, or what they have in common up to a `_`. @param {EnumLayout} one */
function prefixOf(one) {
  const own = `${one.name.toUpperCase()}_`
  const names = one.values.map((value) => value.name)
  if (names.every((name) => name.startsWith(own) && name.length > own.length)) return own
  let common = names[0] ?? ''
  for (const name of names) while (!name.startsWith(common)) common = common.slice(0, -1)
  return names.length > 1 ? common.slice(0, common.lastIndexOf('_') + 1) : ''
}

/** @param {EnumLayout} one */
function emitEnum(one) {
  const name = pascal(one.name)
  const prefix = prefixOf(one)
  /** @param {string} text */
  const cut = (text) => {
    const rest = text.slice(prefix.length)
    return /^[A-Za-z_]\w*$/.test(rest) ? rest : JSON.stringify(rest)
  }
  const values = one.values.map((value) => `${cut(value.name)}: ${value.value}`)
  const names = new Map()
  for (const value of one.values) if (!names.has(value.value)) names.set(value.value, cut(value.name))
  const reverse = [...names].map(
    ([value, text]) => `${value < 0 ? `[${value}]` : value}: '${text.replaceAll('"', '')}'`,
  )
  return `
/** \`enum ${one.name}\`. */
export const ${name} = { ${values.join(', ')} } as const
export type ${name} = (typeof ${name})[keyof typeof ${name}]

/** The name of each value of \`enum ${one.name}\`. */
export const ${name}Name: Readonly<Record<number, string>> = { ${reverse.join(', ')} }`
}

/**
 * @param {Layout} layout
 * @param {string} source the object's path in the checkout
 * @returns {string} TypeScript, not yet formatted
 */
export function emit(layout, source) {
  const maps = layout.maps.map(
    (
      map,
    ) => `${camel(map.name)}: { name: '${map.name}', type: ${map.type}, keySize: ${map.keySize}, valueSize: ${map.valueSize},
      maxEntries: ${map.maxEntries}, flags: ${map.flags}, key: '${nameOf(map.key)}', value: '${nameOf(map.value)}' },`,
  )
  const sections = layout.sections.map((section) => {
    const variables = section.record.fields.map(
      (field) =>
        `${camel(field.name)}: { name: '${field.name}', offset: ${field.offset}, size: ${sizeOf(field.element) * (field.length ?? 1)} },`,
    )
    return `${camel(section.record.name)}: { name: '${section.name}', size: ${section.size}, variables: {\n${variables.join('\n')}\n} },`
  })
  return `// Generated from the BTF of ${source} by \`npm run generate\`. Do not edit: change the records in bpf/ instead.
${layout.enums.map(emitEnum).join('\n')}
${[...layout.records, ...layout.sections.map((section) => section.record)].map(emitRecord).join('\n')}

/** One map of the object, as its C declaration has it; the loader may create it with other \`maxEntries\`. */
export interface MapLayout {
  /** The C name. */
  readonly name: string
  /** \`enum bpf_map_type\`. */
  readonly type: number
  /** Bytes. */
  readonly keySize: number
  /** Bytes. */
  readonly valueSize: number
  readonly maxEntries: number
  /** \`BPF_F_…\`. */
  readonly flags: number
  /** The record class of a key, or the scalar: \`u32\`, \`be16\`, … */
  readonly key: string
  readonly value: string
}

/** The object's maps. */
export const maps = {
${maps.join('\n')}
} as const satisfies Record<string, MapLayout>

/** A data section of the object: what can be written into it before the object is loaded. */
export interface SectionLayout {
  readonly name: string
  /** Bytes. */
  readonly size: number
  readonly variables: Readonly<Record<string, { readonly name: string; readonly offset: number; readonly size: number }>>
}

/** The object's data sections; their record classes have the same names. */
export const sections = {
${sections.join('\n')}
} as const satisfies Record<string, SectionLayout>
`
}
