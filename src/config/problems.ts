import type * as z from 'zod'
import type { ConfigDocument, Path } from './document.js'
import type { Problem } from './error.js'

/** Collects what is wrong, with its place in the file. */
export class Problems {
  readonly #found: Problem[] = []

  constructor(
    readonly file: string,
    readonly document: ConfigDocument,
  ) {}

  /** @param key a key of what the path leads to, where that is meant */
  add(path: Path, message: string, key?: string): void {
    const { line, column } = key === undefined ? this.document.place(path) : this.document.placeOfKey(path, key)
    const where = path.length === 0 ? '' : `${pathText(path)}: `
    this.#found.push({ file: this.file, line, column, message: `${where}${message}` })
  }

  /** What the schema said. */
  addIssue(issue: z.core.$ZodIssue, base: Path = []): void {
    const path = [...base, ...issue.path]
    if (issue.code === 'invalid_union') {
      const inner = meant(issue.errors)
      if (inner) for (const each of inner) this.addIssue(each, path)
      else this.add(path, issue.message)
    } else if (issue.code === 'invalid_key')
      for (const each of issue.issues) this.add(path, each.message, String(path.at(-1)))
    else if (issue.code === 'unrecognized_keys') this.add(path, issue.message, issue.keys[0])
    else this.add(path, issue.message)
  }

  /** In the order of the file. */
  get found(): readonly Problem[] {
    return this.#found.toSorted((a, b) => a.line - b.line || a.column - b.column)
  }
}

/** Of several things that would do, the one that was meant: whose form fits, though something in it does not. */
function meant(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const inside = branches.filter(
    (issues) => !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  )
  return inside.length === 1 ? inside[0] : inside.find((issues) => issues.some(({ path }) => path.length > 0))
}

/** `services.web.servers[0].port` */
export function pathText(path: Path): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${String(step)}`))
    .join('')
}
