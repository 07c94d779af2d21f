// The parameters net.ipv4.vs.* that packets see, and timeouts of a service's own.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  arrives,
  Bench,
  CLIENT,
  freshPort,
  icmpError,
  leaves,
  networks,
  packet,
  SERVER,
  SERVER2,
  Verdict,
  VIP,
} from '../lib/bench.mjs'
import { assertFrame, Icmp, Icmp6 } from '../lib/packet.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
})
after(() => bench?.close())

const request = (sport, dport, flags, more) =>
  bench.send(arrives(CLIENT, 'eth0', packet({ source: CLIENT, destination: VIP, sport, dport, flags, ...more })))
const answer = (sport, dport, flags) =>
  bench.send(arrives(SERVER, 'eth1', packet({ source: SERVER, destination: CLIENT, sport, dport, flags })), {
    device: 'eth1',
  })
const state = (sport) => bench.connection(sport)?.state

/** Sets a parameter for the rest of the test. */
function set(t, name, value) {
  const { default: usual } = bench.edit((director) => director.sysctls()).find((one) => one.name === name)
  bench.edit((director) => director.setSysctl(name, String(value)))
  t.after(() => bench.edit((director) => director.setSysctl(name, usual)))
}

function serve(t, port, ...servers) {
  const key = bench.serve({ port }, ...servers)
  t.after(() => bench.stop(key))
  return key
}

test('sloppy_tcp: any packet but a RST begins a connection', (t) => {
  serve(t, 7000, {})
  assert.equal(request(freshPort(), 7000, 'ack').verdict, Verdict.PASS)
  set(t, 'sloppy_tcp', 1)
  const sport = freshPort()
  assert.equal(request(sport, 7000, 'ack').verdict, Verdict.REDIRECT)
  assert.equal(state(sport), 'ESTABLISHED')
  assert.equal(request(freshPort(), 7000, 'rst').verdict, Verdict.PASS)
})

test('conn_reuse_mode: 0 keeps a SYN on the old connection, 1 begins anew in TIME_WAIT', (t) => {
  serve(t, 7001, {})
  const timeWait = () => {
    const sport = freshPort()
    request(sport, 7001, 'syn')
    answer(7001, sport, 'syn ack')
    request(sport, 7001, 'ack')
    request(sport, 7001, 'fin ack')
    answer(7001, sport, 'fin ack')
    assert.equal(state(sport), 'TIME_WAIT')
    return sport
  }
  const reused = timeWait()
  assert.deepEqual(
    bench.counted(() => request(reused, 7001, 'syn')),
    { REUSED: 1 },
  )
  set(t, 'conn_reuse_mode', 0)
  const kept = timeWait()
  assert.deepEqual(
    bench.counted(() => request(kept, 7001, 'syn')),
    {},
  )
})

test('the scheduler still counts the old connection of a port that is used again', (t) => {
  const key = bench.serve({ port: 7018, scheduler: 'lc' }, { address: SERVER }, { address: SERVER2 })
  t.after(() => bench.stop(key))
  const sport = freshPort()
  request(sport, 7018, 'syn')
  assert.equal(bench.connection(sport).server.address, SERVER2)
  request(sport, 7018, 'ack')
  request(sport, 7018, 'rst')
  request(sport, 7018, 'syn')
  assert.equal(bench.connection(sport).server.address, SERVER)
  const counts = bench.service(key).servers.map(({ active, inactive }) => active + inactive)
  assert.deepEqual(counts, [0, 1], 'and then it is gone')
})

test('conn_reuse_mode 2: FIN_WAIT too, where the answers are not seen', (t) => {
  serve(t, 7002, { method: 'route' })
  const finWait = () => {
    const sport = freshPort()
    for (const flags of ['syn', 'ack', 'fin ack']) request(sport, 7002, flags)
    assert.equal(state(sport), 'FIN_WAIT')
    return sport
  }
  const kept = finWait()
  assert.deepEqual(
    bench.counted(() => request(kept, 7002, 'syn')),
    {},
  )
  set(t, 'conn_reuse_mode', 2)
  const reused = finWait()
  assert.deepEqual(
    bench.counted(() => request(reused, 7002, 'syn')),
    { REUSED: 1 },
  )
})

test('expire_nodest_conn: a connection whose server was deleted begins anew', (t) => {
  const key = serve(t, 7003, { address: SERVER })
  const sport = freshPort()
  const other = freshPort()
  for (const port of [sport, other]) request(port, 7003, 'syn')
  bench.edit((director) => {
    director.addServer(key, { address: SERVER2, port: 7003 }, { method: 'masq', weight: 1 })
    director.deleteServer(key, { address: SERVER, port: 7003 })
  })
  assert.equal(request(sport, 7003, 'syn').verdict, Verdict.DROP)
  set(t, 'expire_nodest_conn', 1)
  assert.equal(request(sport, 7003, 'syn').verdict, Verdict.REDIRECT)
  assert.equal(bench.connection(sport).server.address, SERVER2)
  // in the middle of a stream there is nothing to begin: the stack answers
  assert.equal(request(other, 7003, 'ack').verdict, Verdict.PASS)
  assert.equal(bench.connection(other), undefined)
})

test('expire_nodest_conn: a SYN leaves a server of weight 0', (t) => {
  const key = serve(t, 7004, { address: SERVER })
  const sport = freshPort()
  request(sport, 7004, 'syn')
  bench.edit((director) => {
    director.editServer(key, { address: SERVER, port: 7004 }, { method: 'masq', weight: 0 })
    director.addServer(key, { address: SERVER2, port: 7004 }, { method: 'masq', weight: 1 })
  })
  request(sport, 7004, 'syn')
  assert.equal(bench.connection(sport).server.address, SERVER)
  set(t, 'expire_nodest_conn', 1)
  request(sport, 7004, 'ack')
  assert.equal(bench.connection(sport).server.address, SERVER)
  request(sport, 7004, 'syn')
  assert.equal(bench.connection(sport).server.address, SERVER2)
})

/** Until the datapath has looked how much room there is, about once a second. */
async function until(what) {
  while (!what()) await sleep(20)
}

test('drop_packet 3: one of am_droprate packets that would begin a connection is dropped', async (t) => {
  serve(t, 7005, {})
  set(t, 'am_droprate', 4)
  set(t, 'drop_packet', 3)
  await until(() => bench.table.settings.dropRate === 4)
  const known = freshPort()
  while (request(known, 7005, 'syn').verdict !== Verdict.REDIRECT);
  const counted = bench.counted(() => {
    for (let i = 0; i < 40; i += 1) {
      request(freshPort(), 7005, 'syn')
      request(known, 7005, 'ack')
    }
  })
  assert.deepEqual(counted, { DEFENCE: 10 })
  bench.edit((director) => director.setSysctl('drop_packet', '0'))
  await until(() => bench.table.settings.dropRate === 0)
})

test('drop_packet 1 becomes 2 while free records are fewer than amemthresh, and 1 again', async (t) => {
  const parameter = (name) => bench.edit((director) => director.sysctls()).find((one) => one.name === name).value
  set(t, 'amemthresh', 1000000)
  set(t, 'drop_packet', 1)
  await until(() => parameter('drop_packet') === '2')
  bench.edit((director) => director.setSysctl('amemthresh', '10'))
  await until(() => parameter('drop_packet') === '1')
  assert.equal(bench.table.settings.dropRate, 0)
})

test('secure_tcp 3: an ACK alone does not establish what the server has not acknowledged', async (t) => {
  serve(t, 7006, {})
  serve(t, 7007, { method: 'route' })
  const usual = freshPort()
  for (const flags of ['syn', 'ack']) request(usual, 7006, flags)
  assert.equal(state(usual), 'ESTABLISHED')
  set(t, 'secure_tcp', 3)
  await until(() => bench.table.settings.secureTcp === 1)
  const sport = freshPort()
  for (const flags of ['syn', 'ack']) request(sport, 7006, flags)
  assert.equal(state(sport), 'SYN_RECV')
  answer(7006, sport, 'syn ack')
  assert.equal(state(sport), 'SYNACK')
  request(sport, 7006, 'ack')
  assert.equal(state(sport), 'SYNACK')
  answer(7006, sport, 'ack')
  assert.equal(state(sport), 'ESTABLISHED')
  // the server's side is not seen: the SYN is taken for acknowledged
  const direct = freshPort()
  request(direct, 7007, 'syn')
  assert.equal(state(direct), 'SYNACK')
  request(direct, 7007, 'ack')
  assert.equal(state(direct), 'ESTABLISHED')
  bench.edit((director) => director.setSysctl('secure_tcp', '0'))
  await until(() => bench.table.settings.secureTcp === 0)
})

test('drop_entry 3: half-open connections end, established ones stay', async (t) => {
  serve(t, 7008, {})
  const open = Array.from({ length: 20 }, freshPort)
  const half = Array.from({ length: 20 }, freshPort)
  for (const sport of open) for (const flags of ['syn', 'ack']) request(sport, 7008, flags)
  for (const sport of half) request(sport, 7008, 'syn')
  set(t, 'drop_entry', 3)
  // a look a second, at random: until it has met one of them
  await until(() => half.some((sport) => !state(sport)))
  assert.equal(open.filter((sport) => state(sport) !== 'ESTABLISHED').length, 0)
})

test("a service's own timeouts, and the table's for what it does not name", (t) => {
  const key = serve(t, 7009, { method: 'route' })
  const seconds = (sport) => bench.connection(sport).expires
  const near = (actual, expected) => assert.ok(actual <= expected && actual > expected - 3, `${actual} of ${expected}`)
  bench.edit((director) => director.editService(key, { scheduler: 'rr', timeouts: { tcp: 40, tcpFin: 5 } }))
  const sport = freshPort()
  request(sport, 7009, 'syn')
  near(seconds(sport), 60)
  request(sport, 7009, 'ack')
  near(seconds(sport), 40)
  request(sport, 7009, 'fin ack')
  near(seconds(sport), 5)
  const other = freshPort()
  serve(t, 7010, { method: 'route' })
  for (const flags of ['syn', 'ack']) request(other, 7010, flags)
  near(seconds(other), 900)
  bench.edit((director) => director.editService(key, { scheduler: 'rr', timeouts: { tcp: 0 } }))
  const usual = freshPort()
  for (const flags of ['syn', 'ack']) request(usual, 7009, flags)
  near(seconds(usual), 900)
})

test('backup_only: while a backup daemon runs, clients are left to the stack; replies still go back', (t) => {
  serve(t, 7011, {})
  const [old, fresh] = [freshPort(), freshPort()]
  request(old, 7011, 'syn')
  set(t, 'backup_only', 1)
  assert.equal(request(old, 7011, 'ack').verdict, Verdict.REDIRECT)
  bench.edit((director) => director.exchange().backupRuns(60))
  assert.equal(request(old, 7011, 'ack').verdict, Verdict.PASS)
  assert.equal(request(fresh, 7011, 'syn').verdict, Verdict.PASS)
  assert.equal(state(fresh), undefined)
  assert.equal(answer(7011, old, 'ack').verdict, Verdict.REDIRECT)
  bench.edit((director) => director.exchange().backupRuns(0))
  assert.equal(request(fresh, 7011, 'syn').verdict, Verdict.REDIRECT)
})

for (const net of networks) {
  const six = net.family === 'IPv6'
  const portUnreachable = six
    ? { type: Icmp6.UNREACHABLE, code: Icmp6.PORT }
    : { type: Icmp.UNREACHABLE, code: Icmp.PORT, tos: 0xc0, id: 0 }

  test(`schedule_icmp, ${net.family}: an error about a service's packet that no connection knows is scheduled`, (t) => {
    bench.net = net
    t.after(() => {
      bench.net = networks[0]
    })
    const key = bench.serve({ port: 7012 }, { port: 8012 })
    t.after(() => bench.stop(key))
    const about = (sport, { source, port }) => {
      const quote = packet({ source, destination: net.CLIENT, sport: port, dport: sport, flags: 'ack' })
      const type = six ? { type: Icmp6.TOO_BIG, code: 0 } : { type: Icmp.UNREACHABLE, code: Icmp.FRAG_NEEDED }
      return { source: net.CLIENT, destination: source, ...type, info: 1300, quote }
    }
    const sport = freshPort()
    const error = about(sport, { source: net.VIP, port: 7012 })
    const frame = arrives(net.CLIENT, 'eth0', icmpError(error))
    bench.assertUntouched(frame)
    set(t, 'schedule_icmp', 1)
    bench.assertUntouched(arrives(net.CLIENT, 'eth0', icmpError(about(sport, { source: net.VIP, port: 7013 }))))
    // it comes in again, as an error about a connection that there is
    const again = bench.send(frame)
    assert.equal(again.verdict, Verdict.REDIRECT)
    assertFrame(again.frame, frame)
    assert.equal(bench.connection(sport, net.CLIENT).server.address, net.SERVER)
    const got = bench.send(frame)
    const inside = { source: net.SERVER, destination: net.CLIENT, sport: 8012, dport: sport, flags: 'ack' }
    const checksum = error.quote.subarray(net.header + 16, net.header + 18).readUInt16BE()
    const sent = icmpError({ ...error, destination: net.SERVER, quote: packet({ ...inside, checksum }), ttl: 63 })
    assertFrame(got.frame, leaves('eth1', net.SERVER, sent))
    // where nobody serves, nobody is told: it is an error itself
    const { servers } = bench.service(key)
    bench.edit((director) => director.deleteServer(key, servers[0]))
    const counted = bench.counted(() => {
      const alone = arrives(net.CLIENT, 'eth0', icmpError(about(freshPort(), { source: net.VIP, port: 7012 })))
      assert.equal(bench.send(alone).verdict, Verdict.DROP)
    })
    assert.deepEqual(counted, { NO_SERVER: 1 })
  })

  test(`cache_bypass, ${net.family}: what no server of a mark takes goes on to its own destination`, (t) => {
    bench.net = net
    t.after(() => {
      bench.net = networks[0]
    })
    const mark = six ? 78 : 77
    const key = bench.serve({ fwmark: mark, address: net.VIP })
    t.after(() => bench.stop(key))
    const send = (sport, flags, destination = net.CLIENT_FAR) => {
      const sent = { source: net.CLIENT, destination, sport, dport: 80, flags }
      return { ...bench.send(arrives(net.CLIENT, 'eth0', packet(sent)), { mark }), sent }
    }
    const counts = (sport, ...more) => bench.counted(() => send(sport, 'syn', ...more))
    assert.deepEqual(counts(freshPort()), { NO_SERVER: 1 })
    set(t, 'cache_bypass', 1)
    assert.deepEqual(counts(freshPort(), net.VIP), { NO_SERVER: 1 }, 'an address of the director itself')
    const sport = freshPort()
    const goesOn = (flags) => {
      const { frame, sent } = send(sport, flags)
      assertFrame(frame, leaves('eth0', net.CLIENT_FAR, packet({ ...sent, ttl: 63 })))
    }
    goesOn('syn')
    const { server } = bench.connection(sport, net.CLIENT)
    assert.deepEqual(server, { address: six ? '::' : '0.0.0.0', port: 0 })
    assert.equal(bench.service(key).counters.connections, 0n, 'no connection of the service')
    // it stays so, when there are servers
    bench.edit((director) => director.addServer(key, { address: net.SERVER, port: 80 }, { method: 'route', weight: 1 }))
    goesOn('ack')
    const other = send(freshPort(), 'syn')
    assertFrame(other.frame, leaves('eth1', net.SERVER, packet({ ...other.sent, ttl: 63 })))
  })

  test(`nat_icmp_send, ${net.family}: a server hears of a packet that is no connection's`, (t) => {
    bench.net = net
    t.after(() => {
      bench.net = networks[0]
    })
    const key = bench.serve({ port: 7014 }, { port: 8014 }, { address: net.SERVER2, port: 8014, method: 'route' })
    t.after(() => bench.stop(key))
    const from = (source, sport, flags = 'ack', protocol = 'tcp') =>
      packet({ protocol, source, destination: net.CLIENT, sport, dport: freshPort(), flags })
    const frame = (data, source = net.SERVER) => arrives(source, 'eth1', data)
    bench.assertUntouched(frame(from(net.SERVER, 8014)), { device: 'eth1' })
    set(t, 'nat_icmp_send', 1)
    const stray = from(net.SERVER, 8014)
    const { frame: told } = bench.send(frame(stray), { device: 'eth1' })
    const error = { source: net.CLIENT, destination: net.SERVER, ...portUnreachable, quote: stray }
    assertFrame(told, leaves('eth1', net.SERVER, icmpError(error)))
    for (const data of [
      from(net.SERVER, 8014, 'rst'),
      from(net.SERVER, 8015),
      from(net.SERVER, 8014, '', 'udp'),
      from(net.DIRECTOR, 8014),
    ])
      bench.assertUntouched(frame(data), { device: 'eth1' })
    bench.assertUntouched(frame(from(net.SERVER2, 8014), net.SERVER2), { device: 'eth1' })
  })
}

test('conn_rate: beyond so many a second and CPU no connection begins; those that there are go on', (t) => {
  serve(t, 7010, {})
  const known = freshPort()
  request(known, 7010, 'syn')
  set(t, 'conn_rate', 5)
  const counted = bench.counted(() => {
    for (let i = 0; i < 60; i += 1) {
      request(freshPort(), 7010, 'syn')
      assert.equal(request(known, 7010, 'ack').verdict, Verdict.REDIRECT)
    }
  })
  // each CPU, and each second that begins on the way, lets five through
  assert.ok(counted.DEFENCE >= 1 && counted.DEFENCE <= 55 && counted.DEFENCE % 5 === 0, JSON.stringify(counted))
})
