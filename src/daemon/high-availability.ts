import type { Config } from '../config/index.js'
import type { Daemon } from './daemon.js'
import type { Tell } from './events.js'
import { type InstanceReport, Notifier, TrackedScripts, VrrpThread, type Word } from './vrrp/index.js'

/** What a daemon does for the VIP: virtual routers, with the scripts and services that they depend on, and notices. */
export class HighAvailability {
  readonly #thread: VrrpThread
  readonly #notifier: Notifier
  readonly #scripts: TrackedScripts

  constructor(
    readonly daemon: Daemon,
    readonly tell: Tell,
  ) {
    this.#notifier = new Notifier((reason) => tell({ type: 'error', what: 'a notice', reason }))
    this.#thread = new VrrpThread(
      (word) => this.#hear(word),
      (reason) => tell({ type: 'error', what: 'vrrp', reason }),
    )
    this.#scripts = new TrackedScripts((name, ok) => this.#thread.track('script', name, ok))
    daemon.onQuorum((service, quorum) => this.#thread.track('service', service, quorum))
    this.apply(daemon.config)
  }

  apply({ vrrp, services }: Config): void {
    this.#notifier.apply(vrrp)
    for (const { name } of services) this.#thread.track('service', name, this.daemon.quorum(name))
    const tracked = new Set(vrrp.instances.flatMap(({ track }) => track.scripts.map(({ name }) => name)))
    this.#scripts.keep(vrrp.scripts.filter(({ name }) => tracked.has(name)))
    this.#thread.apply(vrrp)
  }

  #hear(word: Exclude<Word, { type: 'report' }>): void {
    this.#notifier.notify(word)
    if (word.type === 'state')
      this.tell({ type: 'vrrp', instance: word.router, state: word.state, priority: word.priority })
    else if (word.type === 'group')
      this.tell({ type: 'vrrp', instance: `group ${word.group}`, state: word.state, priority: word.priority })
    else if (word.type === 'error') this.tell({ type: 'error', what: `vrrp ${word.router}`, reason: word.reason })
    else this.tell({ type: 'note', text: `vrrp ${word.router}: ${word.source} of lower priority is master, too` })
  }

  report(): Promise<readonly InstanceReport[]> {
    return this.#thread.report()
  }

  /** Gives the addresses to whoever else there is. */
  async stop(): Promise<void> {
    this.#scripts.stop()
    await this.#thread.stop()
    this.#notifier.close()
  }
}
