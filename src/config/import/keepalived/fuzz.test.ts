// biome-ignore-all lint/suspicious/noTemplateCurlyInString: keepalived's parameters look like that
// Configurations that nobody would write, made from sensible ones: a result that sluice.yaml's schema takes, with every
// place in a file, or an error with its code. Nothing else, and in bounded time.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { SluiceError } from '../../../errors.js'
import { formatConfig, parseConfig } from '../../index.js'
import { importKeepalived } from './index.js'

const seed = Number(process.env.SLUICE_SEED ?? 1)
const ROUNDS = 1000

const own = `
global_defs {
  vrrp_version 2
  lvs_timeouts tcp 7200 tcpfin 30 udp 60
  lvs_sync_daemon eth1 VI_1 id 3 maxlen 1400 port 9000 ttl 2 group 224.0.0.90
  vrrp_garp_master_delay 10
  notify_fifo /run/fifo
}
$NUM=5
$BLOCK= \\
real_server 10.1.0.\${NUM} 80 { \\
  weight 1 \\
}
virtual_server_group G {
  10.0.0.1-3 80
  fd00::1 80
  fwmark 7 inet6
}
virtual_server group G {
  lb_algo sh
  sh-port
  lb_kind TUN type gue port 6080 csum
  persistence_timeout 50
  persistence_granularity 255.255.255.0
  quorum 3
  hysteresis 1
  sorry_server 10.9.9.9 81
  ops
  protocol UDP
  $BLOCK
  ~SEQ(I, 1, 3) real_server 10.1.0.\${I} 8080 { uthreshold 5 lthreshold 3 }
  real_server fd00::5 80 {
    HTTP_GET {
      url { path "/a b" status_code 200-299 404
      regex "a(b|c)+" }
      connect_port 81
    }
    UDP_CHECK { payload 01ff
      require_reply 0x 1
    }
    DNS_CHECK { type A
      name example.com
    }
    MISC_CHECK { misc_path "/bin/x 'a b'"
      misc_dynamic
    }
  }
}
vrrp_script chk { script "/bin/true"
  weight -4 }
vrrp_sync_group SG { group { VI_1 VI_2 }
  track_interface { eth4 weight 3 } }
@host vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 51
  advert_int 0.5
  preempt_delay 3
  unicast_peer { 10.0.0.2 }
  authentication { auth_type PASS
    auth_pass secret }
  virtual_ipaddress { 10.0.0.100/24 dev eth1 label x:1 }
  virtual_ipaddress_excluded { fd00::100 }
  track_script { chk weight 3 }
@host }
`

const folder = '/usr/share/doc/keepalived/samples'
const corpus = [
  own,
  ...(existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => name.startsWith('keepalived.conf'))
    .map((name) => readFileSync(join(folder, name), 'utf8')),
]

/** Numbers from 0 to below 1, the same for the same seed. */
function random(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

const next = random(seed)
const below = (most: number) => Math.floor(next() * most)
const one = <T>(list: readonly T[]): T => list[below(list.length)] as T
const words = [...new Set(corpus.flatMap((text) => text.split(/\s+/)))].filter((word) => word !== '')
const odd = [
  '{',
  '}',
  '"',
  "'",
  '\\',
  '\0',
  '#',
  '@x',
  '$A=$A',
  '$A',
  '${NUM}',
  '~SEQ(A,1,99)',
  '~LST(A,1)',
  '-1',
  '0',
  '256',
  '99999999999',
  '1e9',
  '10.0.0.0/8',
  'fd00::/120',
  '::',
  '255.255.255.255',
  'é',
  '__proto__',
  'constructor',
  'include x',
  '/',
  '.5',
  '200-100',
  '(',
  '[',
]

function mutate(text: string): string {
  const lines = text.split('\n')
  for (let times = 1 + below(4); times > 0; times -= 1) {
    const at = below(lines.length)
    const parts = (lines[at] as string).split(/(\s+)/)
    const within = below(parts.length)
    switch (below(8)) {
      case 0:
        lines.splice(at, 1)
        break
      case 1:
        lines.splice(at, 0, lines[below(lines.length)] as string)
        break
      case 2:
        lines.splice(at, 0, one(one(corpus).split('\n')))
        break
      case 3:
        parts[within] = one(words)
        lines[at] = parts.join('')
        break
      case 4:
        parts[within] = one(odd)
        lines[at] = parts.join('')
        break
      case 5:
        parts.splice(within, 1)
        lines[at] = parts.join('')
        break
      case 6:
        parts.splice(within, 0, one([...odd, ...words]), ' ')
        lines[at] = parts.join('')
        break
      default: {
        const line = lines[at] as string
        const place = below(line.length + 1)
        lines[at] = line.slice(0, place) + one([...'{}"\'\\#!@$~ 09azX./:-']) + line.slice(place + below(2))
      }
    }
  }
  return lines.join('\n')
}

it(`${ROUNDS} mutated configurations (SLUICE_SEED=${seed}): a result that the schema takes, or an error with its code`, () => {
  let taken = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    const text = mutate(one(corpus))
    try {
      const { config, remarks } = importKeepalived('k', {
        configId: 'host',
        files: { read: () => text, glob: () => [] },
      })
      parseConfig(formatConfig(config), 'sluice.yaml')
      for (const { at, why } of remarks) assert.ok(at.file === 'k' && at.line >= 1 && why !== '')
      taken += 1
    } catch (error) {
      if (SluiceError.is(error) && error.code === 'SLUICE_BAD_KEEPALIVED') continue
      assert.fail(`SLUICE_SEED=${seed} round ${round}: ${(error as Error).stack}\n${text}`)
    }
  }
  assert.ok(taken > ROUNDS / 4, `only ${taken} were taken`)
})
