import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError, formatConfig, parseConfig, problemLine, splitWords } from './index.js'

/** What is said about a text, a line a mistake. */
function complaints(text: string): string[] {
  try {
    parseConfig(text, 'sluice.yaml')
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.problems.map(problemLine)
  }
}

const service = (...lines: string[]) =>
  ['services:', '  web:', '    address: 10.0.0.1', '    port: 80', ...lines.map((line) => `    ${line}`)].join('\n')

const server = (...lines: string[]) => service('servers:', '- address: 10.1.0.1', ...lines.map((line) => `  ${line}`))

const check = (...lines: string[]) => ['checks:', '  it:', ...lines.map((line) => `    ${line}`)].join('\n')

const instance = (...lines: string[]) =>
  ['vrrp:', '  instances:', '    VI:', '      interface: eth0', '      vrid: 51', '      addresses: [10.0.0.100/24]']
    .concat(lines.map((line) => `      ${line}`))
    .join('\n')

const sync = (...lines: string[]) => ['sync:', '  interface: eth0', ...lines.map((line) => `  ${line}`)].join('\n')

test('an empty file is a configuration without services', () => {
  const config = parseConfig('', 'sluice.yaml')
  assert.deepEqual(config.services, [])
  assert.equal(config.sync, undefined)
  assert.equal(config.onStop, 'keep')
})

test('a whole configuration is understood, defaults filled in', () => {
  const config = parseConfig(
    `
defaults:
  scheduler: wrr
  method: nat
  checks: [alive]
  check: {interval: 1s, fall: 2}
timeouts: {tcp: 10m}
sysctls: {expire_nodest_conn: 1}
checks:
  alive: {kind: tcp}
  page: {kind: http, path: /health, status: [200-299, 404], body: /ready/i, interval: 500ms}
services:
  web:
    address: 192.168.10.100
    port: 80
    persistence: {timeout: 5m, netmask: 255.255.255.0}
    quorum: {weight: 2, hysteresis: 1}
    slow_start: 30s
    sorry_server: {address: 192.168.188.90}
    servers:
      - {address: 192.168.188.82, weight: 3}
      - {address: 192.168.188.83, port: 8080, checks: [page, {kind: ping}]}
  marked:
    fwmark: 7
    scheduler: sh
    flags: [sh-port]
    servers: [{address: 192.168.188.84, method: dr, checks: [{kind: tcp, port: 80}]}]
vrrp:
  scripts: {load: {command: '/bin/check "a b"', weight: -20}}
  instances:
    VI:
      interface: eth0
      vrid: 51
      advert_interval: 100ms
      addresses: [192.168.10.100/24, {address: fd00::1/64, interface: eth1, advertised: false}]
      track: {interfaces: [eth1], scripts: [load], services: [{name: web, weight: -50}]}
  groups: {G: {instances: [VI]}}
sync: {interface: eth1, id: 3}
`,
    'sluice.yaml',
  )
  const [web, marked] = config.services
  assert.ok(web && marked)
  assert.deepEqual(web.key, { protocol: 'tcp', address: '192.168.10.100', port: 80 })
  assert.equal(web.options.scheduler, 'wrr')
  assert.deepEqual(web.options.persistence, { timeout: 300, netmask: '255.255.255.0' })
  assert.deepEqual(web.quorum, { weight: 2, hysteresis: 1 })
  assert.equal(web.slowStart, 30_000)
  assert.equal(web.alpha, true)
  assert.deepEqual(web.sorry, {
    key: { address: '192.168.188.90', port: 80 },
    options: { method: 'masq', weight: 1 },
  })
  assert.deepEqual(
    web.servers.map(({ key, checks }) => [
      key.port,
      checks.map(({ name, rhythm }) => [name, rhythm.interval, rhythm.fall]),
    ]),
    [
      [80, [['alive', 1000, 2]]],
      [
        8080,
        [
          ['page', 500, 2],
          ['ping', 1000, 2],
        ],
      ],
    ],
  )
  assert.deepEqual(web.servers[1]?.checks[0]?.question, {
    kind: 'http',
    path: '/health',
    status: [
      [200, 299],
      [404, 404],
    ],
    body: /ready/i,
  })
  assert.deepEqual(marked.key, { fwmark: 7, family: 'inet' })
  assert.deepEqual([...(marked.options.schedulerFlags ?? [])], [2])
  assert.equal(marked.servers[0]?.options.method, 'route')
  const [vi] = config.vrrp.instances
  assert.equal(vi?.version, 3)
  assert.equal(vi?.interval, 100)
  assert.deepEqual(vi?.addresses, [
    { address: '192.168.10.100', prefix: 24, advertised: true },
    { address: 'fd00::1', prefix: 64, advertised: false, device: 'eth1' },
  ])
  assert.deepEqual(vi?.track, {
    interfaces: [{ name: 'eth1', weight: 0 }],
    scripts: [{ name: 'load', weight: -20 }],
    services: [{ name: 'web', weight: -50 }],
  })
  assert.deepEqual(config.vrrp.scripts[0]?.command, ['/bin/check', 'a b'])
  assert.deepEqual(config.sync, { roles: ['master', 'backup'], options: { interface: 'eth1', syncid: 3 } })
  assert.deepEqual(config.timeouts, { tcp: 600 })
})

/** Every field wrong once: the text, and what has to be said about it, with its place. */
const wrongs: Record<string, [text: string, said: string][]> = {
  'the file': [
    ['a: [1', '1:6: '],
    ['services: {}\nservices: {}', '2:1: '],
    ['[1, 2]', '1:1: [1,2] is no set of keys'],
    ['servises: {}', '1:1: there is no key servises here (did you mean services?); keys are daemon, '],
  ],
  daemon: [
    ['daemon: 1', '1:9: daemon: 1 is no set of keys'],
    ['daemon: {on_stop: never}', '1:19: daemon.on_stop: "never" is no end; write one of keep, remove'],
    ['daemon: {availability: 1}', '1:24: daemon.availability: 1 is no path; write text such as /var/lib'],
  ],
  defaults: [
    ['defaults: {sheduler: rr}', '1:12: defaults: there is no key sheduler here (did you mean scheduler?)'],
    ['defaults: {scheduler: wwr}', '1:23: defaults.scheduler: "wwr" is no scheduler (did you mean wrr?)'],
    ['defaults: {method: NAT}', '1:20: defaults.method: "NAT" is no forwarding method (did you mean nat?)'],
    ['defaults: {alpha: yes}', '1:19: defaults.alpha: "yes" is no yes or no; write true or false'],
    ['defaults: {inhibit_on_failure: 1}', '1:32: defaults.inhibit_on_failure: 1 is no yes or no; write true or false'],
    ['defaults: {slow_start: soon}', '1:24: defaults.slow_start: "soon" is no time; write a time such as'],
    ['defaults: {on_edit: mend}', '1:21: defaults.on_edit: "mend" is no answer to an edit; write one of keep, repair'],
    [`defaults: {checks: [nope]}\n${server()}`, '1:21: defaults.checks[0]: there is no check nope; name one of checks'],
    ['defaults: {check: {interval: 1ms}}', '1:30: defaults.check.interval: "1ms" is no time; write'],
  ],
  timeouts: [
    ['timeouts: {tcp: -1}', '1:17: timeouts.tcp: -1 is no time'],
    ['timeouts: {tcp_fin: x}', '1:21: timeouts.tcp_fin: "x" is no time'],
    ['timeouts: {udp: []}', '1:12: timeouts.udp: [] is no time'],
  ],
  sysctls: [
    ['sysctls: 7', '1:10: sysctls: 7 are no sysctls; write name: value'],
    ['sysctls: {nope: 1}', '1:11: sysctls: there is no sysctl nope; sluice sysctl -a lists'],
    ['sysctls: {sync_threshold: x}', '1:11: sysctls: x is no value of sync_threshold; it takes'],
  ],
  checks: [
    ['checks: {a b: {kind: tcp}}', '1:10: checks.a b: "a b" is no name of a check; write letters'],
    [check('kind: pong'), '3:11: checks.it.kind: "pong" is no kind of check; write one of tcp, http'],
    [check('path: /'), '2:3: checks.it.kind: is missing; write one of tcp'],
    [check('kind: tcp', 'path: /'), '4:5: checks.it: there is no key path here; keys are kind, interval'],
    [check('kind: tcp', 'interval: 0'), '4:15: checks.it.interval: 0 is no time; write a time such as 500ms'],
    [check('kind: tcp', 'timeout: 2 weeks'), '4:14: checks.it.timeout: "2 weeks" is no time'],
    [
      check('kind: tcp', 'retries: -1'),
      '4:14: checks.it.retries: -1 is no whole number; write a whole number from 0 to 100',
    ],
    [check('kind: tcp', 'retry_delay: x'), '4:18: checks.it.retry_delay: "x" is no time'],
    [check('kind: tcp', 'rise: 0'), '4:11: checks.it.rise: 0 is no whole number; write a whole number from 1'],
    [check('kind: tcp', 'fall: 1.5'), '4:11: checks.it.fall: 1.5 is no whole number'],
    [check('kind: tcp', 'jitter: 2'), '4:13: checks.it.jitter: 2 is no jitter; write a number from 0 to 1'],
    [check('kind: tcp', 'port: 0'), '4:11: checks.it.port: 0 is no port; write a whole number from 1 to 65535'],
    [check('kind: tcp', 'address: here'), '4:14: checks.it.address: "here" is no IP address'],
    [check('kind: http', 'path: 1'), '4:11: checks.it.path: 1 is no path; write text such as /health'],
    [check('kind: http', 'method: []'), '4:5: checks.it.method: [] is no HTTP method'],
    [check('kind: http', 'host: 7'), '4:11: checks.it.host: 7 is no host name'],
    [check('kind: http', 'status: 200'), '4:13: checks.it.status: 200 is no list of status'],
    [check('kind: http', 'status: [299-200]'), '4:14: checks.it.status[0]: "299-200" is no HTTP status; write'],
    [check('kind: http', 'body: "(("'), '4:11: checks.it.body: "((" is no regular expression'],
    [check('kind: http', 'digest: abc'), '4:13: checks.it.digest: "abc" is no MD5 digest; write 32'],
    [check('kind: http', 'headers: 1'), '4:14: checks.it.headers: 1 are no headers; write Name: value'],
    [check('kind: https', 'verify: 1'), '4:13: checks.it.verify: 1 is no yes or no'],
    [check('kind: tcp', 'source: here'), '4:13: checks.it.source: "here" is no IP address'],
    [check('kind: tcp', 'vip: 1'), '4:10: checks.it.vip: 1 is no yes or no'],
    [check('kind: ping', 'vip: true'), '4:5: checks.it: there is no key vip here'],
    [
      service('checks: [{kind: tcp, vip: true}]', 'servers: [{address: 10.1.0.1}]'),
      '5:14: services.web.checks[0]: check tcp goes by the VIP: only servers of dr and tunnel get packets that are',
    ],
    [
      'services: {m: {fwmark: 5, method: dr, checks: [{kind: tcp, port: 80, vip: true}], servers: [{address: 10.1.0.1}]}}',
      '1:48: services.m.checks[0]: check tcp goes by the VIP: a service of a firewall mark names none; give',
    ],
    [
      service('method: tunnel', 'checks: [{kind: tcp, vip: true}]', 'servers: [{address: "fd00::1"}]'),
      '6:14: services.web.checks[0]: check tcp goes by the VIP: the server is of another family, which says no',
    ],
    [check('kind: grpc', 'service: 1'), '4:14: checks.it.service: 1 is no service'],
    [check('kind: grpc', 'tls: 1'), '4:10: checks.it.tls: 1 is no yes or no'],
    [check('kind: dns', 'name: 1'), '4:11: checks.it.name: 1 is no name'],
    [check('kind: dns', 'type: AAA'), '4:11: checks.it.type: "AAA" is no record type (did you mean A'],
    [check('kind: smtp', 'helo: 1'), '4:11: checks.it.helo: 1 is no name'],
    [check('kind: udp', 'payload: hex:abc'), '4:14: checks.it.payload: "hex:abc" is no payload; write text, or hex:'],
    [check('kind: udp', 'require_reply: 1'), '4:20: checks.it.require_reply: 1 is no yes or no'],
    [check('kind: udp', 'min_reply: -1'), '4:16: checks.it.min_reply: -1 is no whole number'],
    [check('kind: udp', 'max_reply: 70000'), '4:16: checks.it.max_reply: 70000 is no whole number'],
    [check('kind: udp', 'reply: "["'), '4:12: checks.it.reply: "[" is no regular expression'],
    [check('kind: script', 'command: ""'), '4:14: checks.it.command: "" is no command; write a program'],
    [check('kind: script', 'command: [x]', 'dynamic_weight: 1'), '5:21: checks.it.dynamic_weight: 1 is no yes or no'],
    [check('kind: script'), '2:3: checks.it.command: is missing; write a program'],
    [check('kind: redis', 'user: 1'), '4:11: checks.it.user: 1 is no user'],
    [check('kind: redis', 'password: 1'), '4:15: checks.it.password: 1 is no password'],
  ],
  services: [
    ['services: [a]', '1:1: services: ["a"] is no set of services by name'],
    [
      'services: {web: {address: 10.0.0.1}}',
      '1:12: services.web: port is missing; write protocol, address and port, or fwmark',
    ],
    [
      'services: {web: {address: 10.0.0.256, port: 80}}',
      '1:27: services.web.address: "10.0.0.256" is no IP address; write',
    ],
    ['services: {web: {address: 10.0.0.1, port: 65536}}', '1:43: services.web.port: 65536 is no port; write'],
    [
      service('protocol: tpc'),
      '5:15: services.web.protocol: "tpc" is no protocol (did you mean tcp?); write one of tcp, udp, sctp',
    ],
    ['services: {m: {fwmark: 0}}', '1:24: services.m.fwmark: 0 is no firewall mark; write'],
    [service('fwmark: 1'), '5:5: services.web: a service of a firewall mark has no protocol, address or port'],
    [service('family: inet'), '5:5: services.web: family goes with fwmark; leave it out'],
    [
      service('flags: [sh-prot]'),
      '5:13: services.web.flags[0]: "sh-prot" is no scheduler flag (did you mean sh-port?)',
    ],
    [service('flags: [sh-port]'), '5:13: services.web.flags[0]: sh-port is no flag of the scheduler wlc'],
    [service('persistence: 300'), '5:18: services.web.persistence: 300 is no set of keys'],
    [service('persistence: {timeout: 0}'), '5:28: services.web.persistence.timeout: 0 is no time'],
    [service('persistence: {netmask: wide}'), '5:28: services.web.persistence.netmask: "wide" is no mask'],
    [service('persistence: {netmask: 64}'), '5:19: services.web.persistence: for IPv4 write a mask such as 255'],
    [
      service('persistence: {engine: sup}'),
      '5:27: services.web.persistence.engine: "sup" is no persistence engine (did you mean sip?)',
    ],
    [service('persistence: {engine: sip}'), '5:19: services.web.persistence: the engine sip is for UDP'],
    [service('one_packet: 1'), '5:17: services.web.one_packet: 1 is no yes or no'],
    [service('one_packet: true'), '5:5: services.web: one_packet is for UDP'],
    [service('timeouts: {tcp: x}'), '5:21: services.web.timeouts.tcp: "x" is no time'],
    [service('local_addresses: [x]'), '5:23: services.web.local_addresses[0]: "x" is no IP address'],
    [service('local_addresses: [10.0.0.9]'), '5:5: services.web: local addresses are for servers of full NAT'],
    [service('quorum: {weight: 0}'), '5:22: services.web.quorum.weight: 0 is no whole number'],
    [service('quorum: {hysteresis: x}'), '5:26: services.web.quorum.hysteresis: "x" is no whole number'],
    [
      service('quorum: {weight: 2, hysteresis: 2}'),
      '5:25: services.web.quorum: a hysteresis of 2 can never lose a quorum of 2',
    ],
    [service('sorry_server: 10.0.0.9'), '5:19: services.web.sorry_server: "10.0.0.9" is no set of keys'],
    [service('sorry_server: {weight: 2}'), '5:5: services.web.sorry_server.address: is missing; write an address'],
    [
      service('servers: [{address: 10.1.0.1}]', 'sorry_server: {address: 10.1.0.1}'),
      '6:5: services.web.sorry_server: 10.1.0.1:80 is a server of web already; name another one',
    ],
    [service('notify: {quorum_up: []}'), '5:14: services.web.notify.quorum_up: [] is no command'],
    [service('notify: {quorum_down: 7}'), '5:27: services.web.notify.quorum_down: 7 is no command'],
    [service('servers: {}'), '5:5: services.web.servers: {} is no list of servers; write a list'],
    [service('checks: it'), '5:13: services.web.checks: "it" is no list of checks'],
    [service('checks: [{kind: tcp, port: x}]'), '5:32: services.web.checks[0].port: "x" is no port'],
    [
      'services:\n  a: {address: 10.0.0.1, port: 80}\n  b: {address: 10.0.0.1, port: 80}',
      '3:3: services.b: tcp 10.0.0.1:80 is service a already',
    ],
    ['services: {a: {address: 10.0.0.1, port: 0}}', '1:35: services.a: a service for every port needs persistence'],
  ],
  servers: [
    [service('servers: [{port: 80}]'), '5:15: services.web.servers[0].address: is missing; write an address such as'],
    [server('port: -1'), '7:13: services.web.servers[0].port: -1 is no port'],
    [server('method: direct'), '7:15: services.web.servers[0].method: "direct" is no forwarding method'],
    [
      server('method: dr', 'port: 8080'),
      "8:7: services.web.servers[0]: a server of dr or tunnel gets the service's port 80",
    ],
    [server('weight: -1'), '7:15: services.web.servers[0].weight: -1 is no weight; write a whole number from 0'],
    [server('upper_threshold: x'), '7:24: services.web.servers[0].upper_threshold: "x" is no whole number'],
    [server('lower_threshold: 5'), '7:7: services.web.servers[0]: the lower threshold 5 is above the upper one 0'],
    [
      server('tunnel: {type: gru}'),
      '7:22: services.web.servers[0].tunnel.type: "gru" is no type of tunnel (did you mean',
    ],
    [server('tunnel: {type: gre}'), '7:7: services.web.servers[0]: tunnel goes with method: tunnel'],
    [
      server('method: tunnel', 'tunnel: {type: gue}'),
      '8:16: services.web.servers[0].tunnel: a GUE tunnel needs its port',
    ],
    [
      server('method: tunnel', 'tunnel: {type: gre, port: 1}'),
      '8:27: services.web.servers[0].tunnel: a port goes with type: gue',
    ],
    [
      server('method: tunnel', 'tunnel: {type: gre, checksum: crc}'),
      '8:37: services.web.servers[0].tunnel.checksum: "crc" is no checksum',
    ],
    [
      server('method: tunnel', 'tunnel: {type: ipip, checksum: csum}'),
      '8:28: services.web.servers[0].tunnel: IPIP has no checksum',
    ],
    [
      server('client_address: tao'),
      '7:23: services.web.servers[0].client_address: "tao" is no way (did you mean toa?)',
    ],
    [server('client_address: toa'), '7:7: services.web.servers[0]: client_address is for full NAT of TCP'],
    [server('checks: [nope]'), '7:16: services.web.servers[0].checks[0]: there is no check nope'],
    [server('inhibit_on_failure: x'), '7:27: services.web.servers[0].inhibit_on_failure: "x" is no yes or no'],
    [server('notify: {up: 1}'), '7:20: services.web.servers[0].notify.up: 1 is no command'],
    [server('notify: {down: 1}'), '7:22: services.web.servers[0].notify.down: 1 is no command'],
    [
      service('servers: [{address: fd00::1}]'),
      '5:16: services.web.servers[0]: fd00::1 is of another family than its service',
    ],
    [
      service('servers: [{address: 10.1.0.1}, {address: 10.1.0.1}]'),
      '5:36: services.web.servers[1]: 10.1.0.1:80 is a server of web already',
    ],
  ],
  vrrp: [
    [
      'vrrp: {instances: {VI: {vrid: 1, addresses: [10.0.0.1/24]}}}',
      '1:20: vrrp.instances.VI.interface: is missing; write a name',
    ],
    [
      instance('vrid: 0').replace('      vrid: 51\n', ''),
      '6:13: vrrp.instances.VI.vrid: 0 is no virtual router; write a whole number from 1 to 255',
    ],
    [
      instance().replace('eth0', 'a-name-that-is-too-long'),
      '4:18: vrrp.instances.VI.interface: "a-name-that-is-too-long" is no name of a device',
    ],
    [instance().replace('[10.0.0.100/24]', '[]'), '6:7: vrrp.instances.VI: an instance needs an address'],
    [
      instance().replace('/24', '/33'),
      '6:19: vrrp.instances.VI.addresses[0]: "10.0.0.100/33" is no address with its network',
    ],
    [
      instance().replace('10.0.0.100/24', '{address: 10.0.0.1/24, advertised: 1}'),
      '6:54: vrrp.instances.VI.addresses[0].advertised: 1 is no yes or no',
    ],
    [instance('version: 4'), '7:16: vrrp.instances.VI.version: there is no such version of VRRP; write 2 or 3'],
    [
      instance('priority: 256'),
      '7:17: vrrp.instances.VI.priority: 256 is no priority; write a whole number from 1 to 255',
    ],
    [instance('version: 2', 'advert_interval: 100ms'), '8:7: vrrp.instances.VI: version 2 advertises in whole seconds'],
    [instance('advert_interval: 1ms'), '7:24: vrrp.instances.VI.advert_interval: "1ms" is no time'],
    [instance('preempt: no'), '7:16: vrrp.instances.VI.preempt: "no" is no yes or no'],
    [instance('preempt_delay: 1d'), '7:22: vrrp.instances.VI.preempt_delay: "1d" is no time'],
    [instance('preempt: false', 'preempt_delay: 1s'), '8:7: vrrp.instances.VI: without preemption it has no delay'],
    [instance('down_adverts: 0'), '7:21: vrrp.instances.VI.down_adverts: 0 is no whole number'],
    [instance('source: x'), '7:15: vrrp.instances.VI.source: "x" is no IP address'],
    [instance('peers: ["fd00::1"]'), '7:7: vrrp.instances.VI: fd00::1 is of another family than the addresses'],
    [instance('authentication: {password: ""}'), '7:34: vrrp.instances.VI.authentication.password: "" is no password'],
    [
      instance('authentication: {type: AH, password: x}'),
      '7:30: vrrp.instances.VI.authentication.type: "AH" is no authentication; write one of password',
    ],
    [instance('authentication: {password: much-too-long}'), '7:7: vrrp.instances.VI: of a password eight bytes count'],
    [
      instance('version: 3', 'authentication: {password: x}'),
      '8:7: vrrp.instances.VI: version 3 has no authentication',
    ],
    [instance('garp: {repeat: -1}'), '7:22: vrrp.instances.VI.garp.repeat: -1 is no whole number'],
    [instance('garp: {delay: x}'), '7:21: vrrp.instances.VI.garp.delay: "x" is no time'],
    [instance('garp: {refresh: x}'), '7:23: vrrp.instances.VI.garp.refresh: "x" is no time'],
    [instance('garp: {refresh_repeat: x}'), '7:30: vrrp.instances.VI.garp.refresh_repeat: "x" is no whole number'],
    [
      instance('track: {interfaces: [a/b]}'),
      '7:28: vrrp.instances.VI.track.interfaces[0]: "a/b" is no name of a device',
    ],
    [instance('track: {scripts: [nope]}'), '7:15: vrrp.instances.VI.track.scripts: there is no script nope'],
    [
      instance('track: {services: [{name: w, weight: 300}]}'),
      '7:44: vrrp.instances.VI.track.services[0].weight: 300 is no weight',
    ],
    [instance('track: {services: [w]}'), '7:15: vrrp.instances.VI.track.services: there is no service w'],
    [instance('notify: {master: 1}'), '7:24: vrrp.instances.VI.notify.master: 1 is no command'],
    [
      instance('notify: {bakcup: x}'),
      '7:16: vrrp.instances.VI.notify: there is no key bakcup here (did you mean backup?)',
    ],
    ['vrrp: {scripts: {s: {interval: 1s}}}', '1:18: vrrp.scripts.s.command: is missing; write a program'],
    ['vrrp: {scripts: {s: {command: [x], interval: 0}}}', '1:46: vrrp.scripts.s.interval: 0 is no time'],
    ['vrrp: {scripts: {s: {command: [x], timeout: 0}}}', '1:45: vrrp.scripts.s.timeout: 0 is no time'],
    ['vrrp: {scripts: {s: {command: [x], rise: 0}}}', '1:42: vrrp.scripts.s.rise: 0 is no whole number'],
    ['vrrp: {scripts: {s: {command: [x], fall: 0}}}', '1:42: vrrp.scripts.s.fall: 0 is no whole number'],
    ['vrrp: {scripts: {s: {command: [x], weight: 999}}}', '1:44: vrrp.scripts.s.weight: 999 is no weight'],
    ['vrrp: {groups: {G: {instances: [VI]}}}', '1:33: vrrp.groups.G.instances[0]: there is no instance VI'],
    ['vrrp: {notify_fifo: 7}', '1:21: vrrp.notify_fifo: 7 is no path'],
  ],
  sync: [
    ['sync: {id: 1}', '1:1: sync.interface: is missing; write a name such as eth0'],
    [sync('roles: [slave]'), '3:11: sync.roles[0]: "slave" is no role; write one of master, backup'],
    [sync('id: 256'), '3:7: sync.id: 256 is no synchronization id'],
    [sync('group: here'), '3:10: sync.group: "here" is no IP address'],
    [sync('port: 0'), '3:9: sync.port: 0 is no port'],
    [sync('ttl: 0'), '3:8: sync.ttl: 0 is no whole number'],
    [sync('max_length: 0'), '3:15: sync.max_length: 0 is no whole number'],
  ],
}

for (const [part, cases] of Object.entries(wrongs))
  describe(`what is wrong in ${part} is said with its place and what to write`, () => {
    for (const [text, said] of cases)
      test(`${said || 'nothing'}`, () => {
        const found = complaints(text)
        assert.ok(
          found.some((line) => line.startsWith(`sluice.yaml:${said}`)),
          `${text}\n---\n${found.join('\n') || 'no complaint'}`,
        )
      })
  })

test('a check by the VIP goes there, by a mark that is the same in the next configuration', () => {
  const text = (...more: string[]) =>
    service('method: dr', 'checks: [{kind: http, vip: true}]', `servers: [${more.join(', ')}{address: 10.1.0.1}]`)
  const [one, other] = [text(), text('{address: 10.1.0.2}, ')].map((each) => parseConfig(each, 'x'))
  const target = one?.services[0]?.servers[0]?.checks[0]?.target
  assert.deepEqual(target, {
    address: '10.0.0.1',
    port: 80,
    through: { mark: target?.through?.mark, server: '10.1.0.1' },
  })
  assert.equal((target?.through?.mark ?? 0) >>> 24, 0x53)
  assert.deepEqual(other?.services[0]?.servers.at(-1)?.checks[0]?.target, target)
  assert.deepEqual(
    other?.ways.map(({ key, server }) => [key.fwmark >>> 24, key.family, server.key.address, server.options.method]),
    ['10.1.0.2', '10.1.0.1'].map((address) => [0x53, 'inet', address, 'route']),
  )
  const taken = parseConfig(`${text()}\n  m: {fwmark: ${target?.through?.mark}}`, 'x')
  assert.notEqual(taken.ways[0]?.key.fwmark, target?.through?.mark, 'nor anybody else’s')
})

test('all mistakes are told, in the order of the file', () => {
  assert.deepEqual(
    complaints('services: {web: {address: x, port: 0.5}}\nsync: {id: 999, interface: eth0}\n').map(
      (line) => line.split(': ')[1],
    ),
    ['services.web.address', 'services.web.port', 'sync.id'],
  )
})

test('aliases and merge keys are followed, and mistakes in them are found where they are written', () => {
  const text = 'checks:\n  a: &a {kind: tcp, fall: 2}\n  b: {<<: *a, fall: 5}\n'
  assert.deepEqual(complaints(text), [])
  assert.match(complaints('checks:\n  a: &a {kind: tcp, fall: x}\n  b: *a\n')[0] ?? '', /^sluice\.yaml:2:27: /)
})

test('a line of a command is split as a shell does', () => {
  assert.deepEqual(splitWords(`/bin/x  -a 'b c' "d \\"e" f\\ g ''`), ['/bin/x', '-a', 'b c', 'd "e', 'f g', ''])
  assert.equal(splitWords(`/bin/x 'open`), undefined)
})

test('what a program writes is read again', () => {
  const text = formatConfig({ services: { web: { address: '10.0.0.1', port: 80, slow_start: '30s' } } }, [
    'made by hand',
  ])
  assert.match(text, /^# made by hand\n\nservices:/)
  assert.equal(parseConfig(text, 'x').services[0]?.slowStart, 30_000)
})
