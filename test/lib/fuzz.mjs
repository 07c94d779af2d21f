// What the fuzz of either family does: connections that no mutated packet is of, and mutated packets one by one through the
// program, each of which is judged.
import assert from 'node:assert/strict'
import { arrives, freshPort, packet, Verdict } from './bench.mjs'
import { mutate } from './mutate.mjs'
import { assertFrame, bytes, describe } from './packet.mjs'
import { random } from './reference.mjs'

const seed = Number(process.env.SLUICE_SEED ?? 1)
export const PACKETS = Number(process.env.SLUICE_PACKETS ?? 20_000)
/** The standing connections are looked at once every so many packets. */
const LOOK = 1000

/** Connections of a client behind the router that stand before the first mutated packet. */
export class Standing {
  #bench
  #guard
  #all = []
  #keys = []

  /** @param {import('./bench.mjs').Bench} bench @param {string} guard the client, of whom no mutated packet is */
  constructor(bench, guard) {
    this.#bench = bench
    this.#guard = guard
  }

  /** Makes one: what comes in of it, and what leaves. */
  add(key, { protocol = 'tcp', port }) {
    const { VIP, ROUTER } = this.#bench.net
    const sport = freshPort()
    const ends = { protocol, source: this.#guard, destination: VIP, sport, dport: port }
    this.#bench.send(arrives(ROUTER, 'eth0', packet(ends)))
    const check = arrives(ROUTER, 'eth0', packet({ ...ends, flags: 'ack', payload: bytes(33, sport) }))
    const { verdict, frame } = this.#bench.send(check)
    assert.equal(verdict, Verdict.REDIRECT)
    this.#all.push({ sport, server: this.#bench.connection(sport, this.#guard).server.address, check, leaves: frame })
    if (!this.#keys.includes(key)) this.#keys.push(key)
  }

  /** They have their servers, and every count is what the table of connections says. */
  assert(when) {
    for (const { sport, server, check, leaves } of this.#all) {
      const found = this.#bench.connection(sport, this.#guard)
      assert.equal(found?.server.address, server, `${when}: the connection of port ${sport}`)
      const { verdict, frame } = this.#bench.send(check)
      assert.equal(verdict, Verdict.REDIRECT)
      assertFrame(frame, leaves, `SLUICE_SEED=${seed} ${when}: a packet of port ${sport}`)
    }
    const connections = this.#bench.edit((director) => director.connections())
    for (const key of this.#keys) {
      for (const { address, port, active, inactive } of this.#bench.service(key).servers) {
        const own = connections.filter(
          (each) =>
            each.server.address === address &&
            each.server.port === port &&
            each.virtual.port === key.port &&
            each.protocol === key.protocol,
        )
        const busy = own.filter(({ state }) => ['ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'SYNACK'].includes(state)).length
        assert.deepEqual(
          [active, inactive],
          [busy, own.length - busy],
          `SLUICE_SEED=${seed} ${when}: ${key.port} ${address}`,
        )
      }
    }
  }
}

/**
 * Sends mutations of the corpus's frames.
 * @param {import('node:test').TestContext} t
 * @param {import('./bench.mjs').Bench} bench
 * @param {{ frame: Buffer, device: string }[]} corpus
 * @param {object} judge
 * @param {Standing} judge.standing
 * @param {(data: Buffer, rand: (below: number) => number) => Buffer} [judge.finish] has the last word on a mutated frame
 * @param {(data: Buffer, device: string, gso: boolean) => boolean} judge.isForeign is it none of the table's business?
 * @param {(came: Buffer, left: Buffer) => void} judge.assertForwarded
 */
export function fuzz(t, bench, corpus, { standing, finish = (data) => data, isForeign, assertForwarded }) {
  t.diagnostic(`SLUICE_SEED=${seed}`)
  const rand = random(seed)
  const frames = corpus.map(({ frame }) => frame)
  const warned = warnings(bench)
  const verdicts = {}
  const wrong = []
  let foreign = 0
  bench.within(() => {
    for (let i = 0; i < PACKETS; i += 1) {
      const { frame, device } = corpus[rand(corpus.length)]
      const data = finish(mutate(rand, frame, frames), rand)
      const gso = rand(8) === 0 ? { gsoSize: 1 + rand(1500), gsoSegs: 1 + rand(40) } : {}
      const through = rand(20) === 0 ? ['eth0', 'eth1', 'eth2', 'lo'][rand(4)] : device
      let got
      try {
        got = bench.send(data, { device: through, ...gso })
      } catch (error) {
        // the test run refuses what no device would bring
        assert.match(error.message, /Invalid argument|EINVAL|errno 22/)
        verdicts.refused = (verdicts.refused ?? 0) + 1
        continue
      }
      try {
        const name = Object.keys(Verdict).find((each) => Verdict[each] === got.verdict)
        assert.ok(name, `verdict ${got.verdict}`)
        verdicts[name] = (verdicts[name] ?? 0) + 1
        if (name === 'PASS') assertFrame(got.frame, data, 'a packet that passes')
        if (isForeign(data, through, gso.gsoSize > 0)) {
          foreign += 1
          assert.equal(name, 'PASS', 'a foreign packet is left to the stack')
        }
        if (name === 'REDIRECT') assertForwarded(data, got.frame)
      } catch (error) {
        wrong.push(
          [
            `SLUICE_SEED=${seed} packet ${i} by ${through} ${JSON.stringify(gso)}: ${error.message}`,
            `  came: ${describe(data)} ${data.toString('hex')}`,
            `  left: ${describe(got.frame)} ${got.frame.toString('hex')}`,
          ].join('\n'),
        )
      }
      if (i % LOOK === LOOK - 1) standing.assert(`after packet ${i}`)
    }
  })
  assert.equal(wrong.length, 0, `${wrong.length} of ${PACKETS} went wrong, such as:\n${wrong.slice(0, 5).join('\n')}`)
  standing.assert('at the end')
  assert.deepEqual(warnings(bench), warned, 'the kernel’s log')
  t.diagnostic(
    `${JSON.stringify(verdicts)}, ${foreign} foreign, ${bench.edit((d) => d.connections()).length} connections`,
  )
  assert.ok(foreign > PACKETS / 20 && verdicts.REDIRECT > PACKETS / 20)
}

/** Lines of the kernel's log that are no good, where it may be read. */
function warnings(bench) {
  try {
    return bench.namespace
      .run('dmesg')
      .split('\n')
      .filter((line) => /\b(WARNING|BUG|Oops|general protection|refcount)\b/.test(line))
  } catch {
    return []
  }
}
