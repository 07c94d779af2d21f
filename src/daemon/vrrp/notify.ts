import { spawnSync } from 'node:child_process'
import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs'
import type { NotifyPlan, VrrpPlan } from '../../config/index.js'
import { runHook } from '../hooks.js'
import type { Word } from './messages.js'

const names = { master: 'MASTER', backup: 'BACKUP', fault: 'FAULT', stopped: 'STOP' } as const

/** Tells programs and a pipe what instances and groups do, in keepalived's words. */
export class Notifier {
  #plan: VrrpPlan | undefined
  #pipe: { readonly path: string; readonly fd: number } | undefined

  constructor(readonly failed: (reason: string) => void) {}

  apply(plan: VrrpPlan): void {
    this.#plan = plan
    if (this.#pipe?.path === plan.notifyFifo) return
    this.close()
    if (plan.notifyFifo !== undefined) this.#open(plan.notifyFifo)
  }

  #open(path: string): void {
    try {
      if (!existsSync(path)) {
        const { status, stderr } = spawnSync('mkfifo', ['-m', '600', path], { encoding: 'utf8' })
        if (status !== 0) throw new Error(stderr.trim())
      }
      // for both ways: then it does not matter whether somebody reads already
      this.#pipe = { path, fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK) }
    } catch (error) {
      this.failed(`${path}: ${(error as Error).message}`)
    }
  }

  notify(word: Word): void {
    if (word.type === 'state') {
      const plan = this.#plan?.instances.find(({ name }) => name === word.router)
      this.#say('INSTANCE', word.router, names[word.state], word.priority, plan?.notify, word.state)
    } else if (word.type === 'group') {
      const plan = this.#plan?.groups.find(({ name }) => name === word.group)
      this.#say('GROUP', word.group, names[word.state], word.priority, plan?.notify, word.state)
    } else if (word.type === 'lower-priority-master') {
      const plan = this.#plan?.instances.find(({ name }) => name === word.router)
      if (plan) this.#write(`INSTANCE "${word.router}" MASTER_RX_LOWER_PRI ${plan.priority}\n`)
    }
  }

  #say(
    kind: string,
    name: string,
    state: string,
    priority: number,
    plan: NotifyPlan | undefined,
    key: keyof typeof names,
  ): void {
    this.#write(`${kind} "${name}" ${state} ${priority}\n`)
    const own = plan?.[key === 'stopped' ? 'stop' : key]
    if (own) runHook(own, [], this.failed)
    if (plan?.any) runHook(plan.any, [kind, name, state, String(priority)], this.failed)
  }

  #write(line: string): void {
    if (!this.#pipe) return
    try {
      writeSync(this.#pipe.fd, line)
    } catch (error) {
      // nobody reads, and it is full
      this.failed(`${this.#pipe.path}: ${(error as Error).message}`)
    }
  }

  close(): void {
    if (this.#pipe) closeSync(this.#pipe.fd)
    this.#pipe = undefined
  }
}
