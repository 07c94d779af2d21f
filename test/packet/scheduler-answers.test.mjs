// Every scheduler, pick for pick, against what kernel IPVS answered in the same scenarios (testdata/schedulers.json; the
// command that recorded it stands in it). IPv4 goes through the whole program, packet by packet; IPv6 through its picking.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { schedulerFlagsOf } from '../../dist/ipvsadm/scheduler-flags.js'
import { arrives, Bench, CLIENT, packet, VIP } from '../lib/bench.mjs'
import { Picks } from '../lib/picks.mjs'
import { places, portOf, scenarios } from '../lib/scheduler-scenarios.mjs'

const { answers, command, kernel } = JSON.parse(
  readFileSync(new URL('testdata/schedulers.json', import.meta.url), 'utf8'),
)

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
  bench.namespace.ip('route', 'add', 'local', '198.18.4.0/24', 'dev', 'lo')
})
after(() => bench?.close())

/** Compares the picks of one step; names the first that differs. */
function compare(got, expected, step) {
  const at = got.findIndex((pick, i) => pick !== expected[i])
  assert.equal(at, -1, `step ${step}, packet ${at}: server ${got[at]}, IPVS: ${expected[at]}\n${got}\n${expected}`)
}

/** Each scenario has another service port: nothing of one is met in another. */
function throughPackets({ name, scheduler, protocol = 'tcp', flags = [], vips = 1, steps }, port) {
  const { vip, server } = places[4]
  const keys = (vips === 1 ? [0] : Array.from({ length: vips }, (_, i) => i + 1)).map((i) => ({
    protocol,
    address: vip(i),
    port,
  }))
  assert.equal(vip(0), VIP)
  const everywhere = (change) =>
    bench.edit((director) => {
      for (const key of keys) change(director, key)
    })
  const use = (list) => ({ scheduler, schedulerFlags: schedulerFlagsOf(list.join(','), scheduler) })
  const at = (n) => ({ address: server, port: portOf(n) })
  const options = (weight, upperThreshold = 0) => ({ method: 'route', weight, upperThreshold })
  everywhere((director, key) => director.addService(key, use(flags)))
  let sent = 0
  for (const [i, step] of steps.entries()) {
    for (const [n, weight, upper] of step.add ?? [])
      everywhere((director, key) => director.addServer(key, at(n), options(weight, upper)))
    if (step.edit) {
      const [n, weight, upper] = step.edit
      everywhere((director, key) => director.editServer(key, at(n), options(weight, upper)))
    }
    if (step.remove) everywhere((director, key) => director.deleteServer(key, at(step.remove)))
    if (step.use) everywhere((director, key) => director.editService(key, use(step.use)))
    if (!step.send) continue
    for (const [source, sport, to] of step.send)
      bench.send(arrives(CLIENT, 'eth0', packet({ protocol, source, destination: vip(to), sport, dport: port })))
    const found = new Map(
      bench
        .edit((director) => director.connections())
        .filter((c) => c.virtual.port === port && c.protocol === protocol)
        .map((c) => [`${c.client.address} ${c.client.port} ${c.virtual.address}`, c.server.port - portOf(0)]),
    )
    const got = step.send.map(([source, sport, to]) => found.get(`${source} ${sport} ${vip(to)}`) ?? 0)
    compare(got, answers[name][sent], i)
    sent += 1
  }
  bench.stop(...keys)
}

function throughPicks({ name, scheduler, protocol = 'tcp', flags, family, vips = 1, steps }) {
  const { vip, server } = places[family]
  const numbers = vips === 1 ? [0] : Array.from({ length: vips }, (_, i) => i + 1)
  // dh minds nothing but the address: one service stands for those of all addresses
  const one = scheduler === 'dh' ? new Picks({ scheduler, flags }) : undefined
  const services = new Map(numbers.map((i) => [i, one ?? new Picks({ scheduler, flags })]))
  const all = new Set(services.values())
  try {
    const [{ add }, { send }] = steps
    assert.equal(steps.length, 2)
    for (const picks of all)
      for (const [n, weight] of add) assert.equal(picks.add({ address: server, port: portOf(n), weight }), n)
    const got = send.map(([client, sport, to]) => {
      const picks = services.get(to)
      const slot = picks.pick({ client, sport, vip: vip(to), protocol })
      if (slot !== 0) picks.server(slot).active += 1
      return slot
    })
    compare(got, answers[name][0], 1)
  } finally {
    for (const picks of all) picks.close()
  }
}

describe(`what kernel IPVS ${kernel} picked (${command})`, () => {
  for (const [i, scenario] of scenarios.entries())
    test(scenario.name, () => (scenario.family === 6 ? throughPicks(scenario) : throughPackets(scenario, 1000 + i)))
})
