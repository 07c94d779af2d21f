// bench/instructions.json: how many instructions the hot programs have, and how many a packet costs; and what a count of today
// says to that.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readElf } from '../btf/elf.mjs'
import { root } from './project.mjs'

/** A count may grow by so much before somebody has to accept it. */
export const GROWTH = 0.05

const file = join(root, 'bench/instructions.json')

/**
 * `functions`: BPF instructions of the functions that packets pass, by object and function. `packets`: machine instructions
 * that a forwarded packet costs over the floor, by forwarding method and hook, counted on Linux 6.1.
 * @typedef {{ functions: Record<string, Record<string, number>>, packets: Record<string, number> }} Kept
 * @typedef {{ name: string, old: number | undefined, now: number, grown: boolean }} Comparison
 */

/** @returns {Kept} */
export const readKept = () => JSON.parse(readFileSync(file, 'utf8'))

/** Accepts new counts. @param {Partial<Kept>} counts */
export function keep(counts) {
  writeFileSync(file, `${JSON.stringify({ ...readKept(), ...counts }, null, 2)}\n`)
}

/**
 * Instructions of the functions of a compiled object; what is inlined into one is its own.
 * @param {string} object file name in bpf/
 * @param {string[]} names
 */
export function functionSizes(object, names) {
  const { sections, symbols } = readElf(readFileSync(join(root, 'bpf', object)))
  return Object.fromEntries(
    names.map((name) => {
      const found = symbols.find((symbol) => symbol.name === name && sections[symbol.section])
      if (!found?.size) throw new Error(`${object} has no function ${name}: take it out of bench/instructions.json`)
      return [name, found.size / 8]
    }),
  )
}

/** The functions that the file names, as they are now. @param {Kept} kept @returns {Kept['functions']} */
export const functionsNow = ({ functions }) =>
  Object.fromEntries(
    Object.entries(functions).map(([object, sizes]) => [object, functionSizes(object, Object.keys(sizes))]),
  )

/** @param {Record<string, number>} old @param {Record<string, number>} now @returns {Comparison[]} */
export const compare = (old, now) =>
  Object.entries(now).map(([name, count]) => ({
    name,
    old: old[name],
    now: count,
    grown: count > (old[name] ?? 0) * (1 + GROWTH),
  }))

/** @param {Comparison[]} list */
export const asTable = (list) =>
  list
    .map(({ name, old, now, grown }) => {
      const change = old ? ` (${now >= old ? '+' : ''}${(((now - old) * 100) / old).toFixed(1)} %)` : ''
      return `${name.padEnd(28)} ${String(old ?? 'none').padStart(6)} -> ${String(now).padStart(6)}${change}${grown ? '  GROWN' : ''}`
    })
    .join('\n')
