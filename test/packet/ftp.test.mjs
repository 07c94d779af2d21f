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
  networks,
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
/** The server of the next control connection. */
let elsewhere = SERVER

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
  const server = { source: elsewhere, sport: 21, destination: seen.source, dport: seen.sport }
  const up = { ...seen, destination: elsewhere, dport: 21, ttl: 63 }
  const down = { source: VIP, sport: 21, destination: CLIENT, dport: client.sport, ttl: 63 }
  send(elsewhere, 'eth1', { ...server, flags: 'syn ack', seq: 4999, ack: 1000 })
  send(CLIENT, 'eth0', { ...client, flags: 'ack', seq: 1000, ack: 5000 })
  return {
    ...client,
    client,
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

    test('a port that the client announces again: what was there before, and is over, makes way', (t) => {
      const announce = () => {
        const payload = line('PORT 198,18,0,10,200,1')
        const got = send(CLIENT, 'eth0', { ...connect().client, flags: 'ack psh', seq: 1000, ack: 5000, payload })
        assert.equal(got.verdict, Verdict.REDIRECT)
      }
      const child = () => bench.connection(200 * 256 + 1)
      announce()
      assert.equal(child().server.address, SERVER)
      // it ends in CLOSE; and the client's next control connection is another server's
      for (const flags of ['syn ack', 'ack', 'rst'])
        send(CLIENT, 'eth0', { source: CLIENT, destination: VIP, sport: 200 * 256 + 1, dport: 20, flags })
      const before = bench.service(key).servers[0]
      bench.edit((director) => {
        director.editServer(key, { address: SERVER, port: 21 }, { method, weight: 0 })
        director.addServer(key, { address: SERVER2, port: 21 }, { method, weight: 1 })
      })
      t.after(() =>
        bench.edit((director) => {
          director.deleteServer(key, { address: SERVER2, port: 21 })
          director.editServer(key, { address: SERVER, port: 21 }, { method, weight: before.weight })
        }),
      )
      elsewhere = SERVER2
      t.after(() => {
        elsewhere = SERVER
      })
      announce()
      assert.equal(child().server.address, SERVER2)
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

describe('masq, IPv6', () => {
  const [, net] = networks
  before(() => {
    bench = new Bench({ role: 'six' })
    bench.net = net
    key = bench.serve({ port: 21 }, { method: 'masq' }, { address: net.SERVER2, method: 'masq', weight: 0 })
  })
  after(() => bench?.close())

  /** A control connection: what is said on it passes as it is, but for its ends. */
  function control(client = net.CLIENT) {
    const sport = freshPort()
    const up = { source: client, destination: net.VIP, sport, dport: 21 }
    const down = { source: net.SERVER, destination: client, sport: 21, dport: sport }
    const say = (from, device, fields, to, towards, ends) => {
      const got = bench.send(arrives(from, device, packet(fields)), { device })
      assert.equal(got.verdict, Verdict.REDIRECT)
      assertFrame(got.frame, leaves(to, towards, packet({ ...fields, ...ends, ttl: 63 })))
    }
    const hop = client === net.CLIENT ? client : net.ROUTER
    const toServer = (fields) => say(hop, 'eth0', { ...up, ...fields }, 'eth1', net.SERVER, { destination: net.SERVER })
    const toClient = (fields) => say(net.SERVER, 'eth1', { ...down, ...fields }, 'eth0', hop, { source: net.VIP })
    toServer({ flags: 'syn' })
    toClient({ flags: 'syn ack' })
    toServer({ flags: 'ack' })
    return {
      toServer: (text) => toServer({ flags: 'ack psh', payload: line(text) }),
      toClient: (text) => toClient({ flags: 'ack psh', payload: line(text) }),
    }
  }
  const open = (source, dport) => {
    const sport = freshPort()
    const sent = { source, destination: net.VIP, sport, dport }
    return { sent, ...bench.send(arrives(source === net.CLIENT ? source : net.ROUTER, 'eth0', packet(sent))) }
  }

  test('229: the client’s connection to that port reaches the server, once', () => {
    control().toClient('229 Entering Extended Passive Mode (|||50100|)')
    assert.equal(open(net.CLIENT_FAR, 50100).verdict, Verdict.PASS, 'another client')
    assert.equal(open(net.CLIENT, 50101).verdict, Verdict.PASS, 'another port')
    const { sent, frame } = open(net.CLIENT, 50100)
    assertFrame(frame, leaves('eth1', net.SERVER, packet({ ...sent, destination: net.SERVER, ttl: 63 })))
    assert.equal(open(net.CLIENT, 50100).verdict, Verdict.PASS, 'once more')
  })

  test('EPRT: the server’s connection reaches the client as the service’s', () => {
    const port = freshPort()
    control().toServer(`EPRT |2|${net.CLIENT}|${port}|`)
    const syn = { source: net.SERVER, destination: net.CLIENT, sport: 20, dport: port }
    const got = bench.send(arrives(net.SERVER, 'eth1', packet(syn)), { device: 'eth1' })
    assert.equal(got.verdict, Verdict.REDIRECT)
    assertFrame(got.frame, leaves('eth0', net.CLIENT, packet({ ...syn, source: net.VIP, ttl: 63 })))
    const back = { source: net.CLIENT, destination: net.VIP, sport: port, dport: 20, flags: 'syn ack' }
    const answer = bench.send(arrives(net.CLIENT, 'eth0', packet(back)))
    assertFrame(answer.frame, leaves('eth1', net.SERVER, packet({ ...back, destination: net.SERVER, ttl: 63 })))
  })

  test('what is no such line announces nothing', () => {
    const c = control()
    const flows = bench.flows()
    for (const text of [
      'EPRT |2|fd00::10|99999|',
      'EPRT |2|fd00::10|',
      'EPRT |3|fd00::10|5000|',
      'EPRT |2|||',
      'PORT 1,2,3,4,5,6',
      'EPSV ALL',
    ])
      c.toServer(text)
    c.toClient('229 Extended (||||)')
    c.toClient('227 Entering Passive Mode (1,2,3,4,5,6)')
    assert.equal(bench.flows(), flows)
    assert.equal(open(net.CLIENT, 5 * 256 + 6).verdict, Verdict.PASS)
  })
})
