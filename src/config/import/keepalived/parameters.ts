import type { ConfigLine } from './lines.js'

const DEEPEST = 100
const LONGEST = 65_536

/** What `$NAME=VALUE` lines have defined. Values are looked at when they are used, so that they may name later ones. */
export class Parameters {
  readonly #values = new Map<string, string>()
  readonly #lines = new Map<string, readonly ConfigLine[]>()

  constructor(values: Readonly<Record<string, string>>) {
    for (const [name, value] of Object.entries(values)) this.#values.set(name, value)
  }

  value(name: string): string | undefined {
    return this.#values.get(name)
  }

  /** The lines of a definition of several. */
  lines(name: string): readonly ConfigLine[] | undefined {
    return this.#lines.get(name)
  }

  set(name: string, value: string): void {
    this.#lines.delete(name)
    this.#values.set(name, value)
  }

  setLines(name: string, lines: readonly ConfigLine[]): void {
    this.#values.delete(name)
    this.#lines.set(name, lines)
  }

  /** Puts the values in; names that are not defined stay. @returns undefined where it does not come to an end */
  fill(text: string): string | undefined {
    let now = text
    for (let depth = 0; depth < DEEPEST; depth += 1) {
      const next = now.replace(/\$\{([A-Za-z_]\w*)\}|\$([A-Za-z_]\w*)(?=\s|$)/g, (own, braced, bare) => {
        const value = this.#values.get(braced ?? bare)
        return value ?? own
      })
      if (next === now) return now
      if (next.length > LONGEST) return undefined
      now = next
    }
    return undefined
  }
}
