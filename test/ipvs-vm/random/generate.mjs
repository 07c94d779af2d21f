// Random sequences: a few services, then opens, closes, edits and lists in any order. A sequence is plain data; its words
// V0 and V1 stand for virtual addresses, R1 to R4 for real servers, M0 for a firewall mark, so that it can be run anywhere.
import { random } from '../../lib/reference.mjs'
import { CLIENTS, PORTS, SERVERS } from './farm.mjs'
import { features } from './features.mjs'

/**
 * @typedef {{ op: 'admin', lines: string[] }
 *   | { op: 'open', id: number, protocol: string, client: number, sport: number, vip: number, port: number }
 *   | { op: 'close', id: number, how: 'client' | 'server' | 'reset' | 'server reset' | 'half' }
 *   | { op: 'talk', id: number, length: number, back: boolean }
 *   | { op: 'udp', id: number, client: number, sport: number, vip: number, port: number, answer: boolean }
 *   | { op: 'mark', protocol: string, vip: number, port: number, mark: number }
 *   | { op: 'list' }} Step
 * @typedef {{ seed: number, family: 'inet' | 'inet6', steps: Step[] }} Sequence
 */

const flag = { tcp: '-t', udp: '-u', sctp: '--sctp-service' }

/** The forwarding methods of a service's servers; there is no tunnel's end for IPv6. */
const methods = [['-m'], ['-m'], ['-g'], ['-i'], ['-m', '-g', '-i']]
const methods6 = [['-m'], ['-m'], ['-g'], ['-m', '-g']]

/** @param {number} seed @returns {Sequence} */
export function generate(seed) {
  return new Generator(seed).sequence()
}

class Generator {
  constructor(seed) {
    this.seed = seed
    this.rand = random(seed)
    this.family = this.rand(4) === 0 ? 'inet6' : 'inet'
    this.steps = []
    this.services = []
    this.open = []
    this.ids = 0
    this.sport = 20_000
    /** Ports of clients whose connection was reset, free to be used again. */
    this.free = []
  }

  pick(all) {
    return all[this.rand(all.length)]
  }

  chance(one, of) {
    return this.rand(of) < one
  }

  sequence() {
    for (let count = this.pick([1, 1, 1, 2]); count > 0; count -= 1) this.#begin()
    for (let count = 6 + this.rand(20); count > 0; count -= 1) this.#step()
    return { seed: this.seed, family: this.family, steps: this.steps }
  }

  admin(...lines) {
    this.steps.push({ op: 'admin', lines })
  }

  #scheduler() {
    const { name, flags } = this.pick(features.schedulers)
    const chosen = flags.filter(() => this.chance(1, 3))
    return `-s ${name}${chosen.length > 0 ? ` -b ${chosen.join(',')}` : ''}`
  }

  #persistence(must = false) {
    if (!must && !this.chance(1, 4)) return ''
    const mask =
      this.family === 'inet6'
        ? this.pick(['', ' -M 64', ' -M 126'])
        : this.pick(['', ' -M 255.255.255.252', ' -M 255.255.0.0'])
    return ` -p ${this.pick([60, 300])}${mask}`
  }

  #options(service, persistence = this.#persistence(service.port === 0)) {
    const one = service.protocol === 'udp' && this.chance(1, 6)
    return `${this.#scheduler()}${persistence}${one ? ' -o' : ''}`
  }

  #begin() {
    const protocol = this.pick(['tcp', 'tcp', 'tcp', 'udp', 'sctp'])
    const [vip, port] = [this.rand(2), this.pick(PORTS)]
    const marked = this.chance(1, 6)
    const persistence = this.#persistence()
    // one for all ports has to be persistent
    const wild = !marked && persistence !== '' && this.chance(1, 4)
    const service = { protocol, vip, port: wild ? 0 : port, servers: new Map() }
    const mark = this.services.length
    service.word = marked
      ? `-f M${mark}${this.family === 'inet6' ? ' -6' : ''}`
      : `${flag[protocol]} V${vip}:${service.port}`
    if (this.services.some((each) => each.vip === vip && each.protocol === protocol)) return
    if (marked) this.steps.push({ op: 'mark', protocol, vip, port, mark })
    // where the server's side is not seen, SCTP's first state is the last one, and over in four seconds
    const ways = this.family === 'inet6' ? methods6 : methods
    service.methods = protocol === 'sctp' ? ['-m'] : this.pick(ways)
    this.services.push(service)
    const lines = [`-A ${service.word} ${this.#options(service, persistence)}`]
    for (let number = 1; number <= SERVERS; number += 1) if (this.chance(3, 4)) lines.push(this.#add(service, number))
    this.admin(...lines)
  }

  #place(service, number) {
    const forward = this.pick(service.methods)
    const method = forward === '-i' ? `-i${this.pick(features.tunnels)}` : forward
    // only NAT can change a port
    const port = method === '-m' && service.port !== 0 && this.chance(1, 4) ? this.pick(PORTS) : service.port
    return { name: `R${number}:${port}`, method }
  }

  #weight() {
    return `-w ${this.pick([0, 1, 1, 1, 2, 3, 4, 5, 7, 10, 100])}`
  }

  #thresholds() {
    if (!this.chance(1, 6)) return ''
    const upper = this.rand(5)
    return ` -x ${upper}${this.chance(1, 2) ? ` -y ${this.rand(upper + 1)}` : ''}`
  }

  #add(service, number) {
    const { name, method } = this.#place(service, number)
    // one that is there is refused, and keeps its method
    if (!service.servers.has(name)) service.servers.set(name, method)
    return `-a ${service.word} -r ${name} ${method} ${this.#weight()}${this.#thresholds()}`
  }

  #step() {
    const service = this.pick(this.services)
    const kinds = [
      [service.protocol === 'udp' ? 0 : 45, () => this.#open(service)],
      [service.protocol === 'udp' ? 45 : 0, () => this.#datagram(service)],
      [20, () => this.#close()],
      [4, () => this.#talk()],
      [10, () => this.#editServer(service)],
      [5, () => this.admin(this.#add(service, 1 + this.rand(SERVERS)))],
      [5, () => this.#deleteServer(service)],
      [4, () => this.admin(`-E ${service.word} ${this.#options(service)}`)],
      [2, () => this.#anew(service)],
      [1, () => this.admin(`-Z ${this.chance(1, 2) ? service.word : ''}`.trim())],
      [1, () => this.#wrong(service)],
      [6, () => this.steps.push({ op: 'list' })],
    ]
    let at = this.rand(kinds.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, make] of kinds) {
      if (at < weight) return make()
      at -= weight
    }
  }

  /** A client's address and port. Clients are few, so that what hashes them has something to say. */
  #end() {
    if (this.free.length > 0 && this.chance(1, 4)) return this.free.splice(this.rand(this.free.length), 1)[0]
    this.sport += 1 + this.rand(20)
    return { client: 1 + this.rand(CLIENTS), sport: this.sport }
  }

  #open({ protocol, vip, port: own }) {
    const port = own || this.pick(PORTS)
    const end = this.#end()
    const id = this.ids
    this.ids += 1
    this.open.push({ id, ...end })
    this.steps.push({ op: 'open', id, protocol, ...end, vip, port })
  }

  #datagram({ vip, port: own, methods }) {
    const port = own || this.pick(PORTS)
    const again = this.steps.filter((step) => step.op === 'udp' && step.vip === vip && step.port === port)
    // what is routed or tunnelled is answered from the virtual address, which no server's socket here has
    const answer = methods.join() === '-m' && this.chance(1, 2)
    if (again.length > 0 && this.chance(1, 3)) return this.steps.push({ ...this.pick(again), answer })
    this.sport += 1 + this.rand(20)
    const id = this.ids
    this.ids += 1
    this.steps.push({ op: 'udp', id, client: 1 + this.rand(CLIENTS), sport: this.sport, vip, port, answer })
  }

  #close() {
    if (this.open.length === 0) return
    const at = this.rand(this.open.length)
    const { id, half, ...end } = this.open[at]
    const how = half ? 'server' : this.pick(['client', 'client', 'server', 'reset', 'reset', 'server reset', 'half'])
    if (how === 'half') this.open[at].half = true
    else this.open.splice(at, 1)
    if (how === 'reset') this.free.push(end)
    this.steps.push({ op: 'close', id, how })
  }

  /** More than one packet's worth, one way or the other. */
  #talk() {
    const able = this.open.filter(({ half }) => !half)
    if (able.length === 0) return
    const { id } = this.pick(able)
    this.steps.push({ op: 'talk', id, length: this.pick([1, 1500, 30_000]), back: this.chance(1, 2) })
  }

  /**
   * Now and then another method: NAT in place of direct routing or the other way round. The kernel loses packets of direct
   * routing to a server that has become a tunnel's, because both share its route.
   */
  #otherMethod({ protocol }, old) {
    if (protocol !== 'tcp' || old.startsWith('-i') || !this.chance(1, 3)) return old
    return old === '-m' ? '-g' : '-m'
  }

  #editServer(service) {
    const all = [...service.servers]
    if (all.length === 0) return
    const [name, old] = this.pick(all)
    const method = this.#otherMethod(service, old)
    service.servers.set(name, method)
    this.admin(`-e ${service.word} -r ${name} ${method} ${this.#weight()}${this.#thresholds()}`)
  }

  #deleteServer(service) {
    const all = [...service.servers]
    if (all.length === 0) return
    const [name, method] = this.pick(all)
    service.servers.delete(name)
    const lines = [`-d ${service.word} -r ${name}`]
    if (this.chance(1, 3)) {
      lines.push(`-a ${service.word} -r ${name} ${method} ${this.#weight()}`)
      service.servers.set(name, method)
    }
    this.admin(...lines)
  }

  #anew(service) {
    service.servers.clear()
    const lines = [`-D ${service.word}`, `-A ${service.word} ${this.#options(service)}`]
    for (let number = 1; number <= SERVERS; number += 1) if (this.chance(2, 3)) lines.push(this.#add(service, number))
    this.admin(...lines)
  }

  /** What is refused: both say the same, and nothing changes. */
  #wrong(service) {
    const real = `-r R${1 + this.rand(SERVERS)}:9999`
    this.admin(
      this.pick([
        `-A ${service.word} -s rr`,
        `-e ${service.word} ${real} -m -w 3`,
        `-d ${service.word} ${real}`,
        `-E ${service.word} -s nosuch`,
        `-a ${service.word} ${real} -m -x 2 -y 5`,
        `-D -t V1:9998`,
      ]),
    )
  }
}
