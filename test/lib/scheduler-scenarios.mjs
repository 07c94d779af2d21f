// What kernel IPVS was asked about its schedulers, and Sluice is asked in the tests: the same steps, the same packets.
// The answers are in test/packet/testdata/schedulers.json; scripts/record-schedulers.mjs records them.
import { random } from './reference.mjs'

/** Where the packets go, and come from. Real servers have one address; their numbers are their ports. */
export const places = {
  4: { vip: (i) => (i === 0 ? '198.18.0.100' : `198.18.4.${i}`), server: '198.18.1.11', client: ipv4Client },
  6: { vip: (i) => (i === 0 ? '2001:db8::100' : `2001:db8:4::${i}`), server: '2001:db8:1::11', client: ipv6Client },
}

/** The port of real server `n`. */
export const portOf = (n) => 8000 + n

function ipv4Client(rand) {
  return `10.${rand(256)}.${rand(256)}.${1 + rand(254)}`
}

function ipv6Client(rand) {
  const word = () => rand(65536).toString(16)
  return `2001:db8:c:${word()}:${word()}:${word()}:${word()}:${word()}`
}

/**
 * Packets, each of another client, or of `clients` clients in turn with another port each time.
 * @returns {[client: string, port: number, vip: number][]}
 */
function packets(count, { seed, family = 4, clients = count, vips = 1 }) {
  const rand = random(seed)
  const addresses = Array.from({ length: clients }, () => places[family].client(rand))
  return Array.from({ length: count }, (_, i) => [
    addresses[i % clients],
    1024 + rand(60000),
    vips === 1 ? 0 : 1 + (i % vips),
  ])
}

const add = (...servers) => ({ add: servers })
const edit = (n, weight, upper = 0) => ({ edit: [n, weight, upper] })
const remove = (n) => ({ remove: n })
const send = (count, options) => ({ send: packets(count, options) })
const flags = (...list) => ({ use: list })

const SH = ['sh-port', 'sh-fallback']
const MH = ['mh-port', 'mh-fallback']

/**
 * A server in `add` is [number, weight, upper threshold]. All services of a scenario have the same servers. After every
 * step with `send` the connections made are looked up.
 */
export const scenarios = [
  ...['sh', 'mh'].flatMap((scheduler) => {
    const [port, fallback] = scheduler === 'sh' ? SH : MH
    return [
      {
        name: `${scheduler}: clients over weights, additions, deletions and edits`,
        scheduler,
        steps: [
          add([1, 1], [2, 2], [3, 3]),
          send(120, { seed: 1 }),
          add([4, 0]),
          send(60, { seed: 2 }),
          edit(4, 5),
          send(60, { seed: 3 }),
          remove(2),
          send(60, { seed: 4 }),
          edit(3, 0),
          send(60, { seed: 5 }),
          add([2, 2]),
          send(60, { seed: 6 }),
          edit(3, 7),
          send(60, { seed: 7 }),
        ],
      },
      {
        name: `${scheduler}: weights far apart`,
        scheduler,
        steps: [add([1, 65535], [2, 1], [3, 300], [4, 150], [5, 7]), send(150, { seed: 8 })],
      },
      {
        name: `${scheduler}: weights with a common divisor`,
        scheduler,
        steps: [add([1, 30], [2, 20], [3, 10]), send(100, { seed: 9 })],
      },
      {
        name: `${scheduler}: by ports`,
        scheduler,
        flags: [port],
        steps: [add([1, 1], [2, 2], [3, 1]), send(120, { seed: 10, clients: 4 })],
      },
      {
        name: `${scheduler}: UDP by ports`,
        scheduler,
        protocol: 'udp',
        flags: [port],
        steps: [add([1, 1], [2, 2], [3, 1]), send(60, { seed: 11, clients: 4 })],
      },
      {
        name: `${scheduler}: fallback from weight 0`,
        scheduler,
        flags: [fallback],
        steps: [
          add([1, 1], [2, 2], [3, 3], [4, 1]),
          send(60, { seed: 12 }),
          edit(3, 0),
          send(120, { seed: 13 }),
          edit(1, 0),
          send(120, { seed: 14 }),
          edit(2, 0),
          send(60, { seed: 15 }),
          edit(4, 0),
          send(10, { seed: 16 }),
        ],
      },
      {
        name: `${scheduler}: fallback and ports`,
        scheduler,
        flags: [fallback, port],
        steps: [add([1, 5], [2, 0], [3, 3], [4, 0]), send(150, { seed: 17, clients: 8 })],
      },
      {
        name: `${scheduler}: fallback from a threshold, and none without it`,
        scheduler,
        flags: [fallback],
        steps: [
          add([1, 1, 5], [2, 1, 10], [3, 1]),
          send(60, { seed: 18 }),
          flags(),
          send(60, { seed: 19 }),
          flags(fallback),
          send(30, { seed: 20 }),
        ],
      },
      {
        name: `${scheduler}: IPv6`,
        scheduler,
        family: 6,
        steps: [add([1, 1], [2, 2], [3, 3]), send(100, { seed: 21, family: 6 })],
      },
      {
        name: `${scheduler}: IPv6, fallback and ports`,
        scheduler,
        family: 6,
        flags: [fallback, port],
        steps: [add([1, 1], [2, 0], [3, 3], [4, 0]), send(100, { seed: 22, family: 6, clients: 8 })],
      },
    ]
  }),
  {
    name: 'sh: more servers than buckets',
    scheduler: 'sh',
    steps: [add(...Array.from({ length: 300 }, (_, i) => [i + 1, 1 + (i % 2)])), send(100, { seed: 23 })],
  },
  {
    name: 'mh: a hundred servers',
    scheduler: 'mh',
    steps: [add(...Array.from({ length: 100 }, (_, i) => [i + 1, i % 5])), send(150, { seed: 24 })],
  },
  {
    name: 'dh: virtual addresses over servers, whatever the weights',
    scheduler: 'dh',
    vips: 60,
    steps: [
      add([1, 1], [2, 9], [3, 3]),
      send(60, { seed: 30, vips: 60 }),
      edit(2, 0),
      send(60, { seed: 31, vips: 60 }),
      edit(2, 1),
      add([4, 1]),
      send(60, { seed: 32, vips: 60 }),
      remove(1),
      send(60, { seed: 33, vips: 60 }),
      edit(3, 1, 1),
      send(60, { seed: 34, vips: 60 }),
    ],
  },
  {
    name: 'dh: IPv6',
    scheduler: 'dh',
    family: 6,
    vips: 40,
    steps: [add([1, 1], [2, 1], [3, 1], [4, 1], [5, 1]), send(40, { seed: 35, family: 6, vips: 40 })],
  },
  ...['lblc', 'lblcr'].flatMap((scheduler) => [
    {
      name: `${scheduler}: open connections, edits and thresholds`,
      scheduler,
      vips: 3,
      steps: [
        add([1, 1], [2, 2], [3, 4]),
        send(60, { seed: 40, vips: 3 }),
        edit(3, 0),
        send(15, { seed: 41, vips: 3 }),
        edit(3, 30),
        send(45, { seed: 42, vips: 3 }),
        add([4, 20]),
        send(45, { seed: 43, vips: 3 }),
        remove(4),
        send(15, { seed: 44, vips: 3 }),
        add([4, 20]),
        send(30, { seed: 45, vips: 3 }),
        edit(4, 20, 3),
        send(30, { seed: 46, vips: 3 }),
        edit(4, 40),
        edit(1, 40),
        edit(2, 40),
        send(90, { seed: 47, vips: 3 }),
      ],
    },
    {
      name: `${scheduler}: UDP, inactive connections alone`,
      scheduler,
      protocol: 'udp',
      vips: 6,
      steps: [add([1, 1], [2, 2], [3, 3]), send(60, { seed: 48, vips: 6 }), remove(3), send(30, { seed: 49, vips: 6 })],
    },
    {
      name: `${scheduler}: many servers of one destination`,
      scheduler,
      steps: [
        add(...Array.from({ length: 20 }, (_, i) => [i + 1, 1 + (i % 4)])),
        send(150, { seed: 50 }),
        ...Array.from({ length: 10 }, (_, i) => edit(2 * i + 1, 12)),
        send(150, { seed: 51 }),
      ],
    },
    {
      name: `${scheduler}: IPv6`,
      scheduler,
      family: 6,
      vips: 4,
      steps: [add([1, 1], [2, 4], [3, 8]), send(80, { seed: 52, family: 6, vips: 4 })],
    },
  ]),
  ...['sed', 'nq', 'fo', 'ovf', 'lc', 'wlc', 'rr', 'wrr'].map((scheduler) => ({
    name: `${scheduler}: open connections and edits`,
    scheduler,
    steps: [
      add([1, 1], [2, 4], [3, 9], [4, 4]),
      send(30, { seed: 60 }),
      edit(3, 2),
      send(20, { seed: 61 }),
      edit(2, 0),
      send(20, { seed: 62 }),
      remove(3),
      send(10, { seed: 63 }),
      add([5, 40, 8]),
      send(40, { seed: 64 }),
    ],
  })),
]
