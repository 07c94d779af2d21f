// FTP through NAT and full NAT, packet by packet: announced data connections, and the numbers of the control connection.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  arrives,
  Bench,
  CLIENT,
  CLIENT_FAR,
  DIRECTOR,
  freshPort,
  leaves,
  packet,
  SERVER,
  SERVER2,
  Verdict,
  VIP,
} from '../lib/bench.mjs'
import { assertFrame } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
let key
/** @type {'masq' | 'fullnat'} */
let method

const commas = (address, port) => `${address.replaceAll('.', ',')},${port >> 8},${port & 255}`
const line = (text) => Buffer.from(`${text}\r\n`)

/** A packet that leaves, as `[source, sport, destination, dport]` and the rest. */
function send(host, device, fields) {
  const got = bench.send(arrives(host, device, packet(fields)), { device })
  return { ...got, sport: got.frame.readUInt16BE(34), dport: got.frame.readUInt16BE(36) }
}

/** A control connection, its handshake gone through. */
function connect() {
  const client = { source: CLIENT, destination: VIP, sport: freshPort(), dport: 21 }
  const first = send(CLIENT, 'eth0', { ...client, flags: 'syn', seq: 999 })
  assert.equal(first.verdict, Verdict.REDIRECT)
  const seen = method === 'masq' ? { source: CLIENT, sport: client.sport } : { source: DIRECTOR, sport: first.sport }
  const server = { source: SERVER, sport: 21, destination: seen.source, dport: seen.sport }
  const up = { ...seen, destination: SERVER, dport: 21, ttl: 63 }
  const down = { source: VIP, sport: 21, destination: CLIENT, dport: client.sport, ttl: 63 }
  send(SERVER, 'eth1', { ...server, flags: 'syn ack', seq: 4999, ack: 1000 })
  send(CLIENT, 'eth0', { ...client, flags: 'ack', seq: 1000, ack: 5000 })
  return {
    ...client,
    seen,
    assertUp(fields, expected, what) {
      const got = send(CLIENT, 'eth0', { flags: 'ack psh', ...client, ...fields })
      assert.equal(got.verdict, Verdict.REDIRECT)
      assertFrame(got.frame, leaves('eth1', SERVER, packet({ flags: 'ack psh', ...fields, ...up, ...expected })), what)
    },
    assertDown(fields, expected, what) {
      const got = send(SERVER, 'eth1', { flags: 'ack psh', ...server, ...fields })
      assert.equal(got.verdict, Verdict.REDIRECT)
      assertFrame(
        got.frame,
        leaves('eth0', CLIENT, packet({ flags: 'ack psh', ...fields, ...down, ...expected })),
        what,
      )
    },
  }
}

/** The client opens a data connection to the VIP; it reaches the server at `port`. */
function assertOpens(client, port, dport = port) {
  const got = send(client, 'eth0', { source: client, destination: VIP, sport: freshPort(), dport: port })
  assert.equal(got.verdict, Verdict.REDIRECT)
  assert.equal([...got.frame.subarray(30, 34)].join('.'), SERVER)
  assert.equal(got.dport, dport)
  return got
}

for (const each of ['masq', 'fullnat'])
  describe(each, () => {
    before(() => {
      method = each
      bench = new Bench({ role: each })
      key = bench.serve({ port: 21, ...(each === 'fullnat' ? { localAddresses: [DIRECTOR] } : {}) }, { method: each })
    })
    after(() => bench?.close())

    test('227: the client is told of the virtual service, and its connection reaches the server', () => {
      const c = connect()
      const told = (address) => line(`227 Entering Passive Mode (${commas(address, 50000)}).`)
      const [from, to] = [told(SERVER), told(VIP)]
      const more = to.length - from.length
      assert.notEqual(more, 0, 'the lengths differ, or nothing is shown')
      c.assertDown({ seq: 5000, ack: 1006, payload: from }, { payload: to }, '227')
      c.assertDown({ seq: 5000, ack: 1006, payload: from }, { payload: to }, '227 sent again')
      c.assertUp({ flags: 'ack', seq: 1006, ack: 5000 }, {}, 'nothing acknowledged')
      c.assertUp({ flags: 'ack', seq: 1006, ack: 5000 + to.length }, { ack: 5000 + from.length }, 'acknowledged')
      c.assertDown(
        { seq: 5000 + from.length, ack: 1006, payload: line('150 Here') },
        { seq: 5000 + to.length },
        'after it',
      )
      assertOpens(CLIENT, 50000)
      // another 227: both changes count from then on
      const second = 5000 + from.length + 100
      const again = { seq: second, ack: 1006, payload: told(SERVER) }
      c.assertDown(again, { seq: second + more, payload: to }, 'a second one')
      c.assertDown(
        { seq: second + from.length, ack: 1006, payload: line('226 Done') },
        { seq: second + from.length + 2 * more },
        'after the second one',
      )
    })

    test('a data connection is counted on its control connection, and at its server', () => {
      const c = connect()
      const { connections } = bench.service(key).counters
      c.assertDown(
        { seq: 5000, ack: 1006, payload: line('229 Extended Passive Mode (|||50001|)') },
        {},
        '229: no address in it',
      )
      assertOpens(CLIENT, 50001)
      assert.equal(bench.service(key).counters.connections, connections, 'nothing was scheduled')
      const children = []
      for (const { id, connection } of bench.table.connections())
        if (connection.cport === c.sport) children.push(id, connection.children)
      assert.equal(children[1], 1)
    })

    test('what was announced holds once, for that client and that port', () => {
      const c = connect()
      c.assertDown({ seq: 5000, ack: 1006, payload: line('229 Extended Passive Mode (|||50002|)') }, {}, '229')
      const opens = (source, dport) =>
        bench.send(arrives(source, 'eth0', packet({ source, destination: VIP, sport: freshPort(), dport }))).verdict
      assert.equal(opens(CLIENT_FAR, 50002), Verdict.PASS, 'another client')
      assert.equal(opens(CLIENT, 50003), Verdict.PASS, 'another port')
      assertOpens(CLIENT, 50002)
      assert.equal(opens(CLIENT, 50002), Verdict.PASS, 'once more')
    })

    for (const [name, text] of [
      ['PORT', (address, port) => `PORT ${commas(address, port)}`],
      ['EPRT', (address, port) => `EPRT |1|${address}|${port}|`],
    ])
      test(`${name}: the server’s connection reaches the client`, () => {
        const c = connect()
        const port = freshPort()
        const payload = line(text(CLIENT, port))
        // where the server is told of a local port instead, it is read from the line that leaves
        const got = send(CLIENT, 'eth0', {
          source: CLIENT,
          destination: VIP,
          sport: c.sport,
          dport: 21,
          flags: 'ack psh',
          seq: 1000,
          ack: 5000,
          payload,
        })
        const said = got.frame.subarray(54).toString()
        const found = (name === 'PORT' ? /(\d+),(\d+)\r\n$/ : /\|(\d+)\|\r\n$/).exec(said)
        const lport = name === 'PORT' ? Number(found[1]) * 256 + Number(found[2]) : Number(found[1])
        const target = each === 'masq' ? CLIENT : DIRECTOR
        c.assertUp({ seq: 1000, ack: 5000, payload }, { payload: line(text(target, lport)) }, name)
        if (each === 'masq') assert.equal(lport, port)
        const more = line(text(target, lport)).length - payload.length
        c.assertUp(
          { seq: 1000 + payload.length, ack: 5000, payload: line('LIST') },
          { seq: 1000 + payload.length + more },
          'after it',
        )
        c.assertDown(
          { seq: 5000, ack: 1000 + payload.length + more, payload: line('200 OK') },
          { ack: 1000 + payload.length },
          'acknowledged',
        )
        const data = { source: SERVER, destination: target, sport: 20, dport: lport }
        const syn = send(SERVER, 'eth1', data)
        assert.equal(syn.verdict, Verdict.REDIRECT)
        const sent = { source: VIP, destination: CLIENT, sport: 20, dport: port, ttl: 63 }
        assertFrame(syn.frame, leaves('eth0', CLIENT, packet({ ...data, ...sent })), 'the server’s SYN')
        const back = { source: CLIENT, destination: VIP, sport: port, dport: 20, flags: 'syn ack' }
        const answer = send(CLIENT, 'eth0', back)
        assertFrame(
          answer.frame,
          leaves('eth1', SERVER, packet({ ...back, source: target, destination: SERVER, sport: lport, ttl: 63 })),
          'the client’s answer',
        )
      })

    test('PORT with another host’s address opens nothing', () => {
      const c = connect()
      const flows = bench.flows()
      c.assertUp({ seq: 1000, ack: 5000, payload: line(`PORT ${commas(CLIENT_FAR, 22)}`) }, {}, 'as it is')
      assert.equal(bench.flows(), flows)
    })

    test('227 with an address that is neither the server’s nor the service’s stays as it is', () => {
      const c = connect()
      const payload = line(`227 Entering Passive Mode (${commas(SERVER2, 50009)})`)
      c.assertDown({ seq: 5000, ack: 1006, payload }, {}, 'as it is')
      const payloads = [
        '227 Entering Passive Mode (1,2,3)',
        '227 ()',
        '227 Entering',
        '229 (|||)',
        `227 ${'9'.repeat(60)}`,
      ]
      for (const text of payloads) c.assertDown({ seq: 5100, ack: 1006, payload: line(text) }, {}, text)
    })
  })
