// Network namespaces of the tests. Every name begins with `slt-` and this process's number, and goes with the process.
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import koffi from 'koffi'
import { removeTable, Table } from '../../dist/datapath/index.js'

const CLONE_NEWNET = 0x40000000
const setns = koffi.load(null).func('int setns(int fd, int type)')
const prefix = `slt-${process.pid.toString(36)}`

/** @type {Set<Namespace>} */
const alive = new Set()
process.on('exit', () => {
  for (const namespace of [...alive]) namespace.remove()
})

// a runner that gives up ends its files so: their namespaces go all the same
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

function enter(fd) {
  if (setns(fd, CLONE_NEWNET) < 0) throw new Error(`setns: errno ${koffi.errno()}`)
}

/** A host of a test: a network namespace with its `lo` up. */
export class Namespace {
  /** @param {string} role unique within the test file */
  constructor(role, { forwarding = false, ipv6 = false } = {}) {
    this.name = `${prefix}-${role}`
    execFileSync('ip', ['netns', 'add', this.name])
    alive.add(this)
    this.path = `/run/netns/${this.name}`
    this.ip('link', 'set', 'lo', 'up')
    // the machine's own settings are inherited, and must not change what a test shows
    for (const scope of ['all', 'default', 'lo']) {
      this.sysctl(`net/ipv4/conf/${scope}/rp_filter`, 0)
      this.sysctl(`net/ipv4/conf/${scope}/arp_ignore`, 0)
      this.sysctl(`net/ipv4/conf/${scope}/arp_announce`, 0)
      this.sysctl(`net/ipv4/conf/${scope}/send_redirects`, 0)
    }
    this.sysctl('net/ipv6/conf/all/disable_ipv6', ipv6 ? 0 : 1)
    this.sysctl('net/ipv6/conf/default/disable_ipv6', ipv6 ? 0 : 1)
    if (ipv6) {
      // addresses serve at once, and only those that a test gives
      this.sysctl('net/ipv6/conf/default/accept_dad', 0)
      this.sysctl('net/ipv6/conf/default/accept_ra', 0)
      this.sysctl('net/ipv6/conf/all/forwarding', forwarding ? 1 : 0)
      this.sysctl('net/ipv6/conf/lo/forwarding', 0)
    }
    this.sysctl('net/ipv4/ip_forward', forwarding ? 1 : 0)
    this.sysctl('net/ipv4/conf/lo/forwarding', 0)
  }

  /** Runs a synchronous function with this process's main thread in the namespace. */
  within(work) {
    const home = openSync('/proc/thread-self/ns/net', 'r')
    const there = openSync(this.path, 'r')
    try {
      enter(there)
      try {
        return work()
      } finally {
        enter(home)
      }
    } finally {
      closeSync(there)
      closeSync(home)
    }
  }

  /** Runs a program in the namespace and returns its output. @throws where it fails */
  run(program, ...args) {
    const got = this.try(program, ...args)
    if (got.status !== 0) throw new Error(`${this.name}: ${program} ${args.join(' ')}: ${got.stderr || got.stdout}`)
    return got.stdout
  }

  /** Runs a program in the namespace, failing or not. */
  try(program, ...args) {
    return spawnSync('nsenter', [`--net=${this.path}`, program, ...args.map(String)], { encoding: 'utf8' })
  }

  /** `ip` in the namespace. */
  ip(...args) {
    return execFileSync('ip', ['-n', this.name, ...args.map(String)], { encoding: 'utf8', stdio: 'pipe' })
  }

  /** Many `ip` commands at once. @param {string} commands one a line */
  batch(commands) {
    execFileSync('ip', ['-n', this.name, '-batch', '-'], { input: commands, encoding: 'utf8', stdio: 'pipe' })
  }

  /** Reads a sysctl, or writes it. @param {string} name below /proc/sys @param {string | number} [value] */
  sysctl(name, value) {
    return this.within(() => {
      const path = join('/proc/sys', name)
      if (value !== undefined) writeFileSync(path, String(value))
      return readFileSync(path, 'utf8').trim()
    })
  }

  /** Interface index by name. */
  ifindex(device) {
    return JSON.parse(this.ip('-json', 'link', 'show', 'dev', device))[0].ifindex
  }

  /** Takes away the namespace alone, as somebody does who knows nothing of tables. */
  vanish() {
    alive.delete(this)
    execFileSync('ip', ['netns', 'delete', this.name])
  }

  /** Takes away the table, then the namespace. */
  remove() {
    if (!alive.delete(this)) return
    try {
      this.within(() => {
        const table = Table.open()
        if (!table) return
        try {
          removeTable(table)
        } finally {
          table.close()
        }
      })
    } finally {
      spawnSync('ip', ['netns', 'delete', this.name])
    }
  }
}

/** A wire: a pair of veth devices between two namespaces. */
export function wire([a, aDevice], [b, bDevice], { mtu = 1500 } = {}) {
  a.ip('link', 'add', aDevice, 'mtu', mtu, 'type', 'veth', 'peer', 'name', bDevice, 'mtu', mtu, 'netns', b.name)
  a.ip('link', 'set', aDevice, 'up')
  b.ip('link', 'set', bDevice, 'up')
}
