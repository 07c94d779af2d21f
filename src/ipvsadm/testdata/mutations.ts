/** A whole number from 0 up to, not including, `limit`. */
export type Random = (limit: number) => number

/** Numbers from a seed, the same each time (mulberry32). */
export function random(seed: number): Random {
  let state = seed >>> 0
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) % limit
  }
}

/** What stands in no command line that anybody would type, and the edges of what does. */
const odd = [
  ...[
    '',
    '-',
    '--',
    '---',
    '=',
    '--=',
    '-=',
    '-t=',
    '--tcp-service=',
    ':',
    '[',
    ']',
    '[]',
    '[]:80',
    '[::]:0',
    '::',
    '.',
  ],
  ...[
    '0',
    '-1',
    '+5',
    '00080',
    '0x50',
    '1e3',
    '65535',
    '65536',
    '2147483647',
    '2147483648',
    '4294967295',
    '4294967296',
  ],
  ...['99999999999999999999', ' 5', '5 ', '1.5', 'NaN', 'Infinity', 'null', 'undefined', '__proto__', 'constructor'],
  ...[
    'toString',
    'hasOwnProperty',
    '%s%n%d',
    '$(id)',
    '`id`',
    '*',
    '\u{1f600}',
    '\u00df',
    '\u0000',
    '\t',
    'a'.repeat(300),
  ],
  ...['0.0.0.0', '255.255.255.255', '256.1.1.1', '1.2.3', '1.2.3.4.5', '010.1.1.1', '1.2.3.4:', ':80', '1.2.3.4:http'],
  ...['fe80::1%eth0', '1:2:3:4:5:6:7:8:9', '::ffff:1.2.3.4', '[fd00::1', 'fd00::1]:80', '[fd00::1]:', '[fd00::1]80'],
  ...['255.0.255.0', '0.0.0.0', '128', '129', '-6', '-n', '-R', '-h', '--version', '-S', '-C', '-Z', '--exact'],
]

/** Changes words of a command line: words come, go, change places and letters. */
export class Mutator {
  readonly #words: readonly string[]

  constructor(
    private readonly rand: Random,
    private readonly corpus: readonly (readonly string[])[],
  ) {
    this.#words = [...new Set(corpus.flat())]
  }

  /** A command line of the corpus with up to four changes. */
  line(): string[] {
    const words = [...this.#pick(this.corpus)]
    for (let changes = this.rand(5); changes > 0; changes -= 1) this.#change(words)
    return words
  }

  /** Lines for `-R`, some of them with what a text file may hold by accident. */
  file(): string[] {
    return Array.from({ length: 1 + this.rand(12) }, () => {
      const line = this.line().join(this.#pick([' ', ' ', ' ', '\t', '  ']))
      return this.#pick([line, line, line, `ipvsadm ${line}`, `${line}\r`, `# ${line}`, '', ` ${line} `])
    })
  }

  #pick<T>(all: readonly T[]): T {
    return all[this.rand(all.length)] as T
  }

  #change(words: string[]): void {
    const at = this.rand(words.length + 1)
    const other = this.rand(words.length + 1)
    const word = words[at] ?? ''
    this.#pick([
      () => words.splice(at, 1),
      () => words.splice(at, 0, this.#pick(this.#words)),
      () => words.splice(at, 0, this.#pick(odd)),
      () => words.splice(at, 1, this.#pick(this.#words)),
      () => words.splice(at, 1, this.#pick(odd)),
      () => words.splice(at, 1, this.#letters(word)),
      () => words.splice(at, 1, this.#letters(word)),
      () => words.splice(at, 0, word),
      () => words.splice(other, 0, ...words.splice(at, 1)),
      () => words.splice(at, 2, words.slice(at, at + 2).join(this.#pick(['', '=']))),
      () => words.splice(0, words.length, ...words, ...this.#pick(this.corpus)),
    ])()
  }

  /** The word with some of its letters taken, doubled or exchanged. */
  #letters(word: string): string {
    const letters = [...word]
    for (let changes = 1 + this.rand(3); changes > 0; changes -= 1) {
      const at = this.rand(letters.length + 1)
      const letter = String.fromCharCode(this.#pick([33 + this.rand(94), 48 + this.rand(10), 1 + this.rand(255)]))
      // a line end is none inside a word of a command line that a message quotes
      letters.splice(at, this.rand(2), ...(letter === '\n' ? [] : [letter]))
    }
    return letters.join('')
  }
}
