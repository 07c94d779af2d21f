import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Daemon, Host } from './host.js'
import { packageRoot } from './paths.js'
import type { ProbeReport } from './probe.js'

const program = join(packageRoot, 'dist/lab/probe.js')

let count = 0

/** A client that watches a redis service from a host: see {@link ProbeReport}. */
export class Watch {
  constructor(private readonly daemon: Daemon) {}

  /** Ends it, and says what it saw. */
  async end(): Promise<ProbeReport> {
    process.kill(this.daemon.pid, 'SIGTERM')
    await this.daemon.until(() => this.daemon.output().includes('\n'), 60)
    const report = JSON.parse(this.daemon.output()) as ProbeReport
    await this.daemon.stop()
    return report
  }
}

/**
 * Begins to watch, and waits a moment, so that there is a before.
 * @param connections held open
 */
export async function watch(host: Host, address: string, port: number, connections: number): Promise<Watch> {
  count += 1
  const words = [program, address, String(port), String(connections)]
  const daemon = await host.start(`watch${count}`, process.execPath, ...words)
  await sleep(1500)
  return new Watch(daemon)
}
