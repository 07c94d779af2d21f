// Just enough ELF to find a BPF object's sections and symbols. Layout: System V gABI, chapter 4; 64-bit little-endian only.

/**
 * @typedef {{ name: string, type: number, offset: number, size: number, link: number }} Section
 * @typedef {{ name: string, section: number, value: number, size: number }} Symbol_
 * @typedef {{ sections: Section[], symbols: Symbol_[], data: (name: string) => Uint8Array | undefined }} Elf
 */

const SHT_SYMTAB = 2
const SHT_NOBITS = 8

/**
 * Text up to the next zero byte.
 * @param {Uint8Array} bytes
 * @param {number} start
 */
export function textAt(bytes, start) {
  const end = bytes.indexOf(0, start)
  return new TextDecoder().decode(bytes.subarray(start, end < 0 ? bytes.length : end))
}

/**
 * @param {Uint8Array} file a relocatable object
 * @returns {Elf}
 */
export function readElf(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (file.length < 64 || view.getUint32(0) !== 0x7f454c46) throw new Error('not an ELF file')
  if (file[4] !== 2 || file[5] !== 1) throw new Error('not a 64-bit little-endian ELF file')
  const table = Number(view.getBigUint64(40, true))
  const entrySize = view.getUint16(58, true)
  const count = view.getUint16(60, true)
  const namesIndex = view.getUint16(62, true)

  const raw = Array.from({ length: count }, (_, i) => {
    const at = table + i * entrySize
    return {
      nameAt: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      offset: Number(view.getBigUint64(at + 24, true)),
      size: Number(view.getBigUint64(at + 32, true)),
      link: view.getUint32(at + 40, true),
    }
  })
  /** @param {{ type: number, offset: number, size: number } | undefined} section */
  const bytesOf = (section) =>
    section && section.type !== SHT_NOBITS
      ? file.subarray(section.offset, section.offset + section.size)
      : new Uint8Array()
  const names = bytesOf(raw[namesIndex])
  const sections = raw.map(({ nameAt, ...rest }) => ({ name: textAt(names, nameAt), ...rest }))

  const symtab = sections.find((section) => section.type === SHT_SYMTAB)
  const strings = bytesOf(symtab && sections[symtab.link])
  const symbols = Array.from({ length: (symtab?.size ?? 0) / 24 }, (_, i) => {
    const at = (symtab?.offset ?? 0) + i * 24
    return {
      name: textAt(strings, view.getUint32(at, true)),
      section: view.getUint16(at + 6, true),
      value: Number(view.getBigUint64(at + 8, true)),
      size: Number(view.getBigUint64(at + 16, true)),
    }
  })

  return {
    sections,
    symbols,
    data: (name) => {
      const found = sections.find((section) => section.name === name)
      return found && bytesOf(found)
    },
  }
}
