// Hosts with sockets: a namespace and a Node process in it, which opens, sends and listens when told to.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Namespace } from './netns.mjs'

const agent = fileURLToPath(new URL('./agent.mjs', import.meta.url))

export class Host extends Namespace {
  /** The program of the process; a test with requests of its own names another before it asks first. */
  agent = agent
  #child
  #calls = new Map()
  #next = 1

  #start() {
    this.#child = spawn('nsenter', [`--net=${this.path}`, process.execPath, this.agent], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', ({ id, error, result }) => {
      const call = this.#calls.get(id)
      this.#calls.delete(id)
      if (error)
        call.reject(Object.assign(new Error(`${this.name}: ${call.what}: ${error.message}`), { code: error.code }))
      else call.resolve(result)
    })
    this.#child.on('exit', () => {
      for (const { reject } of this.#calls.values()) reject(new Error(`${this.name}: its process ended`))
    })
  }

  /** Asks the process in the namespace: see agent.mjs for what it can do. */
  ask(what, args = {}) {
    if (!this.#child) this.#start()
    const id = this.#next
    this.#next += 1
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, what })
      this.#child.send({ id, what, args })
    })
  }

  /** Ends the process, then takes away the namespace. */
  async close() {
    if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL')
      await once(this.#child, 'exit')
    }
    this.remove()
  }

  remove() {
    this.#child?.kill('SIGKILL')
    super.remove()
  }
}

/** Waits until a condition holds. @throws after `seconds`, with what was seen last */
export async function until(what, condition, seconds = 20) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const seen = await condition()
    if (seen) return seen
    if (Date.now() > end) throw new Error(`after ${seconds} s still not so: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
