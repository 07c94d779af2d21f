import { UsageError } from './usage-error.js'

/** How a word is spelled; the scan knows no more of the grammar than this. */
export interface Spelling {
  readonly long: string
  readonly short?: string
  /** `optional`: the next word is the value unless it begins with a dash. */
  readonly argument?: 'required' | 'optional'
}

/** One option as the scan found it. */
export interface Found<T extends Spelling> {
  readonly spelling: T
  readonly value: string | undefined
  /** The last word that the scan took for it, which is what ipvsadm's messages name. */
  readonly word: string
}

/**
 * Reads a command line as popt does: options and other words in any order, letters combined (`-Ln`), values joined
 * (`-t10.0.0.1:80`, `-t=10.0.0.1:80`, `--tcp-service=10.0.0.1:80`) or in the next word, `--` ending the options.
 * A long option is written out in full; `=` after an option that takes no value is an error.
 */
export class Scan<T extends Spelling> {
  /** The words that are no options, in their order; complete when `next` has returned undefined. */
  readonly others: string[] = []
  readonly #words: readonly string[]
  readonly #spellings: readonly T[]
  #at = 0
  /** What is left of a word of combined letters. */
  #letters = ''
  #optionsEnded = false

  constructor(words: readonly string[], spellings: readonly T[]) {
    this.#words = words
    this.#spellings = spellings
  }

  /** The next option, or undefined at the end. @throws UsageError, status 255, in popt's words */
  next(): Found<T> | undefined {
    while (this.#letters === '') {
      const word = this.#words[this.#at]
      if (word === undefined) return undefined
      this.#at += 1
      if (this.#optionsEnded || !word.startsWith('-') || word === '-') this.others.push(word)
      else if (word === '--') this.#optionsEnded = true
      else if (word.startsWith('--')) return this.#long(word)
      else this.#letters = word.slice(1)
    }
    return this.#letter()
  }

  #long(word: string): Found<T> {
    const equals = word.indexOf('=')
    const name = word.slice(2, equals < 0 ? undefined : equals)
    const spelling = this.#spellings.find(({ long }) => long === name)
    if (!spelling) throw this.#error('unknown option')
    if (!spelling.argument && equals >= 0) throw this.#error('option does not take an argument')
    if (!spelling.argument) return this.#found(spelling, undefined)
    return this.#found(spelling, equals < 0 ? this.#nextWord(spelling) : word.slice(equals + 1))
  }

  #letter(): Found<T> {
    const letter = this.#letters.charAt(0)
    const rest = this.#letters.slice(1)
    const spelling = this.#spellings.find(({ short }) => short?.includes(letter))
    this.#letters = ''
    if (!spelling) throw this.#error('unknown option')
    if (!spelling.argument) {
      if (rest.startsWith('=')) throw this.#error('option does not take an argument')
      this.#letters = rest
      return this.#found(spelling, undefined)
    }
    return this.#found(spelling, rest === '' ? this.#nextWord(spelling) : rest.replace(/^=/, ''))
  }

  #nextWord(spelling: T): string | undefined {
    const word = this.#words[this.#at]
    if (spelling.argument === 'optional' && (word === undefined || word.startsWith('-'))) return undefined
    if (word === undefined) throw this.#error('missing argument')
    this.#at += 1
    return word
  }

  #found(spelling: T, value: string | undefined): Found<T> {
    return { spelling, value, word: this.#words[this.#at - 1] ?? '' }
  }

  #error(text: string): UsageError {
    return new UsageError(`${this.#words[this.#at - 1]}: ${text}`, 255, false)
  }
}
