/** A word of a line, without its quotes and with its escapes resolved. */
export interface Word {
  readonly text: string
  /** Did any of it stand in quotes? A brace that does is none. */
  readonly quoted: boolean
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** Splits a line at white space outside of quotes; braces at a word's end are words. @returns undefined for an open quote */
export function wordsOf(line: string): Word[] | undefined {
  const words: Word[] = []
  let i = 0
  while (i < line.length) {
    if (/\s/.test(line[i] as string)) {
      i += 1
      continue
    }
    const found = word(line, i)
    if (!found) return undefined
    words.push(...withBrace(found.word))
    i = found.end
  }
  return words
}

function word(line: string, start: number): { word: Word; end: number } | undefined {
  let text = ''
  let quote = ''
  let quoted = false
  let i = start
  for (; i < line.length; i += 1) {
    const char = line[i] as string
    if (char === '\\' && i + 1 < line.length) {
      const one = escaped(line, i + 1)
      text += one.text
      i = one.end - 1
    } else if (quote !== '') {
      if (char === quote) quote = ''
      else text += char
    } else if (char === '"' || char === "'") {
      quote = char
      quoted = true
    } else if (/\s/.test(char)) break
    else text += char
  }
  return quote === '' ? { word: { text, quoted }, end: i } : undefined
}

/** Like the shell's `$'…'`. */
function escaped(line: string, at: number): { text: string; end: number } {
  const rest = line.slice(at)
  const [octal] = /^[0-7]{1,3}/.exec(rest) ?? []
  if (octal !== undefined)
    return { text: String.fromCharCode(Number.parseInt(octal, 8) & 0xff), end: at + octal.length }
  const [, hex] = /^x([0-9a-f]+)/i.exec(rest) ?? []
  if (hex !== undefined)
    return { text: String.fromCharCode(Number.parseInt(hex.slice(-2), 16)), end: at + 1 + hex.length }
  const [, control] = /^c([@-_a-z])/.exec(rest) ?? []
  if (control !== undefined) return { text: String.fromCharCode(control.charCodeAt(0) & 0x1f), end: at + 2 }
  const char = rest[0] as string
  return { text: escapes[char] ?? char, end: at + 1 }
}

/** `VI_1{` opens a block as `VI_1 {` does. */
function withBrace(own: Word): Word[] {
  if (own.quoted || own.text.length < 2 || !own.text.endsWith('{') || own.text.endsWith('${')) return [own]
  return [
    { text: own.text.slice(0, -1), quoted: false },
    { text: '{', quoted: false },
  ]
}

/** A script's line: arguments are parted by white space, except in single quotes. */
export function argumentsOf(command: string): string[] {
  const found = command.match(/(?:[^\s']|'[^']*(?:'|$))+/g) ?? []
  return found.map((argument) => argument.replaceAll("'", ''))
}
