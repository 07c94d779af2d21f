import type { Advert } from './advert.js'

/**
 * One virtual router's election, RFC 9568 section 6, as a machine without a clock or a socket: it is told the time with
 * each event, says what to do, and until when it wants to be left alone. Times are milliseconds of one monotonic clock.
 */

export type VrrpState = 'stopped' | 'fault' | 'backup' | 'master'

export interface MachineOptions {
  readonly version: 2 | 3
  /** 1 to 254; 255: owner of the addresses, who never waits. */
  readonly priority: number
  /** Milliseconds between our advertisements. */
  readonly interval: number
  /** False: a master of lower priority stays what it is. */
  readonly preempt: boolean
  /** Milliseconds that a master of lower priority is left alone, from when it is first heard. */
  readonly preemptDelay: number
  /** Adverts that may be missed before a backup takes over. RFC: 3. */
  readonly downAdverts?: number
  /** Our address, as bytes in network order: the greater one wins among equal priorities. */
  readonly address: Uint8Array
}

export type Action =
  /** Send an advertisement with this priority. */
  | { readonly do: 'advertise'; readonly priority: number }
  /** Take the addresses, or give them back, and tell whoever wants to know. */
  | { readonly do: 'become'; readonly state: VrrpState }
  /** Tell the link where the addresses are (gratuitous ARP, unsolicited NA). */
  | { readonly do: 'announce' }
  /** Another master of lower priority was heard: there were two. */
  | { readonly do: 'report'; readonly what: 'lower-priority-master' }

const DOWN_ADVERTS = 3
const OWNER = 255

export class VrrpMachine {
  #state: VrrpState = 'stopped'
  #priority: number
  /** The master's interval, as last heard. */
  #heard: number
  #deadline: number | undefined
  /** When it became master. */
  #since = 0
  /** Until when a lower master is left alone, once one was heard. */
  #patience: number | undefined

  constructor(readonly options: MachineOptions) {
    this.#priority = options.priority
    this.#heard = options.interval
  }

  get state(): VrrpState {
    return this.#state
  }

  get priority(): number {
    return this.#priority
  }

  /** When {@link expire} wants to be called; undefined: never. */
  get deadline(): number | undefined {
    return this.#deadline
  }

  /** Enters the election. */
  start(now: number): Action[] {
    if (this.#priority === OWNER) return this.#master(now)
    return this.#backup(now, this.options.interval)
  }

  /** Leaves it in order: a master tells so, and the next one follows within its skew time. */
  stop(): Action[] {
    return this.#leave('stopped')
  }

  /** Something that this router cannot be master without is broken. */
  fault(): Action[] {
    return this.#state === 'fault' ? [] : this.#leave('fault')
  }

  #leave(state: 'stopped' | 'fault'): Action[] {
    const was = this.#state
    this.#state = state
    this.#deadline = undefined
    this.#patience = undefined
    if (was === state) return []
    const told: Action[] = was === 'master' ? [{ do: 'advertise', priority: 0 }] : []
    return [...told, { do: 'become', state }]
  }

  /** A tracked thing has changed what this router is worth: 1 to 254, or 255 for the owner. */
  setPriority(priority: number, now: number): Action[] {
    if (priority === this.#priority) return []
    this.#priority = priority
    if (this.#state === 'backup') {
      if (priority === OWNER) return this.#master(now)
      // what is left of the wait, no more than a whole one of the new length
      const whole = now + this.#downTime()
      this.#deadline = Math.min(this.#deadline ?? whole, whole)
    }
    // a master tells its new worth at once: who is worth more by now should not have to wait for it
    return this.#state === 'master' ? this.#advertise(now) : []
  }

  /** Takes over without an election: another virtual router of its group has. */
  promote(now: number): Action[] {
    return this.#state === 'backup' ? this.#master(now) : []
  }

  /** Gives way without having heard anybody: another virtual router of its group has. The next one follows at once. */
  demote(now: number): Action[] {
    if (this.#state !== 'master') return []
    return [{ do: 'advertise', priority: 0 }, ...this.#backup(now, this.options.interval)]
  }

  /** The deadline has come. Called too early it does nothing. */
  expire(now: number): Action[] {
    if (this.#deadline === undefined || now < this.#deadline) return []
    return this.#state === 'master' ? this.#advertise(now) : this.#master(now)
  }

  /** An advertisement of this virtual router came from `source`, an address as bytes. */
  receive(advert: Pick<Advert, 'priority' | 'interval'>, source: Uint8Array, now: number): Action[] {
    if (this.#state === 'backup') return this.#receiveAsBackup(advert, now)
    if (this.#state === 'master') return this.#receiveAsMaster(advert, source, now)
    return []
  }

  #receiveAsBackup({ priority, interval }: Pick<Advert, 'priority' | 'interval'>, now: number): Action[] {
    if (priority === 0) {
      this.#deadline = now + this.#skew()
      return []
    }
    if (this.options.version === 3) this.#heard = interval
    if (priority >= this.#priority) this.#patience = undefined
    else if (this.#impatient(now)) return []
    this.#deadline = now + this.#downTime()
    return []
  }

  /** Is a lower master, just heard, to be taken over from? Then the time goes on running down. */
  #impatient(now: number): boolean {
    const { preempt, preemptDelay } = this.options
    if (!preempt) return false
    this.#patience ??= now + preemptDelay
    return now >= this.#patience
  }

  #receiveAsMaster(advert: Pick<Advert, 'priority' | 'interval'>, source: Uint8Array, now: number): Action[] {
    const { priority } = advert
    // it was master as well, and gives up: the link may still send to it
    if (priority === 0) return [...this.#advertise(now), { do: 'announce' }]
    const order = compareBytes(source, this.options.address)
    // our own, come back by a loop in the link
    if (priority === this.#priority && order === 0) return []
    if (priority > this.#priority || (priority === this.#priority && order > 0)) {
      // who stays has to know that there were two, to tell the link again where the addresses are: it may not have heard us
      return [...this.#advertise(now), ...this.#backup(now, advert.interval)]
    }
    // it steps back when it hears us; until then it has told the link that the addresses are its own
    const told: Action[] = [...this.#advertise(now), { do: 'announce' }]
    // the one that was just taken over from is no rival
    const isNew = now - this.#since < this.options.interval
    return isNew ? told : [...told, { do: 'report', what: 'lower-priority-master' }]
  }

  #backup(now: number, heard: number): Action[] {
    this.#state = 'backup'
    this.#heard = heard
    this.#patience = undefined
    this.#deadline = now + this.#downTime()
    return [{ do: 'become', state: 'backup' }]
  }

  #master(now: number): Action[] {
    this.#state = 'master'
    this.#since = now
    this.#heard = this.options.interval
    this.#patience = undefined
    this.#deadline = undefined
    return [...this.#advertise(now), { do: 'become', state: 'master' }, { do: 'announce' }]
  }

  #advertise(now: number): Action[] {
    const { interval } = this.options
    const next = (this.#deadline ?? now) + interval
    // on time, the intervals add up without drift; late by more than one, they begin anew
    this.#deadline = next > now && next <= now + interval ? next : now + interval
    return [{ do: 'advertise', priority: this.#priority }]
  }

  /** RFC 3768 section 6.1, RFC 9568 section 6.1: the lower the priority, the longer the wait. */
  #skew(): number {
    const whole = this.options.version === 2 ? 1000 : this.#heard
    return ((256 - this.#priority) * whole) / 256
  }

  #downTime(): number {
    const interval = this.options.version === 2 ? this.options.interval : this.#heard
    return (this.options.downAdverts ?? DOWN_ADVERTS) * interval + this.#skew()
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.max(a.byteLength, b.byteLength); i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
