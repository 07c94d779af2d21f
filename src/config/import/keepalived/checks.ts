import { dnsTypes } from '../../../checks/index.js'
import type { ConfigFile } from '../../schema/index.js'
import { type Block, keywordOf, valuesOf } from './block.js'
import type { Statement } from './tree.js'
import { address, command, flag, hexBytes, oneOf, port, seconds, text, time, whole } from './values.js'

export type Check = Exclude<NonNullable<NonNullable<ConfigFile['services']>[string]['checks']>[number], string>

/** How often, and what else a virtual server, a real server and a checker may each say; the inner one counts. Milliseconds. */
export interface Inherited {
  readonly delayLoop?: number
  readonly connectTimeout?: number
  readonly retry?: number
  readonly delayBeforeRetry?: number
  readonly virtualhost?: string
}

/** keepalived's, for what nobody says: what `defaults` of the imported file have. */
const DELAY_LOOP = 60_000
const TIMEOUT = 5000

export const defaultRhythm = {
  interval: time(DELAY_LOOP),
  timeout: time(TIMEOUT),
  retries: 1,
  retry_delay: '1s',
  rise: 1,
  fall: 1,
} as const

export function inherited(block: Block, from: Inherited = {}): Inherited {
  const own = {
    delayLoop: block.value('delay_loop', seconds(0.01)),
    connectTimeout: block.value('connect_timeout', seconds(0.001)),
    retry: block.value(['retry', 'nb_get_retry'], whole(0, 100)),
    delayBeforeRetry: block.value('delay_before_retry', seconds()),
    virtualhost: block.value('virtualhost', text),
  }
  return { ...from, ...defined(own) }
}

type Defined<T> = { -readonly [K in keyof T]?: Exclude<T[K], undefined> }

export function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Defined<T>
}

/** Of one kind of checker. */
interface Kind {
  readonly retry?: number
  readonly delayBeforeRetry?: number
  /** One check each; undefined: not understood, and named. */
  readonly read: (block: Block, own: Inherited, statement: Statement) => Check[] | undefined
}

/** Names of checkers that become checks. */
export const kinds: Readonly<Record<string, Kind>> = {
  TCP_CHECK: { read: (block) => [{ kind: 'tcp', ...place(block) }] },
  PING_CHECK: {
    read: (block) => {
      // an echo has no port
      const { address: to, source } = place(block)
      return [{ kind: 'ping', ...defined({ address: to, source }) }]
    },
  },
  HTTP_GET: { delayBeforeRetry: 3000, read: (block, own) => web('http', block, own) },
  SSL_GET: { delayBeforeRetry: 3000, read: (block, own) => web('https', block, own) },
  SMTP_CHECK: { read: smtp },
  DNS_CHECK: {
    retry: 3,
    delayBeforeRetry: Number.NaN,
    read: (block) => {
      const types = Object.keys(dnsTypes) as (keyof typeof dnsTypes)[]
      const type = block.value('type', ([word = '']) => oneOf(...types)([word.toUpperCase()]))
      return [{ kind: 'dns', ...defined({ name: block.value('name', text), type }), ...place(block) }]
    },
  },
  UDP_CHECK: { read: udp },
  MISC_CHECK: { retry: 0, read: misc },
}

/** The checks that a checker of keepalived makes. */
export function checksOf(statement: Statement, parent: Block, from: Inherited): Check[] {
  const { account } = parent
  const kind = kinds[keywordOf(statement)] as Kind
  account.take(statement)
  const block = parent.inner(statement)
  const own = inherited(block, from)
  const alpha = block.last('alpha')
  if (alpha) account.drop(alpha, 'alpha is of a whole service')
  const checks = kind.read(block, own, statement)
  if (!checks) {
    account.drop(statement, `${keywordOf(statement)} lacks what it is to ask`)
    return []
  }
  return checks.map((check) => ({ ...check, ...rhythmOf(kind, own, check) }))
}

/** What differs from keepalived's defaults. */
function rhythmOf(kind: Kind, own: Inherited, check: Check) {
  const interval = own.delayLoop ?? DELAY_LOOP
  const { retry = kind.retry ?? 1, connectTimeout = TIMEOUT } = own
  const usual = Number.isNaN(kind.delayBeforeRetry) ? interval : (kind.delayBeforeRetry ?? 1000)
  const delay = own.delayBeforeRetry ?? usual
  return defined({
    interval: interval === DELAY_LOOP ? undefined : time(interval),
    timeout: 'timeout' in check || connectTimeout === TIMEOUT ? check.timeout : time(connectTimeout),
    retries: retry === 1 ? undefined : retry,
    retry_delay: delay === 1000 || retry === 0 ? undefined : time(delay),
  })
}

const place = (block: Block) =>
  defined({
    address: block.value('connect_ip', address),
    port: block.value('connect_port', port),
    source: block.value('bindto', address),
  })

function web(kind: 'http' | 'https', block: Block, own: Inherited): Check[] | undefined {
  const to = place(block)
  const urls = block.all('url')
  if (urls.length === 0) return undefined
  return urls.map((url) => ({ kind, ...urlOf(block.inner(url), own), ...to }))
}

function urlOf(block: Block, own: Inherited) {
  const host = block.value('virtualhost', text) ?? own.virtualhost
  return defined({
    path: block.value('path', text),
    host,
    status: block.value('status_code', statusRanges),
    digest: block.value('digest', ([word = '']) => (/^[0-9a-f]{32}$/i.test(word) ? word : undefined)),
    body: regex(block),
  })
}

function statusRanges(words: readonly string[]): (string | number)[] | undefined {
  const right = (word: string) => {
    const [, low, high] = /^(\d{3})(?:-(\d{3}))?$/.exec(word) ?? []
    return low !== undefined && Number(low) <= Number(high ?? low)
  }
  return words.length > 0 && words.every(right)
    ? words.map((word) => (word.includes('-') ? word : Number(word)))
    : undefined
}

const regexFlags: Readonly<Record<string, string>> = { caseless: 'i', multiline: 'm', dotall: 's', utf: 'u', ucp: 'u' }

function regex(block: Block): string | undefined {
  const { account } = block
  const statement = block.last('regex')
  const not = block.last('regex_no_match')
  const options = block.last('regex_options')
  const whole = [statement, not, options].filter((one) => one !== undefined)
  const names = options ? valuesOf(options) : []
  const source = statement && valuesOf(statement)[0]
  const flags = [...new Set(names.map((name) => regexFlags[name] ?? '?'))].join('')
  const body = not && source ? `^(?![^]*(?:${source}))` : source
  if (body && !flags.includes('?') && !(not && flags.includes('m')) && compiles(body, flags)) return `/${body}/${flags}`
  for (const one of whole) account.drop(one, "JavaScript's regular expressions have none that is the same")
  return undefined
}

function compiles(source: string, flags: string): boolean {
  try {
    return new RegExp(source, flags) !== undefined
  } catch {
    return false
  }
}

function smtp(block: Block): Check[] {
  const helo = defined({ helo: block.value('helo_name', text) })
  const own = place(block)
  const hosts = block.all('host').map((host) => {
    const { port: at = 25, ...rest } = place(block.inner(host))
    return { ...rest, port: at }
  })
  return (hosts.length > 0 ? hosts : [own]).map((to) => ({ kind: 'smtp', ...helo, ...to }))
}

function udp(block: Block): Check[] {
  const payload = block.value('payload', (words) => {
    const bytes = hexBytes(words)
    return bytes?.some((byte) => byte.includes('x')) ? undefined : bytes
  })
  const required = block.value('require_reply', hexBytes)
  const least = block.value('min_reply_length', whole(0, 65535))
  const most = block.value('max_reply_length', whole(0, 65535))
  const check: Check = {
    kind: 'udp',
    ...(payload ? { payload: `hex:${payload.join(' ')}` } : {}),
    ...place(block),
  }
  if (!required) return [check]
  return [
    {
      ...check,
      require_reply: true,
      ...defined({ min_reply: least, max_reply: most ?? 255 }),
      ...(required.length > 0 ? { reply: replyPattern(required) } : {}),
    },
  ]
}

/** As far as both go, the reply has these bytes: nested, as a shorter reply is right too. */
function replyPattern(bytes: readonly string[]): string {
  const one = ([high = '', low = '']: string) => {
    if (!high.includes('x') && !low.includes('x')) return `\\x${high}${low}`
    const digits = (digit: string) => (digit === 'x' ? [...'0123456789abcdef'] : [digit])
    return `[${digits(high)
      .flatMap((a) => digits(low).map((b) => `\\x${a}${b}`))
      .join('')}]`
  }
  const nested = bytes.reduceRight((rest, byte) => `(?:$|${one(byte)}${rest})`, '')
  return `/^${nested}/s`
}

function misc(block: Block, own: Inherited): Check[] | undefined {
  const words = block.value('misc_path', command)
  if (!words) return undefined
  const limit = block.value('misc_timeout', seconds(0.001)) ?? own.delayLoop ?? DELAY_LOOP
  const dynamic = block.value('misc_dynamic', flag)
  return [
    {
      kind: 'script',
      command: words,
      ...(dynamic ? { dynamic_weight: true } : {}),
      timeout: time(limit),
    },
  ]
}
