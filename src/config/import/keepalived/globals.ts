import type { ConfigFile } from '../../schema/index.js'
import { Block, valuesOf } from './block.js'
import { defined } from './checks.js'
import type { Statement } from './tree.js'
import { isWide, oneOf, port, seconds, text, time, whole } from './values.js'
import { garpOf, type VrrpDefaults } from './vrrp.js'

/** What global_defs say that Sluice has too. */
export interface Globals {
  readonly vrrp: VrrpDefaults
  readonly fifo: string | undefined
  readonly timeouts: ConfigFile['timeouts']
  readonly sync: { readonly sync: NonNullable<ConfigFile['sync']>; readonly at: Statement } | undefined
}

/** Several global_defs are one. */
export function globalsOf(top: Block): Globals {
  const block = new Block(
    top.all('global_defs').flatMap((statement) => statement.block ?? []),
    top.account,
  )
  const version = block.value('vrrp_version', oneOf('2', '3'))
  const least = block.last('vrrp_min_garp')
  return {
    vrrp: {
      version: version && (Number(version) as 2 | 3),
      downAdverts: block.value('vrrp_down_timer_adverts', whole(1, 100)),
      garp: { ...(least ? { repeat: 1, delay: '0' } : {}), ...garpOf(block, 'vrrp_') },
    },
    fifo: fifoOf(block),
    timeouts: block.value('lvs_timeouts', timeouts),
    sync: syncOf(top, block.last('lvs_sync_daemon')),
  }
}

/** The FIFO for VRRP alone, or else the one for everything. */
function fifoOf(block: Block): string | undefined {
  const common = block.value('notify_fifo', text)
  return block.value('vrrp_notify_fifo', text) ?? common
}

function timeouts(words: readonly string[]): ConfigFile['timeouts'] {
  const values = pairs(words)
  if (!values || Object.keys(values).some((key) => !['tcp', 'tcpfin', 'udp'].includes(key))) return undefined
  const read = (word: string | undefined) => {
    const milliseconds = word === undefined ? undefined : seconds(1, 0x7fff_ffff)([word])
    return milliseconds === undefined ? undefined : time(milliseconds)
  }
  return defined({ tcp: read(values.tcp), tcp_fin: read(values.tcpfin), udp: read(values.udp) })
}

/** `tcp 7200 udp 60` as an object. */
function pairs(words: readonly string[]): Partial<Record<string, string>> | undefined {
  if (words.length % 2 !== 0) return undefined
  return Object.fromEntries(words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1] as string]] : [])))
}

/** lvs_sync_daemon, or what instances said in its place once. */
function syncOf(top: Block, statement: Statement | undefined): Globals['sync'] {
  const instances = top.statements.filter(({ words }) => words[0]?.text === 'vrrp_instance')
  const old = instances.flatMap((instance) => {
    const block = top.inner(instance)
    const line = block.last('lvs_sync_daemon_interface', 'lvs_sync_daemon_inteface')
    return line ? [{ line, vrid: vridOf(instance) }] : []
  })
  for (const { line } of old.slice(statement ? 0 : 1)) top.account.drop(line, 'there is one synchronization')
  if (!statement) {
    const [first] = old
    const device = first && valuesOf(first.line)[0]
    return first && device ? { sync: { interface: device, ...defined({ id: first.vrid }) }, at: first.line } : undefined
  }
  const [device = '', ...rest] = valuesOf(statement)
  const named = new Set(['inst', 'id', 'maxlen', 'port', 'ttl', 'group'])
  // the name of the instance may stand without its keyword
  const words = rest[0] !== undefined && !named.has(rest[0]) ? ['inst', ...rest] : rest
  const values = pairs(words)
  if (!values || Object.keys(values).some((key) => !named.has(key)) || !/^[^\s/]{1,15}$/.test(device)) {
    top.account.drop(statement, 'this cannot be understood')
    return undefined
  }
  const instance = instances.find((one) => valuesOf(one)[0] === values.inst)
  const read = <T>(key: string, understand: (words: readonly string[]) => T | undefined) =>
    values[key] === undefined ? undefined : understand([values[key] as string])
  const sync = {
    interface: device,
    ...defined({
      id: read('id', whole(0, 255)) ?? (instance && vridOf(instance)),
      group: read('group', ([word = '']) => (multicast(word) ? word : undefined)),
      port: read('port', port),
      ttl: read('ttl', whole(1, 255)),
      max_length: read('maxlen', whole(1, 65507)),
    }),
  }
  return { sync, at: statement }
}

const multicast = (word: string) => (isWide(word) ? /^ff/i.test(word) : /^2(2[4-9]|3\d)\.\d+\.\d+\.\d+$/.test(word))

function vridOf({ block = [] }: Statement): number | undefined {
  const line = block.findLast(({ words }) => words[0]?.text === 'virtual_router_id')
  return line && whole(1, 255)(valuesOf(line))
}
