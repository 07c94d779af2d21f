import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml'

/** A place in a file; line and column count from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** Where something is in a configuration: keys, and numbers of list entries. */
export type Path = readonly PropertyKey[]

/** A YAML text with the place of everything in it. */
export class ConfigDocument {
  readonly #lines = new LineCounter()
  readonly #document: Document.Parsed

  constructor(text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, merge: true })
  }

  /** What is no YAML, with its place. */
  get errors(): readonly { readonly place: Place; readonly message: string }[] {
    return this.#document.errors.map((error) => ({ place: this.#at(error.pos[0]), message: sentence(error.message) }))
  }

  /** The plain value. @throws Error where aliases multiply without end */
  value(): unknown {
    return this.#document.toJS({ maxAliasCount: 1000 })
  }

  /** The place of what a path leads to, or of the last thing on the way that is there. */
  place(path: Path): Place {
    let node = this.#document.contents as Node | null
    let offset = node?.range?.[0] ?? 0
    for (const step of path) {
      const next = this.#step(node, step)
      if (!next) break
      offset = next.offset
      node = next.node
    }
    return this.#at(offset)
  }

  /** The place of a key of what a path leads to. */
  placeOfKey(path: Path, key: string): Place {
    let node = this.#document.contents as Node | null
    for (const step of path) node = this.#step(node, step)?.node ?? null
    const found = this.#pair(node, key)
    return isNode(found?.key) ? this.#at(found.key.range?.[0] ?? 0) : this.place(path)
  }

  #pair(node: Node | null, key: string) {
    const map = isAlias(node) ? node.resolve(this.#document) : node
    if (!isMap(map)) return undefined
    return map.items.find((pair) => isPair(pair) && isScalar(pair.key) && String(pair.key.value) === key)
  }

  #step(from: Node | null, step: PropertyKey): { readonly node: Node | null; readonly offset: number } | undefined {
    const node = isAlias(from) ? (from.resolve(this.#document) ?? null) : from
    if (isSeq(node)) {
      const item = node.items[Number(step)]
      return isNode(item) ? { node: item, offset: item.range?.[0] ?? 0 } : undefined
    }
    const pair = this.#pair(node, String(step))
    if (!pair) return undefined
    const value = isNode(pair.value) ? pair.value : null
    const key = isNode(pair.key) ? (pair.key.range?.[0] ?? 0) : 0
    // what is long begins at its key: that is where one looks
    const long = value === null || isMap(value) || isSeq(value)
    return { node: value, offset: long ? key : (value.range?.[0] ?? key) }
  }

  #at(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
}

const sentence = (text: string) => text.split('\n')[0] ?? text
