import { tryHelp } from './help.js'
import type { Io } from './io.js'
import type { Outcome } from './run.js'

/** How long others have to wait for lines that are done together. */
const TOGETHER_MS = 250

/**
 * `-R`: every line of standard input is a command line; the word `ipvsadm` may stand in it. A line that the
 * table refuses does not keep the next ones from being done; one that is no command line ends the restore.
 * @param nested a restore in a restore, which ipvsadm refuses
 * @returns the last line's outcome
 */
export function restore(io: Io, nested: boolean, run: (words: readonly string[]) => Outcome): Outcome {
  if (nested) throw tryHelp()
  let outcome: Outcome = { status: 0, fatal: false }
  let ended = false
  const next = () => {
    const line = io.readLine()
    ended = line === undefined
    const words = wordsOf(line ?? '')
    if (words.length > 0) outcome = run(words)
  }
  const together = () => {
    const end = performance.now() + TOGETHER_MS
    while (io.hasLine() && !outcome.fatal && performance.now() < end) next()
  }
  while (!ended && !outcome.fatal) {
    next()
    // what came with that line is done under one lock; what is still to come nobody waits for with it
    if (io.hasLine() && !outcome.fatal) io.openDirector().batch(together)
  }
  return outcome
}

/** There are no quotes, no escapes and no comments; a word ends at a NUL, as C's words do, and the command's name is none. */
export function wordsOf(line: string): string[] {
  return line
    .split(/[ \t\r]+/)
    .map((word) => word.replace(/\0.*/s, ''))
    .filter((word) => word !== '' && word !== 'ipvsadm')
}
