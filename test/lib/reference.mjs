// The schedulers as the specification says them, in plain steps: what the datapath's picks are held against.

/** Numbers from a seed, the same each time (mulberry32). */
export function random(seed) {
  let state = seed >>> 0
  /** A whole number from 0 up to, not including, `limit`. @param {number} limit */
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) % limit
  }
}

const gcd = (a, b) => (b === 0 ? a : gcd(b, a % b))

/**
 * A service's servers and its scheduler. A server is `{ name, weight, active, inactive }`; the one added last comes first.
 */
export class Reference {
  constructor(scheduler) {
    this.servers = []
    this.use(scheduler)
  }

  /** Changes the scheduler: it starts anew. */
  use(scheduler) {
    this.scheduler = scheduler
    this.last = undefined
    if (scheduler === 'wrr') this.#prepare()
    if (scheduler === 'wrr') this.currentWeight = this.maxWeight
  }

  add(name, weight, { active = 0, inactive = 0 } = {}) {
    const server = { name, weight, active, inactive }
    this.servers.unshift(server)
    this.#changed()
    return server
  }

  edit(name, weight) {
    this.find(name).weight = weight
    this.#changed()
  }

  remove(name) {
    const at = this.servers.findIndex((server) => server.name === name)
    const [gone] = this.servers.splice(at, 1)
    // rr: the cursor moves to the entry before, or to the list's head
    if (this.last === gone) this.last = this.servers[at - 1]
    this.#changed()
    return gone
  }

  find(name) {
    return this.servers.find((server) => server.name === name)
  }

  /** The server for a new connection, or undefined. */
  pick() {
    return { rr: () => this.#rr(), wrr: () => this.#wrr(), lc: () => this.#lc(), wlc: () => this.#wlc() }[
      this.scheduler
    ]()
  }

  /** wrr, on every addition, deletion and edit: back to the head; step and highest weight anew; the current weight made to fit. */
  #changed() {
    if (this.scheduler !== 'wrr') return
    this.last = undefined
    this.#prepare()
    if (this.currentWeight > this.maxWeight || this.currentWeight === 0) this.currentWeight = this.maxWeight
    else if (this.step > 1) this.currentWeight = Math.floor(this.currentWeight / this.step) * this.step + 1
  }

  #prepare() {
    const weights = this.servers.map((server) => server.weight).filter((weight) => weight > 0)
    this.step = weights.reduce(gcd, 0) || 1
    this.maxWeight = weights.length === 0 ? 0 : Math.max(...weights) - (this.step - 1)
  }

  /** The next one of weight after the one used last, in a circle. */
  #rr() {
    const from = this.last ? this.servers.indexOf(this.last) + 1 : 0
    const circle = [...this.servers.slice(from), ...this.servers.slice(0, from)]
    const found = circle.find((server) => server.weight > 0)
    if (found) this.last = found
    return found
  }

  #wrr() {
    if (this.maxWeight === 0) return undefined
    const started = this.last
    let at = started ? this.servers.indexOf(started) + 1 : 0
    let restarted = false
    let lastPass = false
    for (;;) {
      for (; at < this.servers.length; at += 1) {
        const server = this.servers[at]
        if (server.weight >= this.currentWeight) {
          this.last = server
          return server
        }
        if (lastPass && restarted && server === started) {
          this.last = server
          return undefined
        }
      }
      // the list's end
      this.currentWeight -= this.step
      if (this.currentWeight <= 0) {
        this.currentWeight = this.maxWeight
        if (lastPass || !started) {
          this.last = undefined
          return undefined
        }
        restarted = true
      }
      lastPass = this.currentWeight <= this.step
      at = 0
    }
  }

  #lc() {
    let best
    for (const server of this.servers)
      if (server.weight > 0 && (!best || overhead(server) < overhead(best))) best = server
    return best
  }

  #wlc() {
    let best
    for (const server of this.servers)
      if (server.weight > 0 && (!best || overhead(best) * server.weight > overhead(server) * best.weight)) best = server
    return best
  }
}

/** An active connection costs as much as 256 inactive ones. */
const overhead = ({ active, inactive }) => 256 * active + inactive
