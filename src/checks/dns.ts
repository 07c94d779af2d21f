import { randomInt } from 'node:crypto'
import { type Check, failed, ok } from './check.js'
import { ask } from './datagram.js'

/** RFC 1035 section 3.2.2 and later ones. */
export const dnsTypes = { A: 1, NS: 2, CNAME: 5, SOA: 6, MX: 15, TXT: 16, AAAA: 28, SRV: 33 } as const
export type DnsType = keyof typeof dnsTypes

const codes: Record<number, string> = { 1: 'FORMERR', 2: 'SERVFAIL', 3: 'NXDOMAIN', 4: 'NOTIMP', 5: 'REFUSED' }

/** The server answers a question without an error: keepalived's default asks for the root's SOA. */
export function dnsCheck(options: { readonly name?: string; readonly type?: DnsType } = {}): Check {
  const { name = '.', type = 'SOA' } = options
  return async (target, { signal }) => {
    const id = randomInt(0x10000)
    const question = query(id, name, dnsTypes[type])
    const answer = await ask(target, question, signal, (data) => data.byteLength >= 12 && data.readUInt16BE(0) === id)
    const flags = answer.readUInt16BE(2)
    if (!(flags & 0x8000)) return failed('it sent a question back')
    const code = flags & 0xf
    if (code !== 0) return failed(`${name} ${type}: ${codes[code] ?? `error ${code}`}`)
    return ok(`${name} ${type}: ${answer.readUInt16BE(6)} answers`)
  }
}

/** RFC 1035 section 4.1: one question, recursion desired. @throws RangeError for a name that cannot be asked for */
export function query(id: number, name: string, type: number): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  if (labels.some((label) => Buffer.byteLength(label) > 63)) throw new RangeError(`${name}: a label is too long`)
  const encoded = labels.flatMap((label) => [Buffer.of(Buffer.byteLength(label)), Buffer.from(label)])
  const header = Buffer.alloc(12)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(0x0100, 2)
  header.writeUInt16BE(1, 4)
  const end = Buffer.alloc(5)
  end.writeUInt16BE(type, 1)
  end.writeUInt16BE(1, 3)
  const question = Buffer.concat([header, ...encoded, end])
  if (question.byteLength - 16 > 255) throw new RangeError(`${name} is too long`)
  return question
}
