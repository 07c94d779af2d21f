import { dirname } from 'node:path'
import { SluiceError } from '../../../errors.js'
import type { Place, Remark } from '../imported.js'
import { Parameters } from './parameters.js'
import { repetitions } from './repeat.js'

/** A line as keepalived goes by it: conditions decided, parameters put in, sequences repeated, comments gone. */
export interface ConfigLine {
  readonly at: Place
  readonly text: string
}

/** How files are come by. */
export interface Files {
  /** @returns undefined where it cannot be read */
  read(path: string): string | undefined
  /** Paths that a pattern, relative to a folder, stands for, in order. */
  glob(pattern: string, folder: string): readonly string[]
}

export interface ReadOptions {
  readonly files: Files
  /** What lines beginning with `@` ask for: keepalived's option `-i`. */
  readonly configId: string
}

/** More lines than these come from a sequence gone wrong. */
const MOST_LINES = 200_000
const DEEPEST_INCLUDE = 16
const DEEPEST_PARAMETER = 32

/**
 * Reads a configuration and what it includes.
 * @throws SluiceError SLUICE_BAD_KEEPALIVED for one that does not end: includes, parameters or sequences without bound
 */
export function readLines(
  path: string,
  text: string,
  options: ReadOptions,
): { readonly lines: readonly ConfigLine[]; readonly remarks: readonly Remark[] } {
  const reader = new Reader(options)
  reader.file(path, text, 0)
  return reader
}

class Reader {
  readonly lines: ConfigLine[] = []
  readonly remarks: Remark[] = []
  readonly #parameters: Parameters
  #steps = 0

  constructor(readonly options: ReadOptions) {
    this.#parameters = new Parameters({ _INSTANCE: options.configId, _HASH: '#', _BANG: '!' })
  }

  file(path: string, text: string, depth: number): void {
    const before = this.#parameters.value('_PWD')
    this.#parameters.set('_PWD', dirname(path))
    const lines = text.split(/\r?\n/)
    for (let i = 0; i < lines.length; i += 1) {
      const at = { file: path, line: i + 1 }
      const own = uncomment(lines[i] as string)
      if (own === '') continue
      if (this.#include(own, at, depth)) continue
      // a definition of several lines: each but the last ends with a backslash
      const more: ConfigLine[] = []
      while (isDefinition(own) && /\\$/.test(more.at(-1)?.text ?? own) && i + 1 < lines.length) {
        i += 1
        const next = uncomment(lines[i] as string)
        if (next !== '') more.push({ at: { file: path, line: i + 1 }, text: next })
      }
      this.#line({ at, text: own }, more, 0)
    }
    if (before !== undefined) this.#parameters.set('_PWD', before)
  }

  #include(text: string, at: Place, depth: number): boolean {
    const [, pattern] = /^include[rmwba]?\s+(.+)$/.exec(text) ?? []
    if (pattern === undefined) return false
    if (depth >= DEEPEST_INCLUDE) throw bad(at, 'files include one another without end')
    const { files } = this.options
    const paths = files.glob(pattern.replace(/^"(.*)"$/, '$1'), dirname(at.file))
    if (paths.length === 0) this.#remark(at, text, 'no such file')
    for (const path of paths) {
      const content = files.read(path)
      if (content === undefined) this.#remark(at, text, `${path} cannot be read`)
      else this.file(path, content, depth + 1)
    }
    return true
  }

  #remark(at: Place, text: string, why: string): void {
    this.remarks.push({ at, text, why })
  }

  /** @param more the lines that belong to it, where it is a definition of several */
  #line({ at, text }: ConfigLine, more: readonly ConfigLine[], depth: number): void {
    if (depth > DEEPEST_PARAMETER) throw bad(at, 'a parameter that contains itself')
    this.#steps += 1
    if (this.#steps > MOST_LINES) throw bad(at, `more than ${MOST_LINES} lines come of this configuration`)
    const wanted = this.#condition(text)
    if (wanted === undefined) {
      this.#remark(at, text, `it is not for ${this.options.configId}: --config-id names another`)
      return
    }
    if (wanted === '') return
    const definition = /^\$([A-Za-z_]\w*)=\s*(.*)$/.exec(wanted)
    if (definition) {
      this.#define(definition[1] as string, { at, text: definition[2] as string }, more)
      return
    }
    const repeated = repetitions(wanted)
    if (repeated) {
      for (const values of repeated.values) {
        for (const [name, value] of values) this.#parameters.set(name, value)
        this.#line({ at, text: repeated.rest }, [], depth + 1)
      }
      return
    }
    this.#substitute({ at, text: wanted }, depth)
  }

  /** @returns the line without its condition; undefined where the condition is not met */
  #condition(text: string): string | undefined {
    const [, not, id, rest] = /^@(\^?)(\S*)\s*(.*)$/s.exec(text) ?? []
    if (id === undefined || rest === undefined) return text
    return (id === this.options.configId) === (not === '') ? rest : undefined
  }

  #define(name: string, first: ConfigLine, more: readonly ConfigLine[]): void {
    const own = more.length > 0 ? first.text.replace(/\\$/, '').trim() : first.text
    const lines = more.map(({ at, text }) => ({ at, text: text.replace(/\\$/, '').trim() }))
    if (more.length === 0) this.#parameters.set(name, own)
    else this.#parameters.setLines(name, [...(own === '' ? [] : [{ at: first.at, text: own }]), ...lines])
  }

  #substitute({ at, text }: ConfigLine, depth: number): void {
    const whole = /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})$/.exec(text)
    const block = whole && this.#parameters.lines((whole[1] ?? whole[2]) as string)
    if (block) {
      // parts of it may be definitions of several lines in their turn
      for (let i = 0; i < block.length; i += 1) this.#line(block[i] as ConfigLine, [], depth + 1)
      return
    }
    const filled = this.#parameters.fill(text)
    if (filled === undefined) throw bad(at, 'a parameter that contains itself')
    if (filled !== text && /^[@$~]/.test(filled)) this.#line({ at, text: filled }, [], depth + 1)
    else this.#take({ at, text: filled })
  }

  #take(line: ConfigLine): void {
    if (line.text.trim() !== '') this.lines.push(line)
  }
}

const isDefinition = (text: string) => /^(@\^?\S*\s+)?\$[A-Za-z_]\w*=/.test(text)

export const bad = ({ file, line }: Place, reason: string) =>
  new SluiceError('SLUICE_BAD_KEEPALIVED', { place: `${file}:${line}`, reason })

/** What stands before `#` or `!`, where these are not in quotes. */
export function uncomment(line: string): string {
  let quote = ''
  for (let i = 0; i < line.length; i += 1) {
    const char = line[i] as string
    if (char === '\\') i += 1
    else if (quote !== '') quote = char === quote ? '' : quote
    else if (char === '"' || char === "'") quote = char
    else if (char === '#' || char === '!') return line.slice(0, i).trim()
  }
  return line.trim()
}
