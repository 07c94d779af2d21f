// Runs a sequence on one side, and says what came of each step in words that are the same on both sides.
import { CLIENTS, clientAddress, serverAddress, vipAddress } from './farm.mjs'
import { poll, Socket } from './libc.mjs'

const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/** A run's own addresses: no other run of this process has them. */
export class Places {
  static #next = 1

  constructor(family) {
    this.family = family
    this.number = Places.#next
    Places.#next += 1
    this.vips = [0, 1].map((i) => vipAddress(2 * this.number + i, family))
    this.marks = [0, 1].map((i) => 2 * this.number + i)
  }

  client(number) {
    return clientAddress(number, this.number, this.family)
  }

  #written(address) {
    return this.family === 'inet6' ? `[${address}]` : address
  }

  /** A line of a sequence as ipvsadm takes it. */
  fill(line) {
    return line
      .replace(/\bV(\d)\b/g, (_, i) => this.#written(this.vips[i]))
      .replace(/\bR(\d)\b/g, (_, i) => this.#written(serverAddress(Number(i), this.family)))
      .replace(/\bM(\d)\b/g, (_, i) => String(this.marks[i]))
  }

  /** The words of a listing, with those of the sequence for this run's addresses. */
  name(text) {
    let named = text
    this.vips.forEach((vip, i) => {
      named = named.replaceAll(`${this.#written(vip)}:`, `V${i}:`)
    })
    for (let i = 1; i <= CLIENTS; i += 1) named = named.replaceAll(`${this.#written(this.client(i))}:`, `C${i}:`)
    return named.replace(/[ \t]+/g, ' ').replace(/ $/gm, '')
  }

  /** Of a table's listing, the services of this run. */
  services(text) {
    const blocks = text.split(/^(?=TCP|UDP|SCTP|FWM)/m).slice(1)
    const own = [...this.vips.map((vip) => ` ${this.#written(vip)}:`), ...this.marks.map((mark) => `FWM ${mark} `)]
    const named = blocks.filter((block) => own.some((each) => block.replace(/[ \t]+/g, ' ').includes(each)))
    return this.name(named.join('')).replace(/^FWM (\d+)/gm, (_, mark) => `FWM M${this.marks.indexOf(Number(mark))}`)
  }

  /** Of a listing of connections, those of this run: sorted, and without the time that each has left. */
  connections(text) {
    const own = [
      ...this.vips.map((vip) => ` ${this.#written(vip)}:`),
      ...this.marks.map((mark) => ` 0.0.${mark >> 8}.${mark & 255}:0 `),
    ]
    return text
      .split('\n')
      .map((line) => line.replace(/[ \t]+/g, ' ').replace(/^(\w+) \d+:\d\d /, '$1 '))
      .filter((line) => own.some((each) => line.includes(each)))
      .map((line) => this.name(line))
      .sort()
      .join('\n')
  }
}

/** Milliseconds for a whole transfer; and for the end of a connection to be heard. Emulated, on a busy machine, all takes long. */
const PATIENCE = 20_000
const HEARING = 2000

/** Sends some bytes from one end of a connection to the other; whether all arrive. */
function transfer(from, to, length) {
  const until = performance.now() + PATIENCE
  const piece = Buffer.alloc(Math.min(length, 16_384), 'x')
  let sent = 0
  let came = 0
  while (came < length && performance.now() < until) {
    if (sent < length) sent += from.push(piece.subarray(0, length - sent))
    if (poll([to], 20).length === 0) continue
    const { text, error } = to.receive()
    if (error || text === '') return error ?? 'an end'
    came += text.length
  }
  return came === length ? 'all arrived' : 'lost'
}

/** The servers of each service, as far as the lines of a sequence say: what is deleted cannot be closed in order. */
class Present {
  #services = new Map()

  follow(line) {
    const [, command, rest] = /^-(\w) (.*)$/.exec(line) ?? []
    const word = /^(-[tuf] \S+|--sctp-service \S+)/.exec(rest ?? '')?.[1]
    const real = /-r (\S+)/.exec(rest ?? '')?.[1]
    if (command === 'A' && !this.#services.has(word)) this.#services.set(word, new Set())
    if (command === 'D') this.#services.delete(word)
    if (command === 'a') this.#services.get(word)?.add(real)
    if (command === 'd') this.#services.get(word)?.delete(real)
  }

  /** Whether any service has the server `s2:8001`. */
  has(by) {
    const real = by.replace('s', 'R')
    const names = [real, real.replace(/:.*/, ':0')]
    return [...this.#services.values()].some((servers) => names.some((name) => servers.has(name)))
  }
}

/**
 * Runs the steps; leaves the services as they are, and the connections reset.
 * @param {import('./farm.mjs').Farm} farm @param {import('./generate.mjs').Sequence} sequence
 * @returns {string[]} what came of each step
 */
export function run(farm, { family, steps }, places) {
  const present = new Present()
  const open = new Map()
  const datagrams = new Map()
  const list = () => {
    const { status, stdout, stderr } = farm.admin(['-L -n', '-L -n -c'])
    const [table, connections] = stdout.split(/^(?=IPVS connection entries)/m)
    return `status ${status} ${stderr}\n${places.services(table)}${places.connections(connections ?? '')}`
  }
  const close = ({ id, how }) => {
    const entry = open.get(id)
    if (!entry) return 'not open'
    const { near, far, by } = entry
    const lost = !present.has(by)
    if (how !== 'half') open.delete(id)
    if (lost) {
      // its packets go nowhere: one reset, and nothing that would be sent again later
      if (how === 'half') return 'lost'
      near.reset()
      far.reset()
      return 'lost'
    }
    const [first, second] = how.startsWith('server') ? [far, near] : [near, far]
    if (how.endsWith('reset')) {
      first.reset()
      const heard = poll([second], HEARING).length > 0 ? (second.receive().error ?? 'an end') : 'nothing'
      second.close()
      return heard
    }
    first.finish()
    const heard = poll([second], HEARING).length > 0 ? (second.receive().error ?? 'an end') : 'nothing'
    if (how === 'half') {
      pause(2)
      return heard
    }
    second.close()
    const back = poll([first], HEARING).length > 0 ? (first.receive().error ?? 'an end') : 'nothing'
    first.close()
    return `${heard}, ${back}`
  }
  const does = {
    admin: ({ lines }) => {
      for (const line of lines) present.follow(line)
      const { status, stdout, stderr } = farm.admin(lines.map((line) => places.fill(line)))
      return `status ${status} ${stdout}${stderr}`
    },
    open: ({ id, protocol, client, sport, vip, port }) => {
      const { by, near, far } = farm.open({
        protocol,
        family,
        client: places.client(client),
        sport,
        vip: places.vips[vip],
        port,
      })
      if (near) open.set(id, { by, near, far })
      return by
    },
    close,
    talk: ({ id, length, back }) => {
      const entry = open.get(id)
      if (!entry) return 'not open'
      if (!present.has(entry.by)) return 'lost'
      return back ? transfer(entry.far, entry.near, length) : transfer(entry.near, entry.far, length)
    },
    udp: ({ id, client, sport, vip, port, answer }) => {
      let near = datagrams.get(id)
      if (!near) {
        near = new Socket(farm.client, 'udp', places.client(client), sport)
        datagrams.set(id, near)
        near.connect(places.vips[vip], port, 0)
      }
      return farm.datagram(near, answer)
    },
    mark: ({ protocol, vip, port, mark }) => {
      farm.mark(protocol, places.vips[vip], port, places.marks[mark])
      return ''
    },
    list,
  }
  try {
    const outcomes = steps.map((step) => {
      const outcome = does[step.op](step)
      if (step.op === 'open' || step.op === 'close') pause(2)
      return outcome
    })
    return [...outcomes, list()]
  } finally {
    for (const { near, far } of open.values()) {
      near.reset()
      far.reset()
    }
    for (const near of datagrams.values()) near.close()
    farm.drain()
  }
}
