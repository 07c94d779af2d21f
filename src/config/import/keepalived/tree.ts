import type { Place } from '../imported.js'
import { bad, type ConfigLine } from './lines.js'
import { type Word, wordsOf } from './words.js'

/** A keyword with what follows it, and its block. */
export interface Statement {
  readonly at: Place
  /** At least one. */
  readonly words: readonly Word[]
  readonly block?: readonly Statement[]
}

export const textOf = ({ words }: Statement): string => words.map(({ text }) => text).join(' ')

interface Open {
  readonly at: Place
  readonly statements: Statement[]
}

/** @throws SluiceError SLUICE_BAD_KEEPALIVED for a quote or a block that does not end, and for an end without a beginning */
export function treeOf(lines: readonly ConfigLine[]): readonly Statement[] {
  const top: Statement[] = []
  const open: Open[] = []
  for (const { at, text } of lines) {
    const words = wordsOf(text)
    if (!words) throw bad(at, 'a quotation mark is missing')
    let current: Word[] = []
    const here = () => open.at(-1)?.statements ?? top
    const flush = () => {
      if (current.length > 0) here().push({ at, words: current })
      current = []
    }
    for (const word of words) {
      if (word.quoted || (word.text !== '{' && word.text !== '}')) current.push(word)
      else if (word.text === '{') {
        flush()
        const owner = here().pop()
        if (!owner) throw bad(at, 'a block without a keyword')
        if (owner.block) throw bad(at, 'a second block of one keyword')
        const statements: Statement[] = []
        here().push({ ...owner, block: statements })
        open.push({ at: owner.at, statements })
      } else {
        flush()
        if (!open.pop()) throw bad(at, 'a closing brace too many')
      }
    }
    flush()
  }
  const unclosed = open.at(-1)
  if (unclosed) throw bad(unclosed.at, 'this block does not end')
  return top
}
