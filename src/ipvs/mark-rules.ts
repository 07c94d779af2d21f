import { isIP } from 'node:net'
import { type MarkRuleRecord, maps, SluiceFamily, SluiceProtocol, type Table } from '../datapath/index.js'
import { SluiceError } from '../errors.js'
import { devices } from '../kernel/index.js'
import { formatAddress, parseAddress } from './address.js'
import { publish } from './edit.js'
import type { Family, Protocol } from './types.js'

/** Lowest and highest. */
export type MarkPorts = readonly [low: number, high: number]

/** Which packets get which firewall mark, for the choice of their virtual service. What is absent fits every packet. */
export interface MarkRule {
  /** 0: no mark, whatever mark the packet came with. */
  readonly mark: number
  readonly family?: Family
  readonly protocol?: Protocol
  /** An address, or a network as `10.0.0.0/8`. */
  readonly source?: string
  readonly destination?: string
  /** Of `tcp`, `udp` or `sctp`. */
  readonly sourcePorts?: MarkPorts
  readonly destinationPorts?: MarkPorts
  /** The device by which the packet comes in. */
  readonly device?: string
}

/** As many as there may be. */
export const mostMarkRules = maps.markRules.maxEntries / 2

const COUNT = 0x7fff_ffff
const EVERY_PORT: MarkPorts = [0, 0xffff]
const longestDevice = 15

const protocols: Readonly<Record<Protocol, number>> = {
  tcp: SluiceProtocol.TCP,
  udp: SluiceProtocol.UDP,
  sctp: SluiceProtocol.SCTP,
}

const bad = (what: string) => new SluiceError('SLUICE_BAD_MARK', { what })

/** @throws SluiceError SLUICE_BAD_MARK, SLUICE_FULL */
export function checkMarkRules(rules: readonly MarkRule[]): void {
  if (rules.length > mostMarkRules) throw new SluiceError('SLUICE_FULL', { what: 'mark rule', limit: mostMarkRules })
  for (const rule of rules) checkMarkRule(rule)
}

function checkMarkRule(rule: MarkRule): void {
  const { mark, protocol, sourcePorts, destinationPorts, device } = rule
  if (!Number.isInteger(mark) || mark < 0 || mark > 0xffff_ffff) throw bad(`${mark} is no mark`)
  for (const range of [sourcePorts, destinationPorts]) {
    if (!range) continue
    if (!protocol) throw bad('ports need a protocol')
    if (range.some((port) => !Number.isInteger(port) || port < 0 || port > 0xffff) || range[0] > range[1])
      throw bad(`${range.join('-')} is no range of ports`)
  }
  if (device !== undefined && !new RegExp(`^[^\\s/]{1,${longestDevice}}$`).test(device))
    throw bad(`${device} is no name of a device`)
  familyOfRule(rule)
}

/** The family that a rule's addresses are of. */
function familyOfRule({ family, source, destination }: MarkRule): Family | undefined {
  const families = new Set([family, ...[source, destination].map((text) => text && network(text).family)])
  families.delete(undefined)
  families.delete('')
  if (families.size > 1) throw bad('a packet has addresses of one family')
  return [...families][0] as Family | undefined
}

interface Network {
  readonly family: Family
  readonly address: Uint8Array
  readonly mask: Uint8Array
}

function network(text: string): Network {
  const [, host = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const family = host.includes(':') ? 'inet6' : 'inet'
  const longest = family === 'inet6' ? 128 : 32
  const prefix = length === undefined ? longest : Number(length)
  if (isIP(host) === 0 || prefix > longest) throw bad(`${text} is no address or network`)
  const mask = new Uint8Array(16)
  for (let bit = 0; bit < prefix; bit += 1) mask[bit >> 3] = (mask[bit >> 3] as number) | (0x80 >> (bit & 7))
  const address = parseAddress(host)
  if (address.some((byte, i) => (byte & ~(mask[i] as number)) !== 0)) throw bad(`${text} has bits beyond its prefix`)
  return { family, address, mask }
}

/** The rules that packets go by, in their order. */
export function readMarkRules(table: Table): MarkRule[] {
  const { bank, count } = used(table)
  return Array.from({ length: count }, (_, i) => readMarkRule(table.markRule(bank, i)))
}

/** Gives packets other rules, in one step. */
export function writeMarkRules(table: Table, rules: readonly MarkRule[]): void {
  checkMarkRules(rules)
  const bank = 1 - used(table).bank
  publish(() => {
    for (const [i, rule] of rules.entries()) writeMarkRule(table.markRule(bank, i), rule)
    table.publishMarkRules(bank, rules.length)
  })
}

/** Devices may have been made anew, under another number. */
export function refreshMarkRules(table: Table): void {
  const { bank, count } = used(table)
  if (count === 0) return
  const numbers = deviceNumbers()
  for (let i = 0; i < count; i += 1) {
    const record = table.markRule(bank, i)
    const name = deviceOf(record)
    if (name !== undefined) record.ifindex = numbers.get(name) ?? NO_DEVICE
  }
}

const used = ({ settings: { markRules } }: Table) => ({ bank: markRules >>> 31, count: markRules & COUNT })

const deviceNumbers = () => new Map(devices().map(({ name, ifindex }) => [name, ifindex]))

/** No device has this number. */
const NO_DEVICE = 0x7fff_ffff

function writeMarkRule(record: MarkRuleRecord, rule: MarkRule): void {
  const family = familyOfRule(rule)
  record.bytes().fill(0)
  record.mark = rule.mark
  record.protocol = rule.protocol ? protocols[rule.protocol] : 0
  record.family = family === undefined ? 0 : family === 'inet6' ? SluiceFamily.INET6 : SluiceFamily.INET
  for (const [i, port] of (rule.sourcePorts ?? EVERY_PORT).entries()) record.setSport(i, port)
  for (const [i, port] of (rule.destinationPorts ?? EVERY_PORT).entries()) record.setDport(i, port)
  if (rule.source !== undefined) {
    const { address, mask } = network(rule.source)
    for (let i = 0; i < 4; i += 1) {
      record.setSource(i, word(address, i))
      record.setSourceMask(i, word(mask, i))
    }
  }
  if (rule.destination !== undefined) {
    const { address, mask } = network(rule.destination)
    for (let i = 0; i < 4; i += 1) {
      record.setDestination(i, word(address, i))
      record.setDestinationMask(i, word(mask, i))
    }
  }
  if (rule.device === undefined) return
  record.deviceBytes().set(Buffer.from(rule.device))
  record.ifindex = deviceNumbers().get(rule.device) ?? NO_DEVICE
}

const word = (bytes: Uint8Array, index: number) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(index * 4)

function readMarkRule(record: MarkRuleRecord): MarkRule {
  const protocol = (Object.keys(protocols) as Protocol[]).find((name) => protocols[name] === record.protocol)
  const ports = (port: (i: number) => number): MarkPorts | undefined =>
    port(0) === EVERY_PORT[0] && port(1) === EVERY_PORT[1] ? undefined : [port(0), port(1)]
  const source = networkText(
    record.family,
    (i) => record.source(i),
    (i) => record.sourceMask(i),
  )
  const destination = networkText(
    record.family,
    (i) => record.destination(i),
    (i) => record.destinationMask(i),
  )
  const sourcePorts = ports((i) => record.sport(i))
  const destinationPorts = ports((i) => record.dport(i))
  const device = deviceOf(record)
  return {
    mark: record.mark,
    ...(record.family && !source && !destination
      ? { family: record.family === SluiceFamily.INET6 ? ('inet6' as const) : ('inet' as const) }
      : {}),
    ...(protocol ? { protocol } : {}),
    ...(source ? { source } : {}),
    ...(destination ? { destination } : {}),
    ...(sourcePorts ? { sourcePorts } : {}),
    ...(destinationPorts ? { destinationPorts } : {}),
    ...(device === undefined ? {} : { device }),
  }
}

function networkText(family: number, address: (i: number) => number, mask: (i: number) => number): string | undefined {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  let prefix = 0
  for (let i = 0; i < 4; i += 1) {
    view.setUint32(i * 4, address(i))
    prefix += Math.clz32(~mask(i))
  }
  const zero = bytes.every((byte) => byte === 0)
  if (prefix === 0 && zero) return undefined
  const text = formatAddress(bytes, family)
  return prefix === (family === SluiceFamily.INET6 ? 128 : 32) ? text : `${text}/${prefix}`
}

function deviceOf(record: MarkRuleRecord): string | undefined {
  const name = Buffer.from(record.deviceBytes()).toString('latin1').replace(/\0.*$/s, '')
  return name === '' ? undefined : name
}

/** Two rules that fit the same packets by the same words and give the same mark. */
export function sameMarkRule(a: MarkRule, b: MarkRule): boolean {
  const text = (rule: MarkRule) => JSON.stringify(Object.entries({ ...rule, family: familyOfRule(rule) }).sort())
  return text(a) === text(b)
}
