import { Protocol } from './message.js'

/** The parameters of the table that say when a connection is sent: `net.ipv4.vs.sync_*`. */
export interface SendingRules {
  /** `sync_threshold`: a connection is sent when its packets, modulo the period, reach the threshold. */
  readonly threshold: number
  /** 0: it is sent at the threshold and not again. */
  readonly period: number
  /** `sync_refresh_period`, seconds; 0: not used. It sends a connection when its remaining life has changed that much. */
  readonly refreshPeriod: number
  /** `sync_retries`: more times that a refresh is sent. */
  readonly retries: number
  /** `sync_persist_mode`: of persistent services only templates are sent. */
  readonly templatesOnly: boolean
}

/** What is looked at of a connection or template. Times are seconds of one clock. */
export interface Sight {
  readonly family: 0 | 1
  /** The record's number, and which of its uses it is. */
  readonly id: number
  readonly generation: number
  readonly template: boolean
  /** It counts on a template. */
  readonly controlled: boolean
  readonly protocol: number
  /** IPVS's number of the state. */
  readonly state: number
  /** Packets of the client, modulo 2^32; of a template not looked at. */
  readonly packets: number
  /** Seconds that the state lasts. */
  readonly timeout: number
  /** Another director told of it: what it is without packets here is no news. */
  readonly told: boolean
}

const TCP_ESTABLISHED = 1
/** ESTABLISHED, FIN_WAIT, TIME_WAIT, CLOSE, CLOSE_WAIT: what comes before is too short to be worth it. */
const TCP_SENT = (1 << 1) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 7)
const SCTP_ESTABLISHED = 8
/** ESTABLISHED, the SHUTDOWN states, CLOSED. */
const SCTP_SENT = (1 << 8) | (1 << 9) | (1 << 10) | (1 << 11) | (1 << 13)

/** Records in a row whose memory is allocated at once. */
const CHUNK = 4096

/** What is remembered of each record: 21 bytes. */
interface Chunk {
  /** 0: never looked at; otherwise the generation + 1. */
  readonly generation: Uint32Array
  readonly packets: Uint32Array
  readonly state: Uint8Array
  /** Tenths of a second, + 1; 0: never. */
  readonly sent: Uint32Array
  readonly end: Uint32Array
  readonly retries: Uint8Array
}

const newChunk = (): Chunk => ({
  generation: new Uint32Array(CHUNK),
  packets: new Uint32Array(CHUNK),
  state: new Uint8Array(CHUNK),
  sent: new Uint32Array(CHUNK),
  end: new Uint32Array(CHUNK),
  retries: new Uint8Array(CHUNK),
})

const tenths = (seconds: number) => Math.floor(seconds * 10) + 1

/** What a look said: `moved` where the connection had packets or another state since the last look. */
export interface Verdict {
  readonly due: boolean
  readonly moved: boolean
}

const IDLE: Verdict = { due: false, moved: false }
const MOVED: Verdict = { due: false, moved: true }
const DUE: Verdict = { due: true, moved: true }

/**
 * Says which connections are due to be sent, by kernel IPVS's rules. The kernel decides at each packet; this looks now and
 * then, and asks what the packets since the last look would have decided. A connection that it never saw is judged by all
 * of its packets: a master that starts tells all that it has. Of what another director told, only packets that came here
 * are news.
 *
 * Two things it does on its own account. A connection with so little traffic that its state would run out at the backup is
 * sent at half of that time. A template, which the kernel sends with every packet of its connections, is sent when it is
 * made, and then as they move, no more often than {@link TEMPLATE_INTERVAL}.
 */
export class Selection {
  readonly #chunks: [(Chunk | undefined)[], (Chunk | undefined)[]] = [[], []]

  constructor(public rules: SendingRules) {}

  look(sight: Sight, now: number): Verdict {
    const { id, generation } = sight
    const chunk = this.#chunkOf(sight)
    const at = id % CHUNK
    const fresh = chunk.generation[at] !== (generation + 1) >>> 0
    if (fresh) {
      chunk.generation[at] = generation + 1
      chunk.packets[at] = 0
      chunk.state[at] = 0
      chunk.sent[at] = 0
      chunk.end[at] = 0
      chunk.retries[at] = 0
    }
    const before = chunk.packets[at] as number
    if (sight.told && (fresh || ((sight.packets - before) | 0) <= 0)) {
      chunk.packets[at] = sight.packets
      chunk.state[at] = sight.state
      if (fresh) chunk.sent[at] = tenths(now)
      return IDLE
    }
    if (sight.template) return fresh ? this.#send(chunk, at, sight, now) : IDLE
    // a server's packet changes the state too, and the client's may be lost
    if (!fresh && sight.packets === before && !changesState(sight, chunk.state[at] as number)) return IDLE
    chunk.packets[at] = sight.packets
    return this.#judge(chunk, at, sight, before, now) ? this.#send(chunk, at, sight, now) : MOVED
  }

  /** A template one of whose connections moved. */
  lookAtParent(sight: Sight, now: number): boolean {
    if (this.look(sight, now).due) return true
    const chunk = this.#chunkOf(sight)
    const at = sight.id % CHUNK
    const interval = Math.min(TEMPLATE_INTERVAL, Math.max(1, sight.timeout / 4))
    if (tenths(now) - (chunk.sent[at] as number) < interval * 10) return false
    return this.#send(chunk, at, sight, now).due
  }

  #judge(chunk: Chunk, at: number, sight: Sight, before: number, now: number): boolean {
    const { threshold, period, refreshPeriod, templatesOnly } = this.rules
    const { protocol, state, packets, timeout } = sight
    if (templatesOnly && sight.controlled) return false
    if (!isSent(protocol, state)) return false
    if (changesState(sight, chunk.state[at] as number) && !isEstablished(protocol, state)) return true
    const sent = chunk.sent[at] as number
    if (sent > 0 && (tenths(now) - sent) * 2 >= timeout * 10) return true
    if (refreshPeriod > 0 && !this.#refreshes(chunk, at, timeout, now)) return false
    if (period > 0) return crosses(before, packets, threshold, period)
    return refreshPeriod > 0 || (before < threshold && packets >= threshold)
  }

  /** sync_refresh_period: whether the end of its life has moved enough, or a retry is left. */
  #refreshes(chunk: Chunk, at: number, timeout: number, now: number): boolean {
    const { refreshPeriod, retries } = this.rules
    const end = chunk.end[at] as number
    const least = Math.min(refreshPeriod, Math.max(timeout / 2, 10)) * 10
    if (end === 0 || Math.abs(tenths(now + timeout) - end) >= least) {
      chunk.retries[at] = 0
      return true
    }
    const done = chunk.retries[at] as number
    if (done >= retries || tenths(now) < end - timeout * 10 + refreshPeriod / 0.8) return false
    chunk.retries[at] = done + 1
    return true
  }

  #send(chunk: Chunk, at: number, { state, timeout }: Sight, now: number): Verdict {
    chunk.state[at] = state
    chunk.sent[at] = tenths(now)
    chunk.end[at] = tenths(now + timeout)
    return DUE
  }

  #chunkOf({ family, id }: Sight): Chunk {
    const chunks = this.#chunks[family]
    const index = Math.floor(id / CHUNK)
    chunks[index] ??= newChunk()
    return chunks[index]
  }
}

/** Seconds between two messages about a template whose connections go on. */
export const TEMPLATE_INTERVAL = 10

const hasStates = (protocol: number) => protocol === Protocol.TCP || protocol === Protocol.SCTP

const changesState = ({ protocol, state }: Sight, before: number) =>
  hasStates(protocol) && state !== before && isSent(protocol, state)

function isEstablished(protocol: number, state: number): boolean {
  return state === (protocol === Protocol.SCTP ? SCTP_ESTABLISHED : TCP_ESTABLISHED)
}

/** Whether a connection in that state is told to anybody. */
export function isSent(protocol: number, state: number): boolean {
  if (protocol === Protocol.TCP) return ((TCP_SENT >> state) & 1) === 1
  if (protocol === Protocol.SCTP) return ((SCTP_SENT >> state) & 1) === 1
  return true
}

/** Whether a number in (before, after] is `threshold` modulo `period`. */
function crosses(before: number, after: number, threshold: number, period: number): boolean {
  const steps = (packets: number) => Math.floor((packets - threshold) / period)
  return steps(after) > steps(before) || (before === 0 && threshold === 0 && after > 0)
}
