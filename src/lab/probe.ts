import { connect, type Socket } from 'node:net'

/**
 * A client that notices when a service is away: it holds connections to redis open and asks on each all the time, and it
 * opens one new connection after another beside. `node probe.js ADDRESS PORT CONNECTIONS`; at SIGTERM it asks everyone once
 * more, prints what it saw as JSON ({@link ProbeReport}), and ends.
 */

export interface ProbeReport {
  /** Held open from the beginning. */
  readonly connections: number
  /** Of these, ended or never answered again. */
  readonly broken: number
  /** Answers on these. */
  readonly answers: number
  /** New connections that were opened beside and answered. */
  readonly opened: number
  /** Of new connections: the longest time between the beginnings of one that was answered and of the next, ms. */
  readonly gapMs: number
  /** Of those held open: the longest that an answer was waited for, ms. */
  readonly longestWaitMs: number
}

const [address = '', port = '', count = ''] = process.argv.slice(2)
const now = () => performance.now()

/** A question every so often, on each connection, ms. */
const ASK = 20
/** A new connection every so often, ms. */
const OPEN = 10
/** What is not answered by then never will be, ms. */
const PATIENCE = 20_000

let answers = 0
let broken = 0
let longestWait = 0

class Held {
  private readonly socket: Socket
  /** When it was asked what it has not answered yet. */
  private asked: number | undefined
  private over = false

  constructor() {
    this.socket = connect({ host: address, port: Number(port), noDelay: true })
    this.socket.on('data', (data) => {
      for (const byte of data) if (byte === 0x0a) this.answered()
    })
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      if (!this.over) broken += 1
      this.over = true
    })
  }

  ask(): void {
    // one at a time: a queue of questions would tell of its length
    if (this.over || this.asked !== undefined) return
    this.asked = now()
    this.socket.write('PING\r\n')
  }

  private answered(): void {
    if (this.asked === undefined) return
    answers += 1
    longestWait = Math.max(longestWait, now() - this.asked)
    this.asked = undefined
  }

  get waiting(): boolean {
    return !this.over && this.asked !== undefined
  }

  end(): void {
    if (this.waiting) broken += 1
    this.over = true
    this.socket.destroy()
  }
}

let opened = 0
let gap = 0
let lastAnswered: number | undefined

function open(): void {
  const begun = now()
  const socket = connect({ host: address, port: Number(port) })
  socket.on('connect', () => socket.write('PING\r\n'))
  socket.on('data', () => {
    opened += 1
    // an older one may be answered later than a younger one
    if (lastAnswered === undefined || begun > lastAnswered) {
      if (lastAnswered !== undefined) gap = Math.max(gap, begun - lastAnswered)
      lastAnswered = begun
    }
    socket.destroy()
  })
  socket.on('error', () => {})
  setTimeout(() => socket.destroy(), PATIENCE).unref()
}

const held = Array.from({ length: Number(count) }, () => new Held())
const asking = setInterval(() => {
  for (const each of held) each.ask()
}, ASK)
const opening = setInterval(open, OPEN)

process.on('SIGTERM', async () => {
  clearInterval(opening)
  clearInterval(asking)
  const limit = now() + PATIENCE
  const wait = async () => {
    while (held.some((each) => each.waiting) && now() < limit) await new Promise((done) => setTimeout(done, 20))
  }
  await wait()
  for (const each of held) each.ask()
  await wait()
  for (const each of held) each.end()
  const report: ProbeReport = {
    connections: held.length,
    broken,
    answers,
    opened,
    gapMs: Math.round(gap),
    longestWaitMs: Math.round(longestWait),
  }
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0))
})
