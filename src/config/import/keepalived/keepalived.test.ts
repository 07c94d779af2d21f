import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type CheckPlan, type Config, formatConfig, parseConfig, type ServicePlan } from '../../index.js'
import { importKeepalived } from './index.js'

function imported(...lines: string[]) {
  const text = lines.join('\n')
  return importKeepalived('k', { configId: 'host', files: { read: () => text, glob: () => [] } })
}

/** What it means, by way of the file that is written. */
function config(...lines: string[]): Config {
  return parseConfig(formatConfig(imported(...lines).config), 'sluice.yaml')
}

const named = (...lines: string[]) =>
  imported(...lines).remarks.map(({ at, text, why }) => `${at.line}: ${text}: ${why}`)

const server = (...lines: string[]) => [
  'virtual_server 10.0.0.1 80 {',
  'protocol TCP',
  'real_server 10.1.0.1 80 {',
  ...lines,
  '}',
  '}',
]
const service = (...lines: string[]) => [
  'virtual_server 10.0.0.1 80 {',
  ...lines,
  'protocol TCP',
  'real_server 10.1.0.1 80 {',
  '}',
  '}',
]
const only = (of: Config): ServicePlan => of.services[0] as ServicePlan
const checks = (...lines: string[]) => only(config(...server(...lines))).servers[0]?.checks ?? []

describe('a virtual server', () => {
  it('becomes a service with what it says', () => {
    const { key, options, quorum, notify, alpha, sorry, servers } = only(
      config(
        'virtual_server 10.0.0.1 80 {',
        'protocol TCP',
        'lvs_sched sh',
        'sh-port',
        'sh-fallback',
        'lvs_method DR',
        'persistence_timeout 300',
        'persistence_granularity 255.255.255.0',
        'alpha',
        'quorum 3',
        'hysteresis 1',
        'quorum_up "/bin/up \'a b\'"',
        'quorum_down /bin/down root',
        'sorry_server 10.1.0.9 80',
        'sorry_server_lvs_method NAT',
        'real_server 10.1.0.1 80 {',
        'weight 3',
        'uthreshold 100',
        'lthreshold 50',
        'inhibit_on_failure',
        'notify_up "/bin/rs up"',
        'notify_down /bin/down',
        'lvs_method TUN type gue port 6080 csum',
        '}',
        'real_server 10.1.0.2 {',
        'inhibit_on_failure off',
        '}',
        '}',
      ),
    )
    assert.deepEqual(key, { protocol: 'tcp', address: '10.0.0.1', port: 80 })
    assert.deepEqual(options, {
      scheduler: 'sh',
      schedulerFlags: new Set([1, 2]),
      persistence: { timeout: 300, netmask: '255.255.255.0' },
    })
    assert.deepEqual(quorum, { weight: 3, hysteresis: 1 })
    assert.deepEqual(notify, { quorumUp: ['/bin/up', 'a b'], quorumDown: ['/bin/down'] })
    assert.equal(alpha, true)
    assert.deepEqual(sorry, { key: { address: '10.1.0.9', port: 80 }, options: { method: 'masq', weight: 1 } })
    const [first, second] = servers
    assert.deepEqual(first?.options, {
      method: 'tunnel',
      weight: 3,
      upperThreshold: 100,
      lowerThreshold: 50,
      tunnel: { type: 'gue', port: 6080, checksum: 'csum' },
    })
    assert.deepEqual(first?.notify, { up: ['/bin/rs', 'up'], down: ['/bin/down'] })
    assert.equal(first?.inhibitOnFailure, true)
    assert.equal(second?.options.method, 'route')
    assert.equal(second?.inhibitOnFailure, false)
  })

  it('has the defaults of keepalived', () => {
    const { options, alpha, quorum, servers } = only(config(...service()))
    assert.deepEqual(options, { scheduler: 'wlc' })
    assert.equal(alpha, false)
    assert.deepEqual(quorum, { weight: 1, hysteresis: 0 })
    assert.deepEqual(servers[0]?.options, { method: 'masq', weight: 1, upperThreshold: 0, lowerThreshold: 0 })
    assert.deepEqual(servers[0]?.checks, [])
  })

  it('for every port is persistent; persistence without a number lasts six minutes', () => {
    const every = only(config('virtual_server 10.0.0.1 {', 'protocol TCP', 'real_server 10.1.0.1 {', '}', '}'))
    assert.deepEqual(
      [every.key, every.options.persistence],
      [{ protocol: 'tcp', address: '10.0.0.1', port: 0 }, { timeout: 360 }],
    )
    assert.deepEqual(only(config(...service('persistence_timeout'))).options.persistence, { timeout: 360 })
    assert.equal(only(config(...service('persistence_timeout 0'))).options.persistence, undefined)
  })

  it('of a firewall mark has the family of its servers', () => {
    const keys = (...lines: string[]) => config(...lines).services.map(({ key }) => key)
    assert.deepEqual(keys('virtual_server fwmark 7 {', 'real_server fd00::1 80 {', '}', '}'), [
      { fwmark: 7, family: 'inet6' },
    ])
    assert.deepEqual(
      keys('virtual_server fwmark 7 {', 'ip_family inet6', 'lb_kind TUN', 'real_server 10.0.0.1 80 {', '}', '}'),
      [{ fwmark: 7, family: 'inet6' }],
    )
    assert.deepEqual(named('virtual_server fwmark 7 {', 'protocol TCP', 'real_server 10.0.0.1 80 {', '}', '}'), [
      '2: protocol TCP: a service of a firewall mark takes packets of every protocol that have the mark',
    ])
  })

  it('of a group is a service for each of its entries', () => {
    const { services } = config(
      'virtual_server_group G {',
      '10.0.0.1 80',
      '10.0.0.10-12 81',
      '10.0.1.254-10.0.2.1 82',
      '10.0.3.0/30 83',
      'fwmark 9',
      '}',
      'virtual_server group G {',
      'protocol TCP',
      'real_server 10.1.0.1 80 {',
      '}',
      '}',
    )
    assert.deepEqual(
      services.map(({ name }) => name),
      [
        'tcp-10.0.0.1-80',
        'tcp-10.0.0.10-81',
        'tcp-10.0.0.11-81',
        'tcp-10.0.0.12-81',
        'tcp-10.0.1.254-82',
        'tcp-10.0.1.255-82',
        'tcp-10.0.2.0-82',
        'tcp-10.0.2.1-82',
        'tcp-10.0.3.0-83',
        'tcp-10.0.3.1-83',
        'tcp-10.0.3.2-83',
        'tcp-10.0.3.3-83',
        'fwmark-9',
      ],
    )
    const wide = config(
      'virtual_server_group G {',
      'fd00::fffe-fd00::1:1 80',
      'ae00::2-4 80',
      '}',
      'virtual_server group G {',
      '}',
    )
    assert.deepEqual(
      wide.services.map(({ key }) => ('address' in key ? key.address : '')),
      ['fd00::fffe', 'fd00::ffff', 'fd00::1:0', 'fd00::1:1', 'ae00::2', 'ae00::3', 'ae00::4'],
    )
  })

  it('of a group that is not there, or a group that none is of, is named', () => {
    assert.equal(named('virtual_server group H {', '}').length, 1)
    assert.deepEqual(named('virtual_server_group G {', '10.0.0.1 80', '}'), [
      '1: virtual_server_group G: no virtual_server is of this group',
      '2: 10.0.0.1 80: it belongs to virtual_server_group, which is not taken over',
    ])
  })

  it('gives a port to the checks alone where packets keep theirs', () => {
    const lines = [
      'virtual_server 10.0.0.1 80 {',
      'protocol TCP',
      'lb_kind DR',
      'real_server 10.1.0.1 8080 {',
      'TCP_CHECK {',
      '}',
      '}',
      '}',
    ]
    const [found] = only(config(...lines)).servers
    assert.equal(found?.key.port, 80)
    assert.equal(found?.checks[0]?.target.port, 8080)
    assert.match(
      named(...lines)[0] ?? '',
      /^4: real_server 10.1.0.1 8080: with direct routing packets keep the port 80/,
    )
  })

  it('twice, or with a server twice, is one', () => {
    assert.equal(config(...service(), ...service()).services.length, 1)
    const twice = [
      'virtual_server 10.0.0.1 80 {',
      'protocol TCP',
      'real_server 10.1.0.1 80 {',
      '}',
      'real_server 10.1.0.1 {',
      '}',
      '}',
    ]
    assert.equal(only(config(...twice)).servers.length, 1)
    assert.equal(named(...twice).length, 1)
  })

  it('goes by the last of a keyword', () => {
    assert.equal(only(config(...service('lb_algo rr', 'lvs_sched wrr'))).options.scheduler, 'wrr')
    assert.deepEqual(named(...service('lb_algo rr', 'lvs_sched wrr')), [
      '2: lb_algo rr: lb_algo stands here again, further down',
    ])
  })

  it('without a protocol is of UDP, as keepalived has it', () => {
    const lines = ['virtual_server 10.0.0.1 80 {', '}']
    assert.deepEqual(only(config(...lines)).key, { protocol: 'udp', address: '10.0.0.1', port: 80 })
    assert.deepEqual(named(...lines), [
      '1: virtual_server 10.0.0.1 80: without a protocol keepalived takes UDP, and so does this',
    ])
  })

  it('has a quorum of no more than all servers weigh, and a hysteresis of less', () => {
    const { quorum } = only(
      config(...service('quorum 9', 'hysteresis 7', 'real_server 10.1.0.2 80 {', 'weight 4', '}')),
    )
    assert.deepEqual(quorum, { weight: 5, hysteresis: 4 })
    assert.equal(named(...service('quorum 9', 'hysteresis 7')).length, 2)
  })

  it('of a firewall mark leaves a port to the checks alone, but with NAT', () => {
    const lines = (kind: string) => [
      'virtual_server fwmark 5 {',
      `lb_kind ${kind}`,
      'real_server 10.1.0.1 80 {',
      'TCP_CHECK {',
      '}',
      '}',
      '}',
    ]
    const found = (kind: string) => only(config(...lines(kind))).servers[0]
    assert.deepEqual([found('DR')?.key.port, found('DR')?.checks[0]?.target.port], [0, 80])
    assert.deepEqual([found('NAT')?.key.port, found('NAT')?.checks[0]?.target.port], [80, 80])
  })

  it('says what cannot be, line by line', () => {
    const wrong = [
      'lb_algo fastest',
      'mh-port',
      'lb_kind LOCAL',
      'persistence_timeout soon',
      'persistence_granularity 255.255.255.0',
      'ops',
      'protocol ICMP',
      'hysteresis 4',
      'quorum none',
      'connect_timeout -1',
      'virtualhosts x',
      'sorry_server here',
    ]
    const lines = named(...service(...wrong))
    assert.deepEqual(
      lines.map((line) => line.split(': ')[1]),
      wrong,
    )
    assert.equal(only(config(...service(...wrong))).options.scheduler, 'wlc')
  })
})

describe('a checker', () => {
  const rhythm = (...lines: string[]) => {
    const { interval, timeout, retries, retryDelay, rise, fall } = checks(...lines)[0]?.rhythm ?? ({} as never)
    return [interval, timeout, retries, retryDelay, rise, fall]
  }

  it('has the rhythm of keepalived where nobody says', () => {
    assert.deepEqual(rhythm('TCP_CHECK {', '}'), [60_000, 5000, 1, 1000, 1, 1])
    assert.deepEqual(rhythm('HTTP_GET {', 'url {', '}', '}'), [60_000, 5000, 1, 3000, 1, 1])
    assert.deepEqual(rhythm('DNS_CHECK {', '}'), [60_000, 5000, 3, 60_000, 1, 1])
    assert.deepEqual(rhythm('MISC_CHECK {', 'misc_path /bin/true', '}'), [60_000, 60_000, 0, 1000, 1, 1])
  })

  it('has what the innermost says that does', () => {
    const of = (...inner: string[]) => {
      const lines = [
        'virtual_server 10.0.0.1 80 {',
        'delay_loop 6',
        'retry 2',
        'connect_timeout 1.5',
        'real_server 10.1.0.1 80 {',
      ]
      const { servers } = only(config(...lines, ...inner, '}', '}'))
      const { interval, timeout, retries } = servers[0]?.checks[0]?.rhythm ?? ({} as never)
      return [interval, timeout, retries]
    }
    assert.deepEqual(of('TCP_CHECK {', '}'), [6000, 1500, 2])
    assert.deepEqual(of('retry 4', 'TCP_CHECK {', '}'), [6000, 1500, 4])
    assert.deepEqual(
      of('retry 4', 'TCP_CHECK {', 'retry 5', 'connect_timeout 2', 'delay_loop 0.5', '}'),
      [500, 2000, 5],
    )
    assert.deepEqual(of('MISC_CHECK {', 'misc_path x', '}'), [6000, 6000, 2])
    assert.deepEqual(of('MISC_CHECK {', 'misc_path x', 'misc_timeout 5', '}'), [6000, 5000, 2])
  })

  it('asks elsewhere where it is told to', () => {
    const [check] = checks('TCP_CHECK {', 'connect_ip 10.2.0.1', 'connect_port 81', 'bindto 10.9.9.9', '}')
    assert.deepEqual(check?.target, { address: '10.2.0.1', port: 81, source: '10.9.9.9' })
  })

  it('of HTTP is a check for each url', () => {
    const [first, second] = checks(
      'virtualhost rs.example.com',
      'SSL_GET {',
      'url {',
      'path /a',
      'status_code 200-299 404',
      'digest 640205b7b0fc66c1ea91c463fac6334d',
      '}',
      'url {',
      'virtualhost url.example.com',
      'regex "(?:ready|up) [0-9]+"',
      'regex_options caseless',
      '}',
      'connect_port 444',
      '}',
    )
    assert.deepEqual(first?.question, {
      kind: 'http',
      tls: true,
      path: '/a',
      host: 'rs.example.com',
      status: [
        [200, 299],
        [404, 404],
      ],
      digest: '640205b7b0fc66c1ea91c463fac6334d',
    })
    assert.deepEqual(second?.question, {
      kind: 'http',
      tls: true,
      host: 'url.example.com',
      body: /(?:ready|up) [0-9]+/i,
    })
    assert.deepEqual([first?.target.port, second?.target.port], [444, 444])
  })

  it('of HTTP may ask for what must not be there', () => {
    const [check] = checks('HTTP_GET {', 'url {', 'regex error', 'regex_no_match', '}', '}')
    const { body } = (check as CheckPlan).question as { body: RegExp }
    assert.equal(body.test('all\nis well'), true)
    assert.equal(body.test('an\nerror\nhere'), false)
  })

  it('of mail has a check for each host', () => {
    const found = checks(
      'SMTP_CHECK {',
      'helo_name "me"',
      'host {',
      'connect_ip 10.2.0.1',
      '}',
      'host {',
      'connect_port 587',
      '}',
      '}',
    )
    assert.deepEqual(
      found.map(({ question, target }) => [question, target]),
      [
        [
          { kind: 'smtp', helo: 'me' },
          { address: '10.2.0.1', port: 25 },
        ],
        [
          { kind: 'smtp', helo: 'me' },
          { address: '10.1.0.1', port: 587 },
        ],
      ],
    )
    assert.equal(checks('SMTP_CHECK {', '}')[0]?.target.port, 80)
  })

  it('of names asks keepalived’s question', () => {
    const [check] = checks('DNS_CHECK {', 'type mx', 'name example.com', '}')
    assert.deepEqual(check?.question, { kind: 'dns', type: 'MX', name: 'example.com' })
  })

  it('of UDP sends bytes, and compares as far as both go', () => {
    const [check] = checks('UDP_CHECK {', 'payload Ab12f 3 456', 'require_reply 01x2 ff', 'min_reply_length 1', '}')
    const { payload, reply, ...rest } = (check as CheckPlan).question as { payload: Uint8Array; reply: RegExp }
    assert.deepEqual([...payload], [0xab, 0x12, 0x0f, 0x03, 0x45, 0x06])
    assert.deepEqual(rest, { kind: 'udp', requireReply: true, minReply: 1, maxReply: 255 })
    const fits = (...bytes: number[]) => reply.test(Buffer.from(bytes).toString('latin1'))
    assert.deepEqual(
      [fits(1), fits(1, 0xf2), fits(1, 0x02, 0xff, 9), fits(2), fits(1, 0x13), fits(1, 2, 0xfe), fits()],
      [true, true, true, false, false, false, true],
    )
    assert.deepEqual(checks('UDP_CHECK {', '}')[0]?.question, { kind: 'udp', requireReply: false })
  })

  it('of a script has its words, a weight if asked, and a shell where it takes one', () => {
    const [check] = checks('MISC_CHECK {', 'misc_path "/bin/a b \'c d\'"', 'misc_dynamic', '}')
    assert.deepEqual(check?.question, { kind: 'script', command: ['/bin/a', 'b', 'c d'], dynamicWeight: true })
    const [shell] = checks('MISC_CHECK {', 'misc_path "</dev/tcp/127.0.0.1/80"', '}')
    assert.deepEqual(shell?.question, { kind: 'script', command: ['/bin/sh', '-c', '</dev/tcp/127.0.0.1/80'] })
  })

  it('that is the same in several places gets a name', () => {
    const two = (name: string) => [
      `virtual_server ${name} 80 {`,
      'protocol TCP',
      'real_server 10.1.0.1 80 {',
      'TCP_CHECK {',
      'retry 3',
      '}',
      '}',
      '}',
    ]
    const { config: written } = imported(...two('10.0.0.1'), ...two('10.0.0.2'))
    assert.deepEqual(written.checks, { tcp: { kind: 'tcp', retries: 3 } })
    assert.deepEqual(written.services?.['tcp-10.0.0.2-80']?.checks, ['tcp'])
  })

  it('that Sluice has not is named, with all that is in it', () => {
    assert.deepEqual(
      named(...server('FILE_CHECK {', 'track_file f', '}')).map((line) => line.split(': ')[1]),
      ['FILE_CHECK', 'track_file f'],
    )
    assert.equal(named(...server('HTTP_GET {', '}')).length, 1)
  })
})

const instance = (...lines: string[]) => [
  'vrrp_instance VI_1 {',
  'interface eth0',
  'virtual_router_id 51',
  'virtual_ipaddress {',
  '10.0.0.100/24',
  '}',
  ...lines,
  '}',
]
const vi = (...lines: string[]) => config(...instance(...lines)).vrrp.instances[0]

describe('a VRRP instance', () => {
  it('becomes one of ours', () => {
    const found = vi(
      'priority 150',
      'advert_int 2',
      'nopreempt',
      'unicast_src_ip 10.0.0.1',
      'unicast_peer {',
      '10.0.0.2 min_ttl 250',
      '10.0.0.3',
      '}',
      'authentication {',
      'auth_type PASS',
      'auth_pass 123456789',
      '}',
      'virtual_ipaddress_excluded {',
      'fd00::1/64 dev eth1',
      '}',
      'garp_master_delay 10',
      'garp_master_repeat 1',
      'garp_master_refresh 60',
      'garp_master_refresh_repeat 2',
      'down_timer_adverts 4',
      'notify_master "/bin/m a"',
      'notify /bin/any root',
    )
    assert.deepEqual(found, {
      name: 'VI_1',
      device: 'eth0',
      vrid: 51,
      version: 2,
      priority: 150,
      interval: 2000,
      preempt: false,
      preemptDelay: 0,
      downAdverts: 4,
      source: '10.0.0.1',
      peers: ['10.0.0.2', '10.0.0.3'],
      password: '12345678',
      addresses: [
        { address: '10.0.0.100', prefix: 24, advertised: true },
        { address: 'fd00::1', prefix: 64, device: 'eth1', advertised: false },
      ],
      announcements: { repeat: 1, again: 10_000, refresh: 60_000, refreshRepeat: 2 },
      track: { interfaces: [], scripts: [], services: [] },
      notify: { master: ['/bin/m', 'a'], any: ['/bin/any'] },
    })
  })

  it('takes what global_defs say where it does not', () => {
    const global = ['global_defs {', 'vrrp_version 3', 'vrrp_garp_master_repeat 2', 'vrrp_notify_fifo /run/f', '}']
    const { vrrp } = config(...global, ...instance('advert_int 0.1'))
    assert.equal(vrrp.instances[0]?.version, 3)
    assert.equal(vrrp.instances[0]?.interval, 100)
    assert.equal(vrrp.instances[0]?.announcements.repeat, 2)
    assert.equal(vrrp.notifyFifo, '/run/f')
    const least = config('global_defs {', 'vrrp_min_garp', '}', ...instance()).vrrp.instances[0]?.announcements
    assert.deepEqual([least?.repeat, least?.again], [1, 0])
  })

  it('has times as its version can tell them', () => {
    assert.equal(vi('advert_int 1.5')?.interval, 1000)
    assert.equal(vi('advert_int 1.5')?.version, 2)
    assert.match(
      named(...instance('advert_int 1.5'))[0] ?? '',
      /^7: advert_int 1.5: version 2 advertises every 1s then/,
    )
    assert.equal(vi('version 3', 'advert_int 0.123')?.interval, 120)
    assert.equal(vi('version 3', 'advert_int 100')?.interval, 40_950)
  })

  it('tracks interfaces and scripts, by their weights', () => {
    const script = [
      'vrrp_script chk {',
      'script "/bin/chk x"',
      'interval 3',
      'timeout 2',
      'weight -4',
      'rise 2',
      'fall 3',
      '}',
    ]
    const track = [
      'track_interface {',
      'eth1 weight 2',
      'eth2',
      'eth3 weight 3 reverse',
      '}',
      'track_script {',
      'chk',
      'none',
      '}',
      'track_process {',
      'nginx',
      '}',
    ]
    const { vrrp } = config(...script, ...instance(...track))
    assert.deepEqual(vrrp.scripts, [
      { name: 'chk', command: ['/bin/chk', 'x'], interval: 3000, timeout: 2000, rise: 2, fall: 3 },
    ])
    assert.deepEqual(vrrp.instances[0]?.track, {
      interfaces: [
        { name: 'eth1', weight: 2 },
        { name: 'eth2', weight: 0 },
      ],
      scripts: [{ name: 'chk', weight: -4 }],
      services: [],
    })
    assert.deepEqual(
      named(...script, ...instance(...track)).map((line) => line.split(': ')[1]),
      ['eth3 weight 3 reverse', 'none', 'track_process', 'nginx'],
    )
  })

  it('in a group tracks what the group does, and is in fault without it', () => {
    const lines = [
      'vrrp_script chk {',
      'script /bin/chk',
      'weight -4',
      '}',
      'vrrp_sync_group G {',
      'group {',
      'VI_1',
      'VI_9',
      '}',
      'track_interface {',
      'eth5',
      '}',
      'notify_fault "/bin/f x"',
      '}',
    ]
    const { vrrp } = config(...lines, ...instance('track_script {', 'chk', '}'))
    assert.deepEqual(vrrp.groups, [{ name: 'G', instances: ['VI_1'], notify: { fault: ['/bin/f', 'x'] } }])
    assert.deepEqual(vrrp.instances[0]?.track, {
      interfaces: [{ name: 'eth5', weight: 0 }],
      scripts: [{ name: 'chk', weight: 0 }],
      services: [],
    })
    const weighted = config(
      ...lines.slice(0, -1),
      'sync_group_tracking_weight',
      '}',
      ...instance('track_script {', 'chk', '}'),
    )
    assert.deepEqual(weighted.vrrp.instances[0]?.track.scripts, [{ name: 'chk', weight: -4 }])
  })

  it('that cannot be is left out, and named', () => {
    for (const [missing, why] of [
      ['interface eth0', /it has no interface/],
      ['virtual_router_id 51', /it has no virtual_router_id/],
      ['10.0.0.100/24', /it has no virtual_ipaddress/],
    ] as const) {
      const lines = instance().filter((line) => line !== missing)
      assert.deepEqual(imported(...lines).config, {})
      assert.match(named(...lines)[0] ?? '', why)
    }
    assert.equal(config(...instance(), ...instance().with(0, 'vrrp_instance VI_2 {')).vrrp.instances.length, 1)
  })

  it('of IPv6 has version 3, and no password', () => {
    const lines = [
      'vrrp_instance VI {',
      'interface eth0',
      'virtual_router_id 1',
      'version 2',
      'authentication {',
      'auth_type PASS',
      'auth_pass x',
      '}',
      'virtual_ipaddress {',
      'fe80::1',
      '10.0.0.1',
      '}',
      '}',
    ]
    const [found] = config(...lines).vrrp.instances
    assert.equal(found?.version, 3)
    assert.equal(found?.password, undefined)
    assert.deepEqual(
      named(...lines).map((line) => line.split(': ')[1]),
      ['version 2', 'authentication', 'auth_type PASS', 'auth_pass x', '10.0.0.1'],
    )
  })
})

describe('global definitions', () => {
  it('have the timeouts of connections', () => {
    assert.deepEqual(config('global_defs {', 'lvs_timeouts tcp 7200 tcpfin 30 udp 60', '}').timeouts, {
      tcp: 7200,
      tcpFin: 30,
      udp: 60,
    })
  })

  it('have the synchronization, with the id of its instance', () => {
    const lines = ['global_defs {', 'lvs_sync_daemon eth1 VI_1 maxlen 1400 port 9000 ttl 2 group 224.0.0.90', '}']
    assert.deepEqual(config(...lines, ...instance()).sync, {
      roles: ['master', 'backup'],
      options: { interface: 'eth1', syncid: 51, maxLength: 1400, port: 9000, ttl: 2, group: '224.0.0.90' },
    })
    assert.deepEqual(config('global_defs {', 'lvs_sync_daemon eth1 inst VI_1 id 3', '}').sync?.options, {
      interface: 'eth1',
      syncid: 3,
    })
    assert.deepEqual(config(...instance('lvs_sync_daemon_interface eth2')).sync?.options, {
      interface: 'eth2',
      syncid: 51,
    })
  })
})

it('names every keyword that it does not know', () => {
  assert.deepEqual(named('frobnicate {', 'a b', '}', 'global_defs {', 'router_idd x', '}'), [
    '1: frobnicate: this keyword is not known here',
    '2: a b: it belongs to frobnicate, which is not taken over',
    '5: router_idd x: this keyword is not known here',
  ])
})

it('tells of a file that is not there', () => {
  assert.throws(() => importKeepalived('/none', { configId: '' }), { code: 'SLUICE_NO_FILE' })
})
