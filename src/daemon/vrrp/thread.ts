import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import type { VrrpPlan } from '../../config/index.js'
import { closeFd, eventFd, signalEvent } from '../../kernel/index.js'
import type { InstanceReport, Order, Word } from './messages.js'

/** Milliseconds until a thread that broke is started again. */
const AGAIN = 1000

/** The thread of the virtual routers, from outside. */
export class VrrpThread {
  readonly #wake = eventFd()
  #worker: Worker | undefined
  #port: MessagePort | undefined
  #ended: Promise<void> = Promise.resolve()
  #stopping = false
  #plan: VrrpPlan | undefined
  readonly #tracked = new Map<string, Order>()
  readonly #asked = new Map<number, (instances: readonly InstanceReport[]) => void>()
  #next = 1

  /** @param hear is told what routers do @param broken the thread ended by itself, and is started again */
  constructor(
    readonly hear: (word: Exclude<Word, { type: 'report' }>) => void,
    readonly broken: (reason: string) => void,
  ) {}

  apply(plan: VrrpPlan): void {
    this.#plan = plan
    if (!this.#worker) {
      // nothing to do is done without a thread
      if (plan.instances.length === 0) return
      this.#start()
    }
    this.#send({ order: 'apply', plan })
  }

  track(kind: 'script' | 'service', name: string, ok: boolean | undefined): void {
    const order: Order = { order: 'tracked', kind, name, ok }
    this.#tracked.set(`${kind} ${name}`, order)
    this.#send(order)
  }

  async report(): Promise<readonly InstanceReport[]> {
    if (!this.#port) return []
    const id = this.#next
    this.#next += 1
    return new Promise((resolve) => {
      this.#asked.set(id, resolve)
      this.#send({ order: 'report', id })
    })
  }

  #start(): void {
    const { port1, port2 } = new MessageChannel()
    // both from dist/daemon/vrrp/ and from the bundles in dist/bin/
    const program = new URL(
      import.meta.url.includes('/dist/bin/') ? './vrrp-worker.js' : '../../bin/vrrp-worker.js',
      import.meta.url,
    )
    const worker = new Worker(program, { workerData: { wake: this.#wake, port: port2 }, transferList: [port2] })
    this.#worker = worker
    this.#port = port1
    port1.on('message', (word: Word) => {
      if (word.type !== 'report') return this.hear(word)
      this.#asked.get(word.id)?.(word.instances)
      this.#asked.delete(word.id)
    })
    worker.on('error', (error) => this.broken(error.message))
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        port1.close()
        this.#worker = undefined
        this.#port = undefined
        for (const answer of this.#asked.values()) answer([])
        this.#asked.clear()
        resolve()
        if (!this.#stopping) setTimeout(() => this.#restart(), AGAIN)
      })
    })
    for (const order of this.#tracked.values()) this.#send(order)
  }

  #restart(): void {
    if (this.#stopping || this.#worker || !this.#plan) return
    this.#start()
    this.#send({ order: 'apply', plan: this.#plan })
  }

  #send(order: Order): void {
    if (!this.#port) return
    this.#port.postMessage(order)
    signalEvent(this.#wake)
  }

  /** All routers leave their elections in order: others take over at once. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#send({ order: 'stop' })
    await this.#ended
    closeFd(this.#wake)
  }
}
