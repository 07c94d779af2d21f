import { mkdirSync, writeFileSync } from 'node:fs'
import { Host } from './host.js'
import type { Ledger } from './ledger.js'
import { createNamespace } from './namespace.js'
import type { ProcessIdentity } from './process.js'

/** One end of a wire. */
export interface Plug {
  readonly host: Host
  /** Name of the Ethernet device that the host gets. */
  readonly device: string
  /** With their prefix length. */
  readonly addresses: readonly string[]
  readonly mac: string
}

export interface HostOptions {
  /** The host forwards packets (`ip_forward`). */
  readonly forwards?: boolean
  /** What of Sluice may come to live in its kernel, which must go before its namespace does. */
  readonly datapath?: 'table' | 'decapsulation'
}

/** What curl does on every host when nothing else is said: no progress meter, and no waiting for ever. */
const curlrc = 'silent\nshow-error\nconnect-timeout = 5\nmax-time = 60\n'

/** Makes hosts and wires, and records each in the ledger before it makes it. */
export class Lab {
  constructor(
    readonly ledger: Ledger,
    /** Aborted to interrupt; the work in hand then throws the signal's reason. */
    readonly signal: AbortSignal,
    private readonly say: (line: string) => void,
  ) {
    mkdirSync(ledger.record.directory)
  }

  async host(name: string, options: HostOptions = {}): Promise<Host> {
    this.signal.throwIfAborted()
    const { prefix, mark } = this.ledger.record
    this.ledger.addNamespace({ host: name, name: `${prefix}-${name}`, datapath: options.datapath ?? null })
    let shell: ProcessIdentity | undefined
    await createNamespace(`${prefix}-${name}`, mark, (identity) => {
      shell = identity
      this.ledger.addProcess({ ...identity, host: name, command: 'make the namespace' })
    })
    if (shell) this.ledger.removeProcess(shell)
    const host = new Host(name, this.ledger, this.signal)
    writeFileSync(host.path('.curlrc'), curlrc)
    if (options.forwards) await host.sysctl({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 })
    return host
  }

  /** Joins two hosts by a wire of their own. */
  async cable(a: Plug, b: Plug): Promise<void> {
    const near = ['name', a.device, 'address', a.mac]
    const far = ['name', b.device, 'address', b.mac, 'netns', b.host.namespace]
    await a.host.ip('link', 'add', ...near, 'type', 'veth', 'peer', ...far)
    for (const plug of [a, b]) await this.address(plug)
  }

  /** Joins hosts by a switch: a host of its own with a bridge, whose ports bear the hosts' names. */
  async switch(name: string, plugs: readonly Plug[]): Promise<Host> {
    const host = await this.host(name)
    await host.ip('link', 'add', 'br0', 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0', 'mcast_snooping', '0')
    await host.ip('link', 'set', 'br0', 'up')
    for (const plug of plugs) {
      const peer = ['name', plug.device, 'address', plug.mac, 'netns', plug.host.namespace]
      await host.ip('link', 'add', 'name', plug.host.name, 'type', 'veth', 'peer', ...peer)
      await host.ip('link', 'set', plug.host.name, 'master', 'br0', 'up')
    }
    for (const plug of plugs) await this.address(plug)
    return host
  }

  private async address({ host, device, addresses, mac }: Plug): Promise<void> {
    for (const address of addresses) {
      await host.ip('address', 'add', address, ...(address.includes(':') ? ['nodad'] : []), 'dev', device)
    }
    await host.ip('link', 'set', device, 'up')
    this.say(`${host.name}: ${device} ${addresses.join(' ')} (${mac})`)
  }
}
