import type { Place, Remark } from '../imported.js'
import { type Statement, textOf } from './tree.js'
import { reasons } from './unneeded.js'

/** Keeps the account of a whole configuration: every statement is taken, or named with its reason. */
export class Account {
  readonly #taken = new Set<Statement>()
  readonly #named = new Set<Statement>()
  readonly remarks: Remark[] = []

  take(statement: Statement): void {
    this.#taken.add(statement)
  }

  /** Names a statement, and all in it, as not taken over. */
  drop(statement: Statement, why: string): void {
    this.#named.add(statement)
    this.remarks.push({ at: statement.at, text: textOf(statement), why })
    for (const inner of statement.block ?? [])
      if (!this.#named.has(inner)) this.drop(inner, `it belongs to ${keywordOf(statement)}, which is not taken over`)
  }

  /** Says something about a statement that is taken over all the same. */
  remark(at: Place, text: string, why: string): void {
    this.remarks.push({ at, text, why })
  }

  /** Names what nobody took. */
  finish(statements: readonly Statement[]): void {
    for (const statement of statements) {
      if (this.#named.has(statement)) continue
      if (this.#taken.has(statement)) this.finish(statement.block ?? [])
      else this.drop(statement, reasonOf(statement))
    }
  }
}

const reasonOf = (statement: Statement) => {
  const keyword = keywordOf(statement)
  return Object.hasOwn(reasons, keyword) ? (reasons[keyword] as string) : 'this keyword is not known here'
}

export const keywordOf = ({ words }: Statement): string => words[0]?.text ?? ''

/** The words after the keyword. */
export const valuesOf = ({ words }: Statement): string[] => words.slice(1).map(({ text }) => text)

/** The statements of one block, to be asked for by their keywords. */
export class Block {
  constructor(
    readonly statements: readonly Statement[],
    readonly account: Account,
  ) {}

  /** All of these keywords, taken. */
  all(...keywords: readonly string[]): Statement[] {
    const found = this.statements.filter((statement) => keywords.includes(keywordOf(statement)))
    for (const statement of found) this.account.take(statement)
    return found
  }

  /** The last of these keywords, which is the one that keepalived goes by; those before are named. */
  last(...keywords: readonly string[]): Statement | undefined {
    const found = this.all(...keywords)
    for (const early of found.slice(0, -1))
      this.account.drop(early, `${keywordOf(early)} stands here again, further down`)
    return found.at(-1)
  }

  /** What the last of these keywords says, as somebody understands it; what is not understood is named. */
  value<T>(keywords: string | readonly string[], read: (words: readonly string[]) => T | undefined): T | undefined {
    const statement = this.last(...[keywords].flat())
    if (!statement) return undefined
    const value = read(valuesOf(statement))
    if (value === undefined) this.account.drop(statement, 'its value is not one that Sluice takes')
    return value
  }

  /** A block inside. */
  inner(statement: Statement): Block {
    return new Block(statement.block ?? [], this.account)
  }
}
