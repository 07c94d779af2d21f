// The rules by which packets get firewall marks.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { arrives, Bench, CLIENT, freshPort, packet, SERVER, Verdict, VIP } from '../lib/bench.mjs'

/** @type {Bench} */
let bench
before(() => {
  bench = new Bench()
  bench.serve({ fwmark: 7 }, { address: SERVER, port: 0, method: 'route' })
})
after(() => bench?.close())
beforeEach(() => rules())

/** @param {...import('../../dist/ipvs/index.js').MarkRule} rules */
const rules = (...rules) => bench.edit((director) => director.editMarkRules(() => rules))
const listed = () => bench.within(() => bench.director.markRules())

/** Does a packet get to the service of mark 7? */
function marked({ source = CLIENT, destination = VIP, sport = freshPort(), dport = 80, protocol = 'tcp', ...options }) {
  const frame = arrives(CLIENT, options.device ?? 'eth0', packet({ protocol, source, destination, sport, dport }))
  const { verdict } = bench.send(frame, options)
  assert.ok(verdict === Verdict.REDIRECT || verdict === Verdict.PASS)
  return verdict === Verdict.REDIRECT
}

test('without a rule a packet has the mark that it came with', () => {
  assert.equal(marked({}), false)
  assert.equal(marked({ mark: 7 }), true)
})

test('a rule gives its mark, also to packets that came with another', () => {
  rules({ mark: 7 })
  assert.equal(marked({}), true)
  assert.equal(marked({ mark: 8 }), true)
  rules({ mark: 0, protocol: 'tcp' })
  assert.equal(marked({ mark: 7 }), false)
  rules()
  assert.equal(marked({}), false)
})

test('the first rule that fits counts', () => {
  rules({ mark: 9, protocol: 'tcp', destinationPorts: [80, 80] }, { mark: 7, protocol: 'tcp' })
  assert.equal(marked({ dport: 80 }), false)
  assert.equal(marked({ dport: 81 }), true)
})

const fits = {
  protocol: [{ protocol: 'udp' }, { protocol: 'udp' }, { protocol: 'tcp' }],
  'an address': [{ destination: VIP }, {}, { destination: '198.18.0.1' }],
  'a network': [{ source: '198.18.0.8/29' }, { source: '198.18.0.15' }, { source: '198.18.0.16' }],
  'destination ports': [{ protocol: 'tcp', destinationPorts: [80, 443] }, { dport: 443 }, { dport: 444 }],
  'lower end': [{ protocol: 'tcp', destinationPorts: [80, 443] }, { dport: 80 }, { dport: 79 }],
  'source ports': [{ protocol: 'tcp', sourcePorts: [1024, 65535] }, { sport: 1024 }, { sport: 1023 }],
  device: [{ device: 'eth1' }, { device: 'eth1' }, { device: 'eth0' }],
  family: [{ family: 'inet' }, {}, undefined],
}
for (const [name, [rule, yes, no]] of Object.entries(fits)) {
  test(`by ${name}: what fits, what does not`, () => {
    rules({ mark: 7, ...rule })
    assert.deepEqual(listed(), [{ mark: 7, ...rule }])
    assert.equal(marked(yes), true)
    if (no) assert.equal(marked(no), false)
  })
}

test('rules are listed as they were given', () => {
  const given = [
    { mark: 1, source: '10.0.0.0/8', destination: '10.1.2.3', protocol: 'udp', sourcePorts: [1, 2] },
    { mark: 0xffffffff, destination: 'fd00::/64', protocol: 'sctp', destinationPorts: [5, 5] },
    { mark: 2, family: 'inet6', device: 'eth0' },
    { mark: 3, source: '0.0.0.0/0' },
    { mark: 0 },
  ]
  rules(...given)
  assert.deepEqual(listed(), [...given.slice(0, 3), { mark: 3, family: 'inet' }, { mark: 0 }])
})

test('as many rules as there may be; the last one counts too; one more is refused and changes nothing', () => {
  const others = Array.from({ length: 255 }, (_, i) => ({ mark: 7, source: `10.0.0.${i}` }))
  rules(...others, { mark: 7, source: CLIENT })
  assert.equal(marked({}), true)
  assert.throws(() => rules(...others, { mark: 1 }, { mark: 2 }), { code: 'SLUICE_FULL' })
  assert.equal(listed().length, 256)
})

for (const [rule, why] of [
  [{ mark: -1 }, /no mark/],
  [{ mark: 2 ** 32 }, /no mark/],
  [{ mark: 1, destinationPorts: [1, 2] }, /need a protocol/],
  [{ mark: 1, protocol: 'tcp', destinationPorts: [2, 1] }, /no range/],
  [{ mark: 1, source: '10.0.0.1/8' }, /beyond its prefix/],
  [{ mark: 1, source: '10.0.0.0/33' }, /no address/],
  [{ mark: 1, source: '10.0.0' }, /no address/],
  [{ mark: 1, source: '10.0.0.1', destination: 'fd00::1' }, /one family/],
  [{ mark: 1, family: 'inet6', destination: '10.0.0.1' }, /one family/],
  [{ mark: 1, device: 'a name too long to be' }, /no name/],
]) {
  test(`refused: ${JSON.stringify(rule)}`, () => {
    assert.throws(() => rules(rule), { code: 'SLUICE_BAD_MARK', message: why })
    assert.deepEqual(listed(), [])
  })
}
