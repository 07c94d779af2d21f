import { isIP, isIPv4, isIPv6 } from 'node:net'
import * as z from 'zod'
import { didYouMean } from '../suggest.js'

/** The kinds of values that a configuration is made of. Messages end with what to write. */

/** What somebody wrote, short enough for a message. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'string' ? `"${value}"` : JSON.stringify(value)
  return text.length > 40 ? `${text.slice(0, 37)}...` : text
}

function wrong(value: unknown, what: string, fix: string): string {
  return value === undefined ? `is missing; write ${fix}` : `${shown(value)} is no ${what}; write ${fix}`
}

/** An object that knows its keys by heart. */
export function object<T extends z.core.$ZodShape>(shape: T) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return wrong(issue.input, 'set of keys', `keys such as ${known[0]}: …`)
      const keys = issue.keys as string[]
      return keys
        .map((key) => `there is no key ${key} here${didYouMean(key, known)}`)
        .join(', ')
        .concat(`; keys are ${known.join(', ')}`)
    },
  })
}

/** Things by name. */
export function named<T extends z.ZodType>(what: string, value: T) {
  return z.record(
    z.string().regex(/^[\w.:@/+-]+$/, {
      error: (issue) => wrong(issue.input, `name of a ${what}`, 'letters, digits and . _ - without spaces'),
    }),
    value,
    { error: (issue) => wrong(issue.input, `set of ${what}s by name`, `name: {…}`) },
  )
}

export function list<T extends z.ZodType>(what: string, entry: T) {
  return z.array(entry, { error: (issue) => wrong(issue.input, `list of ${what}`, `a list: [${what}, …]`) })
}

export function word<const T extends readonly [string, ...string[]]>(what: string, words: T) {
  return z.enum(words, {
    error: (issue) => {
      const { input } = issue
      if (input === undefined) return `is missing; write one of ${words.join(', ')}`
      return `${shown(input)} is no ${what}${didYouMean(String(input), words)}; write one of ${words.join(', ')}`
    },
  })
}

export const flag = () => z.boolean({ error: (issue) => wrong(issue.input, 'yes or no', 'true or false') })

export function whole(low: number, high: number, what = 'whole number') {
  const error = (issue: { readonly input?: unknown }) =>
    wrong(issue.input, what, `a whole number from ${low} to ${high}`)
  return z.number({ error }).int({ error }).min(low, { error }).max(high, { error })
}

export function fraction(what: string) {
  const error = (issue: { readonly input?: unknown }) => wrong(issue.input, what, 'a number from 0 to 1')
  return z.number({ error }).min(0, { error }).max(1, { error })
}

/** Text of at least one character. */
export function text(what: string, example: string) {
  const error = (issue: { readonly input?: unknown }) => wrong(issue.input, what, `text such as ${example}`)
  return z.string({ error }).min(1, { error })
}

/** Text that a function understands. */
function understood<T>(what: string, fix: string, understand: (text: string) => T | undefined) {
  const error = (issue: { readonly input?: unknown }) => wrong(issue.input, what, fix)
  return z.string({ error }).transform((text, context): T => {
    const value = understand(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: wrong(text, what, fix), input: text })
    return z.NEVER
  })
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }

/** A time, in milliseconds: `100ms`, `2s`, `5m`, `1h`; a bare number is seconds. */
export function duration(low = 0, high = 365 * 86_400_000) {
  const what = 'time'
  const range = `${timeText(low)} to ${timeText(high)}`
  const fix = `a time such as 500ms, 2s or 5m, from ${range}`
  const error = (issue: { readonly input?: unknown }) => wrong(issue.input, what, fix)
  return z.union([z.number(), z.string()], { error }).transform((value, context): number => {
    const milliseconds = typeof value === 'number' ? value * 1000 : parseDuration(value)
    if (milliseconds !== undefined && milliseconds >= low && milliseconds <= high) return milliseconds
    context.addIssue({ code: 'custom', message: wrong(value, what, fix), input: value })
    return z.NEVER
  })
}

/** Milliseconds; undefined for what is no time. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?$/.exec(text.trim()) ?? []
  return number === undefined ? undefined : Number(number) * (units[unit] ?? 1000)
}

/** The shortest way to write a time. */
export function timeText(milliseconds: number): string {
  for (const unit of ['d', 'h', 'm', 's'])
    if (milliseconds !== 0 && milliseconds % (units[unit] as number) === 0)
      return `${milliseconds / (units[unit] as number)}${unit}`
  return milliseconds === 0 ? '0' : `${milliseconds}ms`
}

/** A time in whole seconds. */
export const seconds = (low: number, high: number) =>
  duration(low * 1000, high * 1000).transform((milliseconds) => Math.round(milliseconds / 1000))

export const address = () =>
  understood('IP address', 'an address such as 192.168.10.100 or fd00::1', (text) =>
    isIP(text) ? canonical(text) : undefined,
  )

/** As the kernel writes it. */
function canonical(text: string): string {
  return isIPv6(text) ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text
}

/** An address with the bits of its network; without them it is a host's. */
export const prefixed = () =>
  understood('address with its network', 'an address such as 192.168.10.100/24', (text) => {
    const [, ip = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
    if (!isIP(ip)) return undefined
    const most = isIPv4(ip) ? 32 : 128
    const prefix = bits === undefined ? most : Number(bits)
    return prefix >= 1 && prefix <= most ? { address: canonical(ip), prefix } : undefined
  })

export const port = (low = 1) => whole(low, 65535, 'port')

export const device = () =>
  understood('name of a device', 'a name such as eth0', (text) => (/^[^\s/]{1,15}$/.test(text) ? text : undefined))

export const regularExpression = () =>
  understood('regular expression', 'one such as ^OK or /ready/i', (text) => {
    const [, body, flags] = /^\/(.*)\/([imsu]*)$/s.exec(text) ?? []
    try {
      return body === undefined ? new RegExp(text) : new RegExp(body, flags)
    } catch {
      return undefined
    }
  })

/** A program with its arguments: a list of words, or a line that is split at spaces, quotes keeping words together. */
export function command() {
  const fix = 'a program with its arguments, such as [/usr/local/bin/check, --fast]'
  const error = (issue: { readonly input?: unknown }) => wrong(issue.input, 'command', fix)
  return z
    .union([z.string(), z.array(z.union([z.string(), z.number()], { error }))], { error })
    .transform((value, context): [string, ...string[]] => {
      const words = typeof value === 'string' ? splitWords(value) : value.map(String)
      const [program, ...rest] = words ?? []
      if (program) return [program, ...rest]
      context.addIssue({ code: 'custom', message: wrong(value, 'command', fix), input: value })
      return z.NEVER
    })
}

/** Splits at spaces; '…' and "…" keep words together, a backslash the next character. Undefined: a quote is not closed. */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = []
  let rest = line.trimStart()
  while (rest !== '') {
    const [whole] = /^(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|[^\s'"\\])+/s.exec(rest) ?? []
    if (whole === undefined) return undefined
    const after = rest.slice(whole.length)
    if (after !== '' && !/^\s/.test(after)) return undefined
    words.push(
      whole.replaceAll(
        /\\(.)|'([^']*)'|"((?:\\.|[^"\\])*)"/gs,
        (_, escaped?: string, single?: string, double?: string) =>
          double === undefined ? (escaped ?? single ?? '') : double.replaceAll(/\\(["\\$`])/g, '$1'),
      ),
    )
    rest = after.trimStart()
  }
  return words
}
