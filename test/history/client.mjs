// The client's process of the connection-history checker: opens connections, keeps them, asks each again and again who
// answers, and writes down every one that moved or broke. One request a message, as in test/lib/agent.mjs.
import { connect } from 'node:net'
import { random } from '../lib/reference.mjs'

const TICK_MS = 20

/** @type {Set<object>} connections that stand */
const live = new Set()
const totals = { opened: 0, closed: 0, released: 0, asked: 0, answered: 0, refused: 0, longestWait: 0 }
const moved = []
const broken = []
let settings
let timer
let opening = 0
/** Opens stop while this is more than nothing, and those under way are waited for. */
let held = 0
let cursor = 0

const now = () => performance.now()

/** One connection: `name` is the server that answered first, `waiting` since when an answer is due. */
function open() {
  const { targets, rand } = settings
  const { host, port } = targets[rand(targets.length)]
  const socket = connect({ host, port, noDelay: true })
  const entry = { socket, port: 0, target: `${host}:${port}`, name: undefined, waiting: 0, text: '', over: false }
  opening += 1
  totals.opened += 1
  const settled = () => {
    if (entry.settled) return
    entry.settled = true
    opening -= 1
  }
  socket.on('connect', () => {
    settled()
    entry.port = socket.localPort
    live.add(entry)
    ask(entry)
  })
  socket.on('data', (data) => {
    entry.text += data
    for (let end = entry.text.indexOf('\n'); end >= 0; end = entry.text.indexOf('\n')) {
      answered(entry, entry.text.slice(0, end))
      entry.text = entry.text.slice(end + 1)
    }
  })
  const ended = (how) => {
    settled()
    if (entry.over) return
    entry.over = true
    if (!live.delete(entry)) {
      totals.refused += 1
      broken.push({ at: Date.now(), target: entry.target, port: entry.port, how: `opening: ${how}` })
      return
    }
    broken.push({ at: Date.now(), target: entry.target, port: entry.port, name: entry.name, how })
  }
  socket.on('error', (error) => ended(error.code))
  socket.on('close', () => ended('closed'))
}

function ask(entry) {
  entry.waiting = now()
  totals.asked += 1
  entry.socket.write('name\n')
}

function answered(entry, name) {
  totals.answered += 1
  totals.longestWait = Math.max(totals.longestWait, now() - entry.waiting)
  entry.waiting = 0
  entry.name ??= name
  if (name !== entry.name)
    moved.push({ at: Date.now(), target: entry.target, port: entry.port, from: entry.name, to: name })
}

/** Ends a connection on purpose. */
function leave(entry, reset) {
  entry.over = true
  live.delete(entry)
  if (reset) entry.socket.resetAndDestroy()
  else entry.socket.end()
}

function tick() {
  const { connections, asksPerTick, opensPerTick, closesPerTick, rand } = settings
  if (held === 0) {
    for (let i = 0; i < opensPerTick && live.size + opening < connections; i += 1) open()
  }
  const all = [...live]
  if (all.length === 0) return
  for (let i = 0; i < asksPerTick; i += 1) {
    cursor = (cursor + 1) % all.length
    if (all[cursor].waiting === 0) ask(all[cursor])
  }
  if (live.size < connections * 0.9) return
  for (let i = 0; i < closesPerTick; i += 1) {
    const entry = all[rand(all.length)]
    // one that waits for a server which is away stays
    if (entry.waiting !== 0 || entry.over) continue
    totals.closed += 1
    leave(entry, rand(4) === 0)
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const requests = {
  /** Begins: `targets` are the services, `connections` how many stay open. */
  async start({ seed, ...rest }) {
    settings = { ...rest, rand: random(seed) }
    timer = setInterval(tick, TICK_MS)
  },

  /** How many connections stand now. */
  count: async () => live.size,

  /** No new connection from now on; returns when none is half open. */
  async hold() {
    held += 1
    while (opening > 0) await pause(5)
  },

  async resume() {
    held -= 1
  },

  /** Lets the connections of a server go, because it is gone for good. */
  async release({ name }) {
    for (const entry of [...live]) {
      if (entry.name !== name) continue
      totals.released += 1
      leave(entry, true)
    }
  },

  /** Stops, then asks every connection once more and waits for the answers, `seconds` at most. */
  async settle({ seconds }) {
    clearInterval(timer)
    const end = now() + seconds * 1000
    while (opening > 0 && now() < end) await pause(20)
    for (const entry of live) if (entry.waiting === 0) ask(entry)
    const waiting = () => [...live].filter((entry) => entry.waiting !== 0)
    while (waiting().length > 0 && now() < end) await pause(20)
    const stalled = waiting().map(({ target, port, name, waiting: since }) => ({
      target,
      port,
      name,
      milliseconds: Math.round(now() - since),
    }))
    return {
      ...totals,
      longestWait: Math.round(totals.longestWait),
      live: [...live].map(({ port, target, name }) => ({ port, target, name })),
      moved,
      broken,
      stalled,
    }
  },

  /** Resets all that stands. */
  async end() {
    clearInterval(timer)
    for (const entry of [...live]) leave(entry, true)
  },
}

process.on('message', async ({ id, what, args }) => {
  try {
    process.send({ id, result: await requests[what](args) })
  } catch (error) {
    process.send({ id, error: { message: error.message, code: error.code } })
  }
})
process.on('disconnect', () => process.exit())
