import { defaultSysctls, SluiceSysctl } from '../datapath/index.js'
import { SluiceError } from '../errors.js'

/** The parameters `net.ipv4.vs.*`: IPVS's names, defaults and ranges, and one of ours, `conn_rate`. What each does here is told in docs/sysctls.md. */

const prefix = 'net.ipv4.vs.'

/** `acts`: packets see it. `moot`: it is stored and read back, and there is nothing in Sluice that it could change. */
export type SysctlEffect = 'acts' | 'moot'

export interface Sysctl {
  /** Without `net.ipv4.vs.` */
  readonly name: string
  /** As the kernel's file shows it. */
  readonly value: string
  readonly default: string
  readonly effect: SysctlEffect
  /** Why it does not act; absent where it does. */
  readonly reason?: string
}

interface Kind {
  /** How many numbers it has. */
  readonly words: number
  /** What it takes, for messages. */
  readonly takes: string
  valid(values: readonly number[]): boolean
}

const INT_MAX = 2 ** 31 - 1

const within = (low: number, high: number, takes = `a whole number from ${low} to ${high}`): Kind => ({
  words: 1,
  takes,
  valid: ([value = Number.NaN]) => value >= low && value <= high,
})

/** The kernel takes any int for its switches too. */
const int = within(-INT_MAX - 1, INT_MAX)
/** Kept in ticks by the kernel, 250 a second. */
const mostSeconds = Math.floor(INT_MAX / 250)
const seconds = within(-mostSeconds, mostSeconds)
const defence = within(0, 3, '0 (off), 1 or 2 (when memory is short) or 3 (always)')
const ports: Kind = {
  words: 1,
  takes: '1, 2, 4, 8, 16, 32 or 64',
  valid: ([value = 0]) => value >= 1 && value <= 64 && (value & (value - 1)) === 0,
}
const threshold: Kind = {
  words: 2,
  takes: 'two numbers, the first below the second, or the second 0',
  valid: ([at = -1, period = -1]) => at >= 0 && period >= 0 && (at < period || period === 0),
}

interface Spec {
  readonly index: SluiceSysctl
  readonly kind: Kind
  /** Why it does not act; absent where it does. */
  readonly moot?: string
}

const { COUNT: _, SYNC_PERIOD: __, ...named } = SluiceSysctl

const kinds: Readonly<Partial<Record<keyof typeof named, Kind>>> = {
  DROP_ENTRY: defence,
  DROP_PACKET: defence,
  SECURE_TCP: defence,
  CONN_RATE: within(0, INT_MAX),
  EST_NICE: within(-20, 19),
  LBLC_EXPIRATION: seconds,
  LBLCR_EXPIRATION: seconds,
  SYNC_REFRESH_PERIOD: seconds,
  SYNC_PORTS: ports,
  SYNC_QLEN_MAX: within(0, 2 ** 32 - 1),
  SYNC_RETRIES: within(0, 3),
  SYNC_THRESHOLD: threshold,
  SYNC_VERSION: within(0, 1),
}

/** There is nothing here that it could change. */
const moot: Readonly<Partial<Record<keyof typeof named, string>>> = {
  CONNTRACK: 'packets do not pass netfilter, so there is no connection tracking of theirs',
  SNAT_REROUTE: 'every packet is routed after it was rewritten',
  EST_NICE: 'rates are estimated in a timer of the datapath, not in a thread',
  SYNC_QLEN_MAX: 'messages are made when they can be sent, so none wait',
  SYNC_VERSION: 'messages are written in version 1, and read in both',
  IGNORE_TUNNELED: 'a packet of another protocol passes untouched, and what it is unwrapped to is looked at once',
}

const keys = Object.keys(named) as (keyof typeof named)[]

const specs: ReadonlyMap<string, Spec> = new Map(
  keys
    .map((key): [string, Spec] => {
      const reason = moot[key] ? { moot: moot[key] } : {}
      return [key.toLowerCase(), { index: named[key], kind: kinds[key] ?? int, ...reason }]
    })
    .sort(([a], [b]) => (a < b ? -1 : 1)),
)

/** The names, in the order in which sysctl(8) lists them. */
export const sysctlNames: readonly string[] = [...specs.keys()]

/**
 * The name alone of `net.ipv4.vs.x`, `net/ipv4/vs/x`, `/proc/sys/net/ipv4/vs/x` or `x`.
 * @throws SluiceError SLUICE_NO_SYSCTL
 */
export function sysctlName(key: string): string {
  const dotted = key.replace(/^\/proc\/sys\//, '').replaceAll('/', '.')
  const name = dotted.startsWith(prefix) ? dotted.slice(prefix.length) : dotted
  if (!specs.has(name)) throw new SluiceError('SLUICE_NO_SYSCTL', { key: name.includes('.') ? dotted : prefix + name })
  return name
}

/** `net.ipv4.vs.x` */
export const sysctlKey = (name: string): string => prefix + name

/** One parameter out of a table's words. @throws SluiceError SLUICE_NO_SYSCTL */
export function readSysctl(key: string, words: Int32Array, defaults: Int32Array): Sysctl {
  const name = sysctlName(key)
  const spec = specOf(name)
  return {
    name,
    value: text(spec, words),
    default: text(spec, defaults),
    effect: spec.moot ? 'moot' : 'acts',
    ...(spec.moot ? { reason: spec.moot } : {}),
  }
}

/**
 * Writes what `value` says into `words`, reading numbers as the kernel does: decimal, octal after 0, hexadecimal after 0x.
 * Of a pair that is given one number the other one stays; words that follow are ignored.
 * @throws SluiceError SLUICE_NO_SYSCTL, SLUICE_BAD_SYSCTL
 */
export function writeSysctl(key: string, value: string, words: Int32Array): void {
  const name = sysctlName(key)
  const { index, kind } = specOf(name)
  const given =
    value.trim() === ''
      ? []
      : value
          .trim()
          .split(/[ \t\n]+/)
          .slice(0, kind.words)
          .map(number)
  const values = [...given, ...words.subarray(index + given.length, index + kind.words)]
  if (given.length === 0 || given.some(Number.isNaN) || !kind.valid(values))
    throw new SluiceError('SLUICE_BAD_SYSCTL', { key: prefix + name, takes: kind.takes })
  for (const [i, each] of values.entries()) words[index + i] = each
}

/**
 * Whether `value` is one that the parameter takes.
 * @throws SluiceError SLUICE_NO_SYSCTL, SLUICE_BAD_SYSCTL
 */
export function checkSysctl(key: string, value: string): void {
  writeSysctl(key, value, defaultSysctls())
}

function number(word: string): number {
  const [, sign = '', digits = ''] = /^(-?)(0[xX][0-9a-fA-F]+|\d+)$/.exec(word) ?? []
  if (digits === '') return Number.NaN
  const octal = /^0\d/.test(digits)
  if (octal && !/^[0-7]+$/.test(digits)) return Number.NaN
  const value = octal ? Number.parseInt(digits, 8) : Number(digits)
  return sign ? -value : value
}

function specOf(name: string): Spec {
  const spec = specs.get(name)
  if (!spec) throw new SluiceError('SLUICE_NO_SYSCTL', { key: prefix + name })
  return spec
}

function text({ index, kind }: Spec, words: Int32Array): string {
  const values = [...words.subarray(index, index + kind.words)]
  return (index === SluiceSysctl.SYNC_QLEN_MAX ? values.map((value) => value >>> 0) : values).join('\t')
}
