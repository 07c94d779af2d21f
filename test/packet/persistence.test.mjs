// Persistence: which server a client's next connection gets, and the templates that say so.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { arrives, Bench, CLIENT, freshPort, Mac, networks, packet, SERVER, SERVER2, VIP } from '../lib/bench.mjs'

/** @type {Bench} */
let bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench?.close())

const OTHER_CLIENT = '198.18.0.11'
const FAR_CLIENT = '198.18.0.75'
Mac[OTHER_CLIENT] = Mac[CLIENT]
Mac[FAR_CLIENT] = Mac[CLIENT]

const persistence = { timeout: 100 }

/** Both servers, the first of which a round robin takes first: the one added last. */
const two = (more = {}) => [
  { address: SERVER2, method: 'route', ...more },
  { address: SERVER, method: 'route', ...more },
]

const serverByMac = new Map([SERVER, SERVER2].map((address) => [Mac[address], address]))

/** Sends a client's packet; the server that it went to, by the frame's link address, or the verdict. */
function goes({ source = CLIENT, sport = freshPort(), destination = VIP, mark = 0, ...rest }) {
  const { frame, verdict } = bench.send(arrives(source, 'eth0', packet({ source, sport, destination, ...rest })), {
    mark,
  })
  const mac = [...frame.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
  return serverByMac.get(mac) ?? verdict
}

const all = () => bench.within(() => bench.director.connections())

/** The templates, those that have no more use besides. */
const templates = () =>
  all()
    .filter(({ client, virtual }) => client.port === 0 || virtual.port === 65535)
    .map(({ protocol, state, client, virtual, server }) =>
      [protocol, state, ...[client, virtual, server].map(({ address, port }) => `${address}:${port}`)].join(' '),
    )

const serve = (...what) => bench.serve(...what)

test('a client keeps its server for all its connections; another client gets the next one', () => {
  const key = serve({ port: 80, persistence }, ...two())
  assert.deepEqual(
    [1, 2, 3].map(() => goes({ dport: 80 })),
    [SERVER, SERVER, SERVER],
  )
  assert.equal(goes({ dport: 80, source: OTHER_CLIENT }), SERVER2)
  assert.deepEqual(templates(), [
    `tcp NONE ${CLIENT}:0 ${VIP}:80 ${SERVER}:80`,
    `tcp NONE ${OTHER_CLIENT}:0 ${VIP}:80 ${SERVER2}:80`,
  ])
  const { counters, servers } = bench.service(key)
  assert.equal(counters.connections, 4n, 'a template is no connection')
  assert.deepEqual(
    servers.map(({ persistent, active, inactive }) => ({ persistent, active, inactive })),
    [
      { persistent: 1, active: 3, inactive: 0 },
      { persistent: 1, active: 1, inactive: 0 },
    ],
  )
})

test('clients of one network are one client', () => {
  serve({ port: 80, persistence: { timeout: 100, netmask: '255.255.255.192' } }, ...two())
  assert.equal(goes({ dport: 80, source: CLIENT }), SERVER)
  assert.equal(goes({ dport: 80, source: OTHER_CLIENT }), SERVER)
  assert.equal(goes({ dport: 80, source: FAR_CLIENT }), SERVER2)
  assert.deepEqual(templates(), [
    `tcp NONE 198.18.0.0:0 ${VIP}:80 ${SERVER}:80`,
    `tcp NONE 198.18.0.64:0 ${VIP}:80 ${SERVER2}:80`,
  ])
})

test('a template is assured by a connection that is established, or by a reply over UDP', () => {
  serve({ port: 80, persistence }, ...two())
  const sport = freshPort()
  goes({ dport: 80, sport })
  goes({ dport: 80, sport, flags: 'ack' })
  assert.deepEqual(templates(), [`tcp ASSURED ${CLIENT}:0 ${VIP}:80 ${SERVER}:80`])
  serve({ protocol: 'udp', port: 53, persistence }, { method: 'masq' })
  const asked = freshPort()
  goes({ protocol: 'udp', dport: 53, sport: asked })
  const udp = () => templates().filter((line) => line.startsWith('udp'))
  assert.deepEqual(udp(), [`udp NONE ${CLIENT}:0 ${VIP}:53 ${SERVER}:53`])
  bench.send(
    arrives(SERVER, 'eth1', packet({ protocol: 'udp', source: SERVER, destination: CLIENT, sport: 53, dport: asked })),
    { device: 'eth1' },
  )
  assert.deepEqual(udp(), [`udp ASSURED ${CLIENT}:0 ${VIP}:53 ${SERVER}:53`])
})

test('each protocol and each port has its own templates', () => {
  serve({ port: 80, persistence }, ...two())
  serve({ port: 81, persistence }, { address: SERVER, method: 'route' }, { address: SERVER2, method: 'route' })
  serve({ protocol: 'udp', port: 80, persistence }, { address: SERVER2, method: 'route' })
  assert.equal(goes({ dport: 80 }), SERVER)
  assert.equal(goes({ dport: 81 }), SERVER2)
  assert.equal(goes({ dport: 80, protocol: 'udp' }), SERVER2)
  assert.equal(goes({ dport: 80 }), SERVER)
  assert.equal(templates().length, 3)
})

test('a service of every port: one template for all of them, and connections keep their port', () => {
  serve({ port: 0, persistence }, ...two({ port: 0 }))
  assert.deepEqual(
    [80, 443, 22].map((dport) => goes({ dport })),
    [SERVER, SERVER, SERVER],
  )
  assert.equal(goes({ dport: 80, source: OTHER_CLIENT }), SERVER2)
  assert.deepEqual(templates(), [
    `tcp NONE ${CLIENT}:0 ${VIP}:0 ${SERVER}:0`,
    `tcp NONE ${OTHER_CLIENT}:0 ${VIP}:0 ${SERVER2}:0`,
  ])
  const ports = all().filter(({ client }) => client.port !== 0 && client.address === CLIENT)
  assert.deepEqual(
    ports.map(({ virtual, server }) => [virtual.port, server.port]),
    [
      [80, 80],
      [443, 443],
      [22, 22],
    ],
  )
})

test('a service of every port sends nothing to a port that its server was given', () => {
  serve({ port: 0, persistence }, { port: 8080, method: 'masq' })
  goes({ dport: 443 })
  assert.deepEqual(
    all()
      .map(({ server }) => server.port)
      .sort((a, b) => a - b),
    [0, 443],
  )
})

test('a service of the very port comes before one of every port', () => {
  serve({ port: 0, persistence }, { address: SERVER, port: 0, method: 'route' })
  serve({ port: 80 }, { address: SERVER2, method: 'route' })
  assert.equal(goes({ dport: 80 }), SERVER2)
  assert.equal(goes({ dport: 81 }), SERVER)
})

test('FTP: what may be a data connection goes where the control connection went', () => {
  serve({ port: 21, persistence }, ...two({ port: 2121 }))
  assert.equal(goes({ dport: 21 }), SERVER)
  assert.deepEqual(
    [20, 1024, 50000].map((dport) => goes({ dport })),
    [SERVER, SERVER, SERVER],
  )
  assert.equal(goes({ dport: 1023 }), -1, 'another service’s port')
  assert.equal(goes({ dport: 5000, source: OTHER_CLIENT }), SERVER2, 'whichever comes first')
  assert.equal(goes({ dport: 21, source: OTHER_CLIENT }), SERVER2)
  assert.deepEqual(templates(), [
    `tcp NONE ${CLIENT}:0 ${VIP}:0 ${SERVER}:0`,
    `tcp NONE ${OTHER_CLIENT}:0 ${VIP}:0 ${SERVER2}:0`,
  ])
  assert.deepEqual(
    all()
      .filter(({ client }) => client.port !== 0)
      .map(({ virtual, server }) => [virtual.port, server.port]),
    [
      [21, 2121],
      [20, 20],
      [1024, 1024],
      [50000, 50000],
      [5000, 5000],
      [21, 2121],
    ],
  )
})

test('FTP without persistence: only its own port is its', () => {
  serve({ port: 21 }, ...two())
  assert.equal(goes({ dport: 21 }), SERVER)
  assert.equal(goes({ dport: 5000 }), -1)
})

test('a quiesced server keeps its clients, and loses them with expire_quiescent_template', () => {
  const key = serve({ port: 80, persistence }, ...two())
  assert.equal(goes({ dport: 80 }), SERVER)
  bench.edit((director) => director.editServer(key, { address: SERVER, port: 80 }, { method: 'route', weight: 0 }))
  assert.equal(goes({ dport: 80 }), SERVER)
  bench.edit((director) => director.setSysctl('expire_quiescent_template', '1'))
  assert.equal(goes({ dport: 80 }), SERVER2)
  assert.deepEqual(templates(), [
    `tcp NONE ${CLIENT}:0 ${VIP}:65535 ${SERVER}:65535`,
    `tcp NONE ${CLIENT}:0 ${VIP}:80 ${SERVER2}:80`,
  ])
  assert.deepEqual(
    bench.service(key).servers.map(({ persistent }) => persistent),
    [1, 1],
  )
})

test('a deleted server’s template serves no more once a packet has seen it', () => {
  const key = serve({ port: 80, persistence }, ...two())
  const remove = (address) => bench.edit((director) => director.deleteServer(key, { address, port: 80 }))
  const add = (address) =>
    bench.edit((director) => director.addServer(key, { address, port: 80 }, { method: 'route', weight: 1 }))
  assert.equal(goes({ dport: 80 }), SERVER)
  remove(SERVER)
  add(SERVER)
  assert.equal(goes({ dport: 80 }), SERVER, 'nobody saw it away')
  remove(SERVER)
  assert.equal(goes({ dport: 80 }), SERVER2)
  add(SERVER)
  assert.equal(goes({ dport: 80 }), SERVER2)
})

test('an overloaded server keeps its clients', () => {
  const [, last] = two()
  serve({ port: 80, persistence }, two()[0], { ...last, upperThreshold: 1 })
  assert.deepEqual(
    [1, 2].map(() => goes({ dport: 80 })),
    [SERVER, SERVER],
  )
  assert.equal(goes({ dport: 80, source: OTHER_CLIENT }), SERVER2)
})

test('no server: an ICMP error, and no template', () => {
  serve({ port: 80, persistence })
  assert.deepEqual(
    bench.counted(() => goes({ dport: 80 })),
    { NO_SERVER: 1 },
  )
  assert.deepEqual(all(), [])
})

test('a SYN on a persistent connection that is over goes on in it', () => {
  const key = serve({ port: 80, persistence }, ...two())
  const sport = freshPort()
  for (const flags of ['syn', 'ack', 'rst']) goes({ dport: 80, sport, flags })
  assert.equal(bench.connection(sport).state, 'CLOSE')
  assert.equal(goes({ dport: 80, sport }), SERVER)
  assert.equal(bench.connection(sport).state, 'SYN_RECV')
  assert.equal(bench.service(key).counters.connections, 1n)
})

test('persistence switched off leaves templates that serve again when it is switched on', () => {
  const key = serve({ port: 80, persistence }, ...two())
  const set = (options) => bench.edit((director) => director.editService(key, { scheduler: 'rr', ...options }))
  assert.equal(goes({ dport: 80 }), SERVER)
  set({})
  assert.deepEqual(
    [1, 2].map(() => goes({ dport: 80 })),
    [SERVER2, SERVER],
  )
  set({ persistence: { timeout: 50 } })
  assert.deepEqual(
    [1, 2].map(() => goes({ dport: 80 })),
    [SERVER, SERVER],
  )
})

test('a template outlives its connections, by 60 seconds a time', async () => {
  const key = serve({ protocol: 'udp', port: 53, persistence: { timeout: 1 } }, ...two())
  bench.setTimeout('UDP', 3)
  goes({ protocol: 'udp', dport: 53 })
  const [template] = [...bench.table.connections()].filter(({ connection }) => connection.cport === 0)
  assert.equal(template.connection.children, 1)
  while (template.connection.parent === 1) await sleep(20)
  assert.equal(template.connection.parent, 60, 'also after its next connection')
  assert.deepEqual(
    bench.service(key).servers.map(({ persistent, inactive }) => [persistent, inactive]),
    [
      [1, 1],
      [0, 0],
    ],
  )
  while (template.connection.children > 0) await sleep(20)
  assert.equal(goes({ protocol: 'udp', dport: 53 }), SERVER)
  assert.equal(template.connection.children, 1)
  assert.equal(templates().length, 1)
})

test('a template ends its timeout after its last connection was made', async () => {
  const key = serve({ protocol: 'udp', port: 53, persistence: { timeout: 2 } }, ...two())
  bench.setTimeout('UDP', 1)
  goes({ protocol: 'udp', dport: 53 })
  while (all().length > 0) await sleep(20)
  assert.deepEqual(
    bench.service(key).servers.map(({ persistent, inactive }) => [persistent, inactive]),
    [
      [0, 0],
      [0, 0],
    ],
  )
  assert.equal(bench.flows(), 0)
  assert.equal(goes({ protocol: 'udp', dport: 53 }), SERVER2, 'a client like any other')
})

test('a service by firewall mark takes every protocol and port, and packets without its mark none', () => {
  serve({ fwmark: 7 }, ...two({ port: 0 }))
  assert.deepEqual(
    [80, 443].map((dport) => goes({ dport, mark: 7 })),
    [SERVER, SERVER2],
  )
  assert.equal(goes({ dport: 53, protocol: 'udp', mark: 7 }), SERVER)
  assert.equal(goes({ dport: 80 }), -1)
  assert.equal(goes({ dport: 80, mark: 8 }), -1)
})

test('a mark comes before the address', () => {
  serve({ fwmark: 7 }, { address: SERVER, port: 0, method: 'route' })
  serve({ port: 80 }, { address: SERVER2, method: 'route' })
  assert.equal(goes({ dport: 80, mark: 7 }), SERVER)
  assert.equal(goes({ dport: 80 }), SERVER2)
  assert.equal(goes({ dport: 80, mark: 9 }), SERVER2, 'a mark without a service')
})

test('a server’s own port by mark: taken without persistence, not with it', () => {
  serve({ fwmark: 7 }, { port: 8080, method: 'masq' })
  serve({ fwmark: 8, persistence }, { port: 8080, method: 'masq' })
  goes({ dport: 80, mark: 7 })
  goes({ dport: 81, mark: 8 })
  assert.deepEqual(
    all()
      .filter(({ client }) => client.port !== 0)
      .map(({ virtual, server }) => [virtual.port, server.port]),
    [
      [80, 8080],
      [81, 81],
    ],
  )
})

test('one template by mark for all protocols, ports and addresses', () => {
  const key = serve({ fwmark: 7, persistence }, ...two({ port: 0 }))
  assert.equal(goes({ dport: 80, mark: 7 }), SERVER)
  assert.equal(goes({ dport: 53, protocol: 'udp', mark: 7 }), SERVER)
  assert.equal(goes({ dport: 80, destination: '198.18.0.1', mark: 7 }), SERVER)
  assert.equal(goes({ dport: 80, source: OTHER_CLIENT, mark: 7 }), SERVER2)
  assert.deepEqual(templates(), [
    `ip NONE ${CLIENT}:0 0.0.0.7:0 ${SERVER}:0`,
    `ip NONE ${OTHER_CLIENT}:0 0.0.0.7:0 ${SERVER2}:0`,
  ])
  assert.deepEqual(
    bench.service(key).servers.map(({ persistent }) => persistent),
    [1, 1],
  )
})

test('IPv6: clients of one prefix are one client, by address and by mark', () => {
  const { VIP: VIP6, SERVER: S1, SERVER2: S2 } = networks[1]
  const [near, far] = ['fd00::1:10', 'fd00::2:10']
  for (const client of [near, far]) Mac[client] = Mac[CLIENT]
  serverByMac.set(Mac[S1], S1).set(Mac[S2], S2)
  const servers = [
    { address: S2, method: 'route' },
    { address: S1, method: 'route' },
  ]
  serve({ address: VIP6, port: 80, persistence: { timeout: 100, netmask: '112' } }, ...servers)
  const at = (source, more) => goes({ source, destination: VIP6, dport: 80, ...more })
  const same = near.replace(/10$/, '11')
  Mac[same] = Mac[CLIENT]
  assert.deepEqual([at(near), at(same), at(near)], [S1, S1, S1])
  assert.equal(at(far), S2)
  bench.edit((director) => {
    director.addService({ fwmark: 9, family: 'inet6' }, { scheduler: 'rr', persistence: { timeout: 50 } })
    director.addServer({ fwmark: 9, family: 'inet6' }, { address: S1, port: 0 }, { method: 'route', weight: 1 })
  })
  assert.equal(at(near, { mark: 9, dport: 81 }), S1)
  assert.deepEqual(templates(), [
    `tcp NONE fd00::1:0:0 ${VIP6}:80 ${S1}:80`,
    `tcp NONE fd00::2:0:0 ${VIP6}:80 ${S2}:80`,
    `ip NONE ${near}:0 0:9:::0 ${S1}:0`,
  ])
})
