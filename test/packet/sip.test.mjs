// The persistence engine sip: which server a call's messages get. What is read as a Call-ID, and what not, is what kernel
// IPVS answered to the same datagrams.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { arrives, Bench, CLIENT, freshPort, Mac, packet, SERVER, SERVER2, VIP } from '../lib/bench.mjs'

/** @type {Bench} */
let bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench?.close())

const OTHER_CLIENT = '198.18.0.11'
Mac[OTHER_CLIENT] = Mac[CLIENT]

const persistence = { timeout: 100, engine: 'sip' }
const servers = [
  { address: SERVER2, method: 'route' },
  { address: SERVER, method: 'route' },
]
const serve = (more = {}) => bench.serve({ protocol: 'udp', port: 5060, persistence, ...more }, ...servers)
const serverByMac = new Map([SERVER, SERVER2].map((address) => [Mac[address], address]))

/** Sends a datagram; the server that it went to, or the verdict. */
function goes(text, { source = CLIENT, sport = freshPort() } = {}) {
  const payload = Buffer.from(text, 'latin1')
  const datagram = packet({ protocol: 'udp', source, destination: VIP, sport, dport: 5060, payload })
  const { frame, verdict } = bench.send(arrives(source, 'eth0', datagram))
  const mac = [...frame.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
  return serverByMac.get(mac) ?? verdict
}

const invite = (call, header = 'Call-ID') => `INVITE sip:a@b SIP/2.0\r\nVia: x\r\n${header}: ${call}\r\nCSeq: 1\r\n\r\n`
const connections = () => bench.within(() => bench.director.connections())
const calls = () => connections().flatMap(({ engine, server }) => (engine ? [[engine.data, server.address]] : []))

test('a call keeps its server whatever port its messages come from; another call gets the next one', () => {
  const key = serve()
  assert.deepEqual(
    ['one@host', 'one@host', 'two@host', 'one@host', 'two@host'].map((call) => goes(invite(call))),
    [SERVER, SERVER, SERVER2, SERVER, SERVER2],
  )
  assert.deepEqual(calls(), [
    ['one@host', SERVER],
    ['two@host', SERVER2],
  ])
  assert.deepEqual(
    connections().find(({ engine }) => engine),
    {
      ...{ protocol: 'udp', state: 'NONE', expires: 99, engine: { name: 'sip', data: 'one@host' } },
      client: { address: CLIENT, port: 0 },
      virtual: { address: VIP, port: 5060 },
      server: { address: SERVER, port: 5060 },
    },
  )
  assert.deepEqual(
    bench.service(key).servers.map(({ persistent }) => persistent),
    [1, 1],
  )
})

test('calls of the same name from other clients are other calls, unless a netmask makes them one', () => {
  const key = serve()
  assert.deepEqual(
    [CLIENT, OTHER_CLIENT].map((source) => goes(invite('same'), { source })),
    [SERVER, SERVER2],
  )
  bench.edit((director) =>
    director.editService(key, { scheduler: 'rr', persistence: { ...persistence, netmask: '0.0.0.0' } }),
  )
  const [first, second] = [CLIENT, OTHER_CLIENT].map((source) => goes(invite('same'), { source }))
  assert.equal(first, second)
})

test('a message of another call in a flow that has a connection stays there', () => {
  serve()
  const sport = freshPort()
  assert.equal(goes(invite('one'), { sport }), SERVER)
  assert.equal(goes(invite('two'), { sport }), SERVER)
  assert.equal(goes(invite('two')), SERVER2)
})

test('with one-packet scheduling every message goes where its call does', () => {
  serve({ onePacket: true })
  const sport = freshPort()
  assert.deepEqual(
    ['one', 'two', 'one', 'two'].map((call) => goes(invite(call), { sport })),
    [SERVER, SERVER2, SERVER, SERVER2],
  )
  assert.equal(connections().length, 2)
})

test('without persistence the engine changes nothing', () => {
  serve({ persistence: { timeout: 0, engine: 'sip' } })
  assert.deepEqual([goes('nothing'), goes(invite('one')), goes(invite('one'))], [SERVER, SERVER2, SERVER])
})

test('a call whose server was deleted gets another one, and its old template is still shown with its call', () => {
  const key = serve()
  assert.equal(goes(invite('one')), SERVER)
  bench.edit((director) => director.deleteServer(key, { address: SERVER, port: 5060 }))
  assert.equal(goes(invite('one')), SERVER2)
  assert.deepEqual(calls(), [
    ['one', SERVER],
    ['one', SERVER2],
  ])
})

test('a template that ends is forgotten with its call', async () => {
  serve({ persistence: { ...persistence, timeout: 2 } })
  bench.setTimeout('UDP', 1)
  assert.equal(goes(invite('one')), SERVER)
  while (connections().length > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(goes(invite('one')), SERVER2)
  assert.deepEqual(calls(), [['one', SERVER2]])
})

const long = 'q'.repeat(255)

describe('read as a call', () => {
  const read = {
    'its short name': [invite('i1@h', 'i'), 'i1@h'],
    'letters of either case': [invite('ABC@host', 'CALL-id'), 'ABC@host'],
    'no spaces after the colon': ['X y\r\nCall-ID:a\r\n', 'a'],
    'spaces around the colon, lines that end by LF': ['X y\nCall-ID :  tab@x\n', 'tab@x'],
    '255 bytes': [invite(long), long],
    'after an empty line': ['X y\r\n\r\nCall-ID: body@x\r\n', 'body@x'],
    'the second one where the first is empty': ['X y\r\nCall-ID: &\r\nCall-ID: third@x\r\n', 'third@x'],
    'all that RFC 3261 allows in a word': [
      invite('aZ09-.!%*_+`\'~()<>:\\"/[]?{}@b'),
      'aZ09-.!%*_+`\'~()<>:\\"/[]?{}@b',
    ],
    'after a header that begins alike': ['X y\r\nCall-Info: z\r\nIn: y\r\nCall-ID: a\r\n', 'a'],
    'not in a line that goes on': ['X y\r\nVia: x\r\n Call-ID: no\r\nCall-ID: yes\r\n', 'yes'],
    'after 1,400 bytes': [`X y\r\nVia: ${'x'.repeat(1400)}\r\nCall-ID: far\r\n`, 'far'],
  }
  for (const [name, [text, call]] of Object.entries(read)) {
    test(name, () => {
      serve()
      assert.equal(goes(text), SERVER)
      assert.deepEqual(calls(), [[call, SERVER]])
    })
  }
})

test('not read as a call: dropped and counted', () => {
  serve()
  const none = {
    'something after it': invite('sp ace'),
    'an empty one': invite(''),
    'no message at all': 'nothing',
    'an empty datagram': '',
    '256 bytes': invite(`${long}q`),
    'nothing after @': invite('a@'),
    'two @': invite('a@b@c'),
    'what no word has': invite('ab&c'),
    'no end of the line': 'X y\r\nCall-ID: last@x',
    'the first line': 'Call-ID: first@x\r\n\r\n',
    'a name without a colon, whatever follows': 'X y\r\nCall-ID x\r\nCall-ID: second@x\r\n',
  }
  for (const [name, text] of Object.entries(none)) {
    const counted = bench.counted(() => assert.equal(goes(text), 2, name))
    assert.deepEqual(counted, { NO_CALL: 1 }, name)
  }
  assert.deepEqual(connections(), [])
})
