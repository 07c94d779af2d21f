// TCP's states as a director sees them, each transition of the specification's three tables that packets can reach.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SluiceState } from '../../dist/datapath/index.js'
import { arrives, Bench, CLIENT, freshPort, packet, SERVER, Verdict, VIP } from '../lib/bench.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

const names = {
  NO: 'NONE',
  ES: 'ESTABLISHED',
  SS: 'SYN_SENT',
  SR: 'SYN_RECV',
  FW: 'FIN_WAIT',
  TW: 'TIME_WAIT',
  CL: 'CLOSE',
  CW: 'CLOSE_WAIT',
  LA: 'LAST_ACK',
  LI: 'LISTEN',
  SA: 'SYNACK',
}
const columns = ['NO', 'ES', 'SS', 'SR', 'FW', 'TW', 'CL', 'CW', 'LA', 'LI', 'SA']

/** The tables as they stand in the specification: rows by flag, columns by the state before. */
const tables = {
  input: {
    syn: 'SR ES ES SR SR SR SR SR SR SR SR',
    fin: 'CL CW SS TW TW TW CL CW LA LI TW',
    ack: 'ES ES SS ES FW TW CL CW CL LI ES',
    rst: 'CL CL CL SR CL CL CL CL LA LI SR',
  },
  output: {
    syn: 'SS ES SS SR SS SS SS SS SS LI SR',
    fin: 'TW FW SS TW FW TW CL TW LA LI TW',
    ack: 'ES ES SS ES FW TW CL CW LA ES ES',
    rst: 'CL CL SS CL CL TW CL CL CL CL CL',
  },
  inputOnly: {
    syn: 'SR ES ES SR SR SR SR SR SR SR SR',
    fin: 'CL FW SS TW FW TW CL CW LA LI TW',
    ack: 'ES ES SS ES FW TW CL CW CL LI ES',
    rst: 'CL CL CL SR CL CL CL CL LA LI CL',
  },
}

const timeouts = {
  ...{ NONE: 2, ESTABLISHED: 900, SYN_SENT: 120, SYN_RECV: 60, FIN_WAIT: 120, TIME_WAIT: 120 },
  ...{ CLOSE: 10, CLOSE_WAIT: 60, LAST_ACK: 30, LISTEN: 120, SYNACK: 120 },
}
const active = new Set(['ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'SYNACK'])

const flagsOf = { syn: 'syn', fin: 'fin ack', ack: 'ack', rst: 'rst ack' }

/** The state after an event. @param {'client' | 'server' | 'clientOnly'} side */
function next(state, side, event) {
  const table = { client: tables.input, server: tables.output, clientOnly: tables.inputOnly }[side]
  return table[event].split(' ')[columns.indexOf(state)]
}

/** The shortest way to every state that a connection can get into, as events from its first SYN on. */
function ways(sides) {
  const found = new Map([['SR', []]])
  const queue = ['SR']
  for (const state of queue) {
    for (const side of sides) {
      for (const event of ['syn', 'fin', 'ack', 'rst']) {
        // a client's SYN starts another connection here: see below
        if (event === 'syn' && side !== 'server' && (state === 'TW' || state === 'CL')) continue
        const to = next(state, side, event)
        if (found.has(to)) continue
        found.set(to, [...found.get(state), [side, event]])
        queue.push(to)
      }
    }
  }
  return found
}

for (const [method, sides] of [
  ['masq', ['client', 'server']],
  ['route', ['clientOnly']],
  ['tunnel', ['clientOnly']],
]) {
  describe(`${method}: from each state, each event of each side`, () => {
    let key
    before(() => {
      key = bench.serve({ port: 80 }, { method })
    })
    after(() => bench.stop(key))

    const step = (sport, side, event) => {
      const flags = flagsOf[event]
      const data =
        side === 'server'
          ? arrives(SERVER, 'eth1', packet({ source: SERVER, destination: CLIENT, sport: 80, dport: sport, flags }))
          : arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport: 80, flags }))
      const got = bench.send(data, { device: side === 'server' ? 'eth1' : 'eth0' })
      assert.equal(got.verdict, Verdict.REDIRECT)
    }
    const reached = ways(sides)

    test('every state that IPVS can reach here is reached', () => {
      const expected = method === 'masq' ? ['CL', 'CW', 'ES', 'FW', 'SR', 'SS', 'TW'] : ['CL', 'ES', 'FW', 'SR', 'TW']
      assert.deepEqual([...reached.keys()].sort(), expected)
    })

    for (const [state, way] of reached) {
      for (const side of sides) {
        for (const event of ['syn', 'fin', 'ack', 'rst']) {
          if (event === 'syn' && side !== 'server' && (state === 'TW' || state === 'CL')) continue
          const wanted = names[next(state, side, event)]
          test(`${names[state]}, ${event} from the ${side === 'server' ? 'server' : 'client'}: ${wanted}`, () => {
            const sport = freshPort()
            const before_ = bench.service(key).servers[0]
            step(sport, 'client', 'syn')
            for (const [by, what] of way) step(sport, by, what)
            assert.equal(bench.connection(sport).state, names[state])
            step(sport, side, event)
            const { state: got, expires } = bench.connection(sport)
            assert.equal(got, wanted)
            // every packet starts the state's time anew
            assert.ok(expires <= timeouts[got] && expires >= timeouts[got] - 2, `${got} expires in ${expires} s`)
            const after_ = bench.service(key).servers[0]
            const counts = [after_.active - before_.active, after_.inactive - before_.inactive]
            assert.deepEqual(counts, active.has(got) ? [1, 0] : [0, 1], 'active and inactive')
          })
        }
      }
    }

    for (const state of ['TW', 'CL']) {
      test(`${names[state]}, syn from the client: another connection, scheduled at once`, () => {
        const sport = freshPort()
        step(sport, 'client', 'syn')
        for (const [by, what] of reached.get(state)) step(sport, by, what)
        assert.equal(bench.connection(sport).state, names[state])
        const { counters } = bench.service(key)
        const counted = bench.counted(() => step(sport, 'client', 'syn'))
        assert.deepEqual(counted, { REUSED: 1 })
        assert.equal(bench.connection(sport).state, 'SYN_RECV')
        assert.equal(bench.service(key).counters.connections, counters.connections + 1n)
      })
    }

    for (const state of [...reached.keys()].filter((each) => each !== 'TW' && each !== 'CL')) {
      test(`${names[state]}, syn from the client: the same connection, the same server`, () => {
        const sport = freshPort()
        step(sport, 'client', 'syn')
        for (const [by, what] of reached.get(state)) step(sport, by, what)
        const { counters } = bench.service(key)
        assert.deepEqual(
          bench.counted(() => step(sport, 'client', 'syn')),
          {},
        )
        assert.equal(bench.service(key).counters.connections, counters.connections)
      })
    }

    test('one flag weighs most: RST, then SYN, then FIN, then ACK', () => {
      for (const [flags, wanted] of [
        ['syn ack', 'ESTABLISHED'],
        ['rst fin ack', 'CLOSE'],
        ['rst syn', 'CLOSE'],
        ['syn fin ack', 'ESTABLISHED'],
        ['fin', method === 'masq' ? 'CLOSE_WAIT' : 'FIN_WAIT'],
      ]) {
        const sport = freshPort()
        step(sport, 'client', 'syn')
        step(sport, 'client', 'ack')
        bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport: 80, flags })))
        assert.equal(bench.connection(sport).state, wanted, flags)
      }
    })

    test('a segment without any of them closes', () => {
      const sport = freshPort()
      step(sport, 'client', 'syn')
      bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport: 80, flags: 'psh' })))
      assert.equal(bench.connection(sport).state, 'CLOSE')
    })
  })
}

test('UDP has one state and is inactive for life, whoever sends', (t) => {
  const key = bench.serve({ protocol: 'udp', port: 53 }, {})
  t.after(() => bench.stop(key))
  const sport = freshPort()
  for (let i = 0; i < 5; i += 1) {
    bench.send(arrives(CLIENT, 'eth0', packet({ protocol: 'udp', source: CLIENT, destination: VIP, sport, dport: 53 })))
    const reply = packet({ protocol: 'udp', source: SERVER, destination: CLIENT, sport: 53, dport: sport })
    bench.send(arrives(SERVER, 'eth1', reply), { device: 'eth1' })
    const { state, expires, protocol } = bench.connection(sport)
    assert.deepEqual([protocol, state], ['udp', 'UDP'])
    assert.ok(expires <= 300 && expires >= 298)
    const { active: up, inactive } = bench.service(key).servers[0]
    assert.deepEqual([up, inactive], [0, 1])
  }
})

test('a timeout that was set is what the next packet gets', (t) => {
  const key = bench.serve({ port: 81 }, {})
  t.after(() => {
    bench.stop(key)
    bench.edit((director) => director.setTimeouts({ tcp: 900, tcpFin: 120, udp: 300 }))
  })
  const sport = freshPort()
  const send = (flags) =>
    bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport: 81, flags })))
  send('syn')
  send('ack')
  const near = (seconds) => {
    const { expires } = bench.connection(sport)
    assert.ok(expires <= seconds && expires >= seconds - 2, `${expires} s for ${seconds}`)
  }
  near(900)
  bench.edit((director) => director.setTimeouts({ tcp: 77 }))
  near(900)
  send('ack')
  near(77)
  // 0 keeps
  bench.edit((director) => director.setTimeouts({ tcp: 0, tcpFin: 55, udp: 0 }))
  assert.deepEqual(
    bench.edit((director) => director.timeouts()),
    { tcp: 77, tcpFin: 55, udp: 300 },
  )
  assert.equal(bench.table.settings.timeout(SluiceState.TIME_WAIT), 120)
})
