import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SluiceError } from '../errors.js'
import type { Ledger } from './ledger.js'
import { namespacePath } from './namespace.js'
import { endGroup, isAlive, launch, type ProcessIdentity } from './process.js'
import { hostEnvironment, run } from './program.js'

export interface Result {
  /** Exit status; 128 plus the signal's number after a signal, as a shell has it. */
  readonly status: number
  /** Standard output and standard error in one, as a terminal shows them. */
  readonly output: string
}

/** One machine of a lab: a network namespace and a directory, which is its home and holds its servers' files and logs. */
export class Host {
  readonly namespace: string
  readonly home: string

  constructor(
    readonly name: string,
    private readonly ledger: Ledger,
    private readonly signal: AbortSignal,
  ) {
    this.namespace = `${ledger.record.prefix}-${name}`
    this.home = join(ledger.record.directory, name)
    mkdirSync(this.home, { recursive: true })
  }

  /** A file in the host's home. */
  path(...parts: string[]): string {
    return join(this.home, ...parts)
  }

  /** Sets kernel parameters, given as sysctl(8) names them: `{ 'net.ipv4.ip_forward': 1 }`. */
  async sysctl(values: Readonly<Record<string, number>>): Promise<void> {
    await this.must('sysctl', '-qw', ...Object.entries(values).map(([name, value]) => `${name}=${value}`))
  }

  /** `ip …` on this host. */
  async ip(...args: string[]): Promise<void> {
    this.signal.throwIfAborted()
    await run('ip', ['-n', this.namespace, ...args])
  }

  async route(destination: string, via: string): Promise<void> {
    await this.ip('route', 'add', destination, 'via', via)
  }

  /** Runs a program to its end; never throws for its status. */
  exec(program: string, ...args: string[]): Promise<Result> {
    return this.execute([program, ...args], [program, ...args].join(' '))
  }

  /** Runs a command line as a shell does. */
  shell(line: string): Promise<Result> {
    return this.execute(['/bin/sh', '-c', `exec 2>&1\n${line}`], line)
  }

  /** @throws SluiceError `SLUICE_COMMAND` when the status is not 0. */
  async must(program: string, ...args: string[]): Promise<string> {
    const { status, output } = await this.exec(program, ...args)
    if (status === 0) return output
    throw new SluiceError('SLUICE_COMMAND', {
      command: `${[program, ...args].join(' ')} on ${this.name}`,
      reason: output.trim().split('\n').at(-1) || `status ${status}`,
    })
  }

  /** Starts a server or another program that stays; its output goes to `LABEL.log` in the host's home. */
  async start(label: string, program: string, ...args: string[]): Promise<Daemon> {
    this.signal.throwIfAborted()
    const log = this.path(`${label}.log`)
    const output = openSync(log, 'a')
    try {
      let identity: ProcessIdentity | undefined
      const child = await launch(this.enter([program, ...args]), {
        cwd: this.home,
        env: hostEnvironment(this.home),
        output,
        register: (found) => {
          identity = found
          this.ledger.addProcess({ ...found, host: this.name, command: [program, ...args].join(' ') })
        },
      })
      child.unref()
      return new Daemon(this, label, log, identity as ProcessIdentity, this.ledger)
    } finally {
      closeSync(output)
    }
  }

  private enter(argv: readonly string[]): string[] {
    // not `ip netns exec`: that mounts a /sys of its own, and with it hides the machine's BPF file system
    return ['nsenter', `--net=${namespacePath(this.namespace)}`, '--', ...argv]
  }

  private async execute(argv: readonly string[], command: string): Promise<Result> {
    this.signal.throwIfAborted()
    let identity: ProcessIdentity | undefined
    const child = await launch(this.enter(argv), {
      cwd: this.home,
      env: hostEnvironment(this.home),
      output: 'pipe',
      register: (found) => {
        identity = found
        this.ledger.addProcess({ ...found, host: this.name, command })
      },
    })
    const chunks: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => chunks.push(text))
    }
    const stop = () => identity && endGroup(identity, 200)
    this.signal.addEventListener('abort', stop, { once: true })
    const status = await new Promise<number>((resolve) => {
      child.on('close', (code, name) => resolve(code ?? 128 + (name ? constants.signals[name] : 0)))
    })
    this.signal.removeEventListener('abort', stop)
    this.signal.throwIfAborted()
    if (identity) this.ledger.removeProcess(identity)
    return { status, output: chunks.join('') }
  }
}

/** A program that runs on a host until it is stopped, or until the lab goes down. */
export class Daemon {
  constructor(
    readonly host: Host,
    readonly label: string,
    /** File with its standard output and standard error. */
    readonly log: string,
    private readonly identity: ProcessIdentity,
    private readonly ledger: Ledger,
  ) {}

  get pid(): number {
    return this.identity.pid
  }

  get running(): boolean {
    return isAlive(this.identity)
  }

  output(): string {
    return readFileSync(this.log, 'utf8')
  }

  /**
   * Waits until `ready` holds.
   * @throws SluiceError `SLUICE_COMMAND` with the last line of its log when it ends before, or is not ready after `seconds`.
   */
  async until(ready: () => boolean | Promise<boolean>, seconds = 10): Promise<void> {
    const limit = Date.now() + seconds * 1000
    while (!(await ready())) {
      const running = this.running
      if (running && Date.now() < limit) {
        await sleep(20)
        continue
      }
      const last = this.output().trim().split('\n').at(-1)
      throw new SluiceError('SLUICE_COMMAND', {
        command: `${this.label} on ${this.host.name}`,
        reason: last || (running ? `not ready after ${seconds} s` : 'it ended'),
      })
    }
  }

  /** Kills it with all that it started, at once: nothing of it can say goodbye. */
  async kill(): Promise<void> {
    if (this.running) process.kill(-this.pid, 'SIGKILL')
    await this.stop()
  }

  /** Sends a signal, waits for the end, and takes it out of the ledger. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.running) process.kill(this.pid, signal)
    const limit = Date.now() + 2000
    while (this.running && Date.now() < limit) await sleep(10)
    await endGroup(this.identity)
    this.ledger.removeProcess(this.identity)
  }
}
