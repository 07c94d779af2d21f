import { setTimeout as sleep } from 'node:timers/promises'
import type { Daemon, Host } from './host.js'
import type { Transcript } from './transcript.js'

/** One line of `tcpdump -tnne` about a TCP segment. */
export interface Frame {
  readonly sourceMac: string
  readonly destinationMac: string
  /** `address.port`, as tcpdump writes it. */
  readonly source: string
  readonly destination: string
  readonly flags: string
}

const segment = /^([0-9a-f:]{17}) > ([0-9a-f:]{17}), .*?: (\S+) > (\S+): Flags \[([^\]]*)\]/gm

/** The TCP segments in the output of `tcpdump -tnne`; other lines are passed over. */
export function frames(text: string): Frame[] {
  return [...text.matchAll(segment)].map(
    ([, sourceMac = '', destinationMac = '', source = '', destination = '', flags = '']) => ({
      sourceMac,
      destinationMac,
      source,
      destination,
      flags,
    }),
  )
}

let count = 0

/** tcpdump on one host, from the moment it listens until it is stopped. */
export class Capture {
  private constructor(
    private readonly host: Host,
    private readonly command: string,
    private readonly daemon: Daemon,
  ) {}

  /** `filter` is a pcap-filter(7) expression. */
  static async start(host: Host, device: string, filter: string): Promise<Capture> {
    const args = ['-tnne', '-p', '-i', device, filter]
    const daemon = await host.start(`tcpdump-${++count}`, 'tcpdump', '-l', '--immediate-mode', ...args)
    await daemon.until(() => daemon.output().includes('listening on'))
    return new Capture(host, `tcpdump -tnne -p -i ${device} '${filter}'`, daemon)
  }

  /** Waits for at least so many frames (no longer than 3 s), stops, and adds command and output to the transcript. */
  async stop(transcript: Transcript, expected: number): Promise<string> {
    const limit = Date.now() + 3000
    while (frames(this.daemon.output()).length < expected && Date.now() < limit) await sleep(20)
    await this.daemon.stop('SIGINT')
    const output = this.daemon.output().replace(/^tcpdump: verbose output.*\n/m, '')
    transcript.show(this.host, this.command, { status: 0, output })
    return output
  }
}
