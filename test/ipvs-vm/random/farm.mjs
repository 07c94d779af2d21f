// One side of the comparison: a client, a director and real servers in namespaces on one wire. Both sides have the same
// addresses. Every address of the networks of virtual ones is the director's, and a real server's: a sequence has some that
// no other had, so that nothing that was before it can reach into it.
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Director } from '../../../dist/index.js'
import { runIpvsadm } from '../../../dist/ipvsadm/index.js'
import { staysOpen, textIo } from '../../../dist/ipvsadm/testdata/text-io.js'
import { poll, Socket, within } from './libc.mjs'

export const SERVERS = 4
export const CLIENTS = 8
/** Ports that every real server listens on. */
export const PORTS = [8001, 8002, 8003, 8004]
/**
 * A client of a run. Each run has its own: an old connection of the same client's port to the same server, by another virtual
 * address, would be in its way on the server's side.
 */
export const clientAddress = (number, run, family) =>
  family === 'inet6'
    ? `fd00:9:0:${run.toString(16)}::${number}`
    : `10.${128 + ((run >> 8) & 127)}.${run & 255}.${number}`
export const serverAddress = (number, family) => (family === 'inet6' ? `fd00:8::${number}` : `10.8.0.${number}`)
/** The address number of a sequence that is run: two addresses for each. */
export const vipAddress = (number, family) =>
  family === 'inet6' ? `fd00:77::${(number & 0xffff).toString(16)}` : `10.77.${(number >> 8) & 255}.${number & 255}`
/** How long a connection may take to open, milliseconds: emulated, on a busy machine. */
const PATIENCE = 8000
/** How long a datagram may take; one whose server was deleted never comes. */
const DATAGRAM_PATIENCE = 1500

const batch = (lines, ...options) => execFileSync('ip', [...options, '-batch', '-'], { input: `${lines.join('\n')}\n` })
const ip = (name, lines) => batch(lines, '-n', name)
const ip6 = (name, lines) => batch(lines, '-6', '-n', name)

function sysctl(name, settings) {
  within(name, () => {
    for (const [key, value] of Object.entries(settings)) writeFileSync(`/proc/sys/net/${key}`, String(value))
  })
}

export class Farm {
  /** @param {string} prefix of the namespaces' names @param {'kernel' | 'sluice'} kind */
  constructor(prefix, kind) {
    this.kind = kind
    this.client = `${prefix}-c`
    this.director = `${prefix}-d`
    this.servers = Array.from({ length: SERVERS }, (_, i) => `${prefix}-s${i + 1}`)
    this.switch = `${prefix}-w`
    this.names = [this.switch, this.client, this.director, ...this.servers]
    this.#build()
    if (kind === 'sluice') this.table = within(this.director, () => Director.open({}))
    this.listeners = this.servers.flatMap((name, i) =>
      PORTS.flatMap((port) =>
        ['tcp', 'udp', 'sctp'].flatMap((protocol) =>
          ['inet', 'inet6'].map((family) => {
            const socket = new Socket(name, protocol, family === 'inet6' ? '::' : '0.0.0.0', port)
            if (protocol !== 'udp') socket.listen()
            return Object.assign(socket, { server: i + 1, port, family })
          }),
        ),
      ),
    )
  }

  #build() {
    for (const name of this.names) {
      spawnSync('ip', ['netns', 'del', name])
      execFileSync('ip', ['netns', 'add', name])
      ip(name, ['link set lo up'])
      const settings = { 'ipv4/ip_forward': 0 }
      for (const scope of ['all', 'default', 'lo']) {
        settings[`ipv4/conf/${scope}/rp_filter`] = 0
        settings[`ipv4/conf/${scope}/send_redirects`] = 0
        settings[`ipv4/conf/${scope}/accept_redirects`] = 0
        settings[`ipv6/conf/${scope}/disable_ipv6`] = 0
      }
      sysctl(name, settings)
    }
    sysctl(this.director, { 'ipv4/ip_forward': 1 })
    const hosts = this.names.slice(1)
    ip(this.switch, [
      'link add br0 type bridge',
      'link set br0 up',
      ...hosts.flatMap((name, i) => [
        `link add p${i} type veth peer name eth0 netns ${name}`,
        `link set p${i} master br0 up`,
      ]),
    ])
    ip(this.client, [
      'link set eth0 up',
      'addr add 10.9.0.1/16 dev eth0',
      'route add local 10.128.0.0/9 dev lo',
      'route add 10.77.0.0/16 via 10.9.255.1',
      'route add 10.8.0.0/16 via 10.9.255.1',
    ])
    ip(this.director, [
      'link set eth0 up',
      'addr add 10.9.255.1/16 dev eth0',
      'addr add 10.8.255.1/16 dev eth0',
      'route add local 10.77.0.0/16 dev lo',
      'route add 10.128.0.0/9 via 10.9.0.1',
    ])
    this.servers.forEach((name, i) => {
      ip(name, [
        'link set eth0 up',
        `addr add ${serverAddress(i + 1)}/16 dev eth0`,
        'route add default via 10.8.255.1',
        // what has the virtual address goes to the client by itself
        'route add local 10.77.0.0/16 dev lo',
        'route add 10.9.0.0/16 dev eth0',
        'route add 10.128.0.0/9 via 10.9.0.1 table 77',
        'rule add from 10.77.0.0/16 table 77',
      ])
      sysctl(name, { 'ipv4/conf/all/arp_announce': 2, 'ipv4/conf/all/arp_ignore': 1 })
      // the ends of tunnels of each kind; what GUE carries comes out of tunl0 too
      batch(['fou add port 6080 gue'], '-n', name)
      for (const device of ['tunl0', 'gre0']) {
        ip(name, [`link set ${device} up`])
        sysctl(name, { [`ipv4/conf/${device}/rp_filter`]: 0 })
      }
    })
    this.#build6()
  }

  #build6() {
    sysctl(this.client, { 'ipv6/ip_nonlocal_bind': 1 })
    sysctl(this.director, { 'ipv6/conf/all/forwarding': 1 })
    ip6(this.client, [
      'addr add fd00:99::1/64 dev eth0 nodad',
      'route add local fd00:9::/32 dev lo',
      'route add fd00:77::/64 via fd00:99::ffff',
      'route add fd00:8::/64 via fd00:99::ffff',
    ])
    ip6(this.director, [
      'addr add fd00:99::ffff/64 dev eth0 nodad',
      'route add fd00:9::/32 via fd00:99::1',
      'addr add fd00:8::ffff/64 dev eth0 nodad',
      'route add local fd00:77::/64 dev lo',
    ])
    this.servers.forEach((name, i) => {
      ip6(name, [
        `addr add ${serverAddress(i + 1, 'inet6')}/64 dev eth0 nodad`,
        'route add default via fd00:8::ffff',
        'route add local fd00:77::/64 dev lo',
        'route add fd00:99::/64 dev eth0',
        'route add fd00:9::/32 via fd00:99::1 table 77',
        'rule add from fd00:77::/64 table 77',
      ])
    })
  }

  /** Runs lines through `ipvsadm -R`; ours in this process, for a process of its own takes a second in the guest. */
  admin(lines) {
    const input = `${lines.join('\n')}\n`
    if (this.kind === 'kernel') {
      const { status, stdout, stderr } = within(this.director, () =>
        spawnSync('ipvsadm', ['-R'], { input, encoding: 'utf8' }),
      )
      return { status, stdout, stderr }
    }
    return within(this.director, () => ours(this.table, lines))
  }

  /** Gives packets for an address and port a firewall mark: the kernel's before it routes, ours by a rule of the table. */
  mark(protocol, vip, port, mark) {
    if (this.kind === 'sluice') {
      const rule = { mark, protocol, destination: vip, destinationPorts: [port, port] }
      return within(this.director, () => this.table.editMarkRules((rules) => [...rules.slice(-7), rule]))
    }
    const family = vip.includes(':') ? 'ip6' : 'ip'
    const input = `add table inet oracle
      add chain inet oracle marks { type filter hook prerouting priority -150; }
      add rule inet oracle marks ${family} daddr ${vip} ${protocol} dport ${port} meta mark set ${mark}`
    within(this.director, () => execFileSync('nft', ['-f', '-'], { input }))
  }

  /**
   * Opens a connection; `by` is who answered, as `s2:8001`, or why nobody did.
   * @returns {{ by: string, near?: Socket, far?: Socket }}
   */
  open({ protocol, family, client, sport, vip, port }) {
    const near = new Socket(this.client, protocol, client, sport)
    const by = near.connect(vip, port, PATIENCE)
    if (by !== 'open') {
      near.close()
      return { by }
    }
    const own = this.listeners.filter((each) => each.protocol === protocol && each.family === family)
    for (const listener of poll(own, PATIENCE)) {
      const far = listener.accept()
      if (far) return { by: `s${listener.server}:${listener.port}`, near, far }
    }
    near.close()
    return { by: 'nobody accepted' }
  }

  /** A datagram; who got it, as `s2:8001`, or why nobody did. With `answer` the server answers. */
  datagram(near, answer) {
    const error = near.send('?')
    if (error) return error
    const own = this.listeners.filter((each) => each.protocol === 'udp')
    const [first] = poll([...own, near], DATAGRAM_PATIENCE)
    if (!first) return 'timeout'
    if (first === near) return near.receive().error ?? 'a datagram from nowhere'
    const { from } = first.receive()
    if (!answer) return `s${first.server}:${first.port}`
    first.sendTo('!', from)
    const came = poll([near], DATAGRAM_PATIENCE).length > 0 ? (near.receive().error ?? 'answered') : 'no answer'
    return `s${first.server}:${first.port} ${came}`
  }

  /** How things stand, for who looks for the reason of a difference. */
  state() {
    const show = (line) => spawnSync('bash', ['-c', line], { encoding: 'utf8' }).stdout
    const program = fileURLToPath(new URL('../../../bin/sluice', import.meta.url))
    return [
      ...[this.client, this.director, ...this.servers].map((name) => show(`echo ${name}; ip -n ${name} neigh`)),
      show(`ip -n ${this.director} -s link show eth0`),
      this.kind === 'sluice' ? show(`ip netns exec ${this.director} ${program} status`) : '',
    ].join('')
  }

  /** What still waits at the servers is nobody's. */
  drain() {
    for (const socket of poll(this.listeners, 0)) {
      if (socket.protocol === 'udp') socket.receive()
      else socket.accept()?.close()
    }
  }

  close() {
    for (const socket of this.listeners) socket.close()
    this.table?.close()
    for (const name of this.names) spawnSync('ip', ['netns', 'del', name])
  }
}

/** `ipvsadm -R` of ours, over an open table. */
function ours(table, lines) {
  const { io, text } = textIo(() => staysOpen(table), [...lines])
  return { status: runIpvsadm(['-R'], io), ...text }
}
