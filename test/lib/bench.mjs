// A director on the packet bench: the real program in a namespace with real routes and neighbours, fed one frame at a time
// by BPF_PROG_TEST_RUN. Redirected packets go nowhere; what would leave is looked at.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { openFastProgram } from '../../dist/datapath/fast/program.js'
import {
  SluiceDrop,
  SluiceDropName,
  SluiceEvent,
  SluiceEventName,
  SluiceFastDevice,
  SluiceState,
  Table,
} from '../../dist/datapath/index.js'
import { Director } from '../../dist/index.js'
import { closeFd, linkCreateXdp, objGet, progTestRun } from '../../dist/kernel/index.js'
import { Namespace } from './netns.mjs'
import { assertFrame, frame, icmp, icmp6, ipv4, ipv6, isIpv6, Protocol, sctp, tcp, udp } from './packet.mjs'

/** What the program says of a packet (linux/pkt_cls.h). */
export const Verdict = { PASS: -1, STACK: 0, DROP: 2, REDIRECT: 7 }

/** What the fast path's program says of a frame (linux/bpf.h). */
export const Xdp = { PASS: 2, TX: 3, REDIRECT: 4 }

/**
 * The network: clients on eth0, real servers on eth1, real servers behind a smaller MTU on eth2. The hosts exist as
 * neighbours only. `CLIENT_FAR` is reached by a router; `SERVER_COLD` has no link address yet.
 */
export const VIP = '198.18.0.100'
export const CLIENT = '198.18.0.10'
export const CLIENT_FAR = '203.0.113.10'
export const ROUTER = '198.18.0.254'
export const DIRECTOR = '198.18.1.1'
export const SERVER = '198.18.1.11'
export const SERVER2 = '198.18.1.12'
export const SERVER_COLD = '198.18.1.99'
export const SERVER_NARROW = '198.18.2.11'
export const SERVER_UNROUTED = '192.0.2.11'
export const NARROW_MTU = 1400

/** The same network in IPv4 and in IPv6, for tests that say the same of both. `header`: bytes before the transport header. */
export const networks = [
  {
    ...{ family: 'IPv4', header: 20, VIP, CLIENT, CLIENT_FAR, ROUTER, DIRECTOR, SERVER, SERVER2, SERVER_COLD },
    ...{ SERVER_NARROW, SERVER_UNROUTED, DIRECTOR_NARROW: '198.18.2.1' },
    // RFC 791: a record route option with room for three addresses, and an end of the list
    options: { options: Buffer.from('070f04000000000000000000000000' + '00', 'hex') },
    moreOptions: {
      options: Buffer.concat([Buffer.from('070f04000000000000000000000000' + '00', 'hex'), Buffer.alloc(24, 1)]),
    },
  },
  {
    ...{
      family: 'IPv6',
      header: 40,
      VIP: 'fd00::100',
      CLIENT: 'fd00::10',
      CLIENT_FAR: '2001:db8::10',
      ROUTER: 'fd00::fe',
    },
    ...{
      DIRECTOR: 'fd00:0:0:1::1',
      SERVER: 'fd00:0:0:1::11',
      SERVER2: 'fd00:0:0:1::12',
      SERVER_COLD: 'fd00:0:0:1::99',
    },
    ...{ SERVER_NARROW: 'fd00:0:0:2::11', SERVER_UNROUTED: '2001:db8:1::11', DIRECTOR_NARROW: 'fd00:0:0:2::1' },
    // RFC 8200: padding options before and after a routing header whose way has ended (RFC 6275)
    options: { extensions: [[Protocol.HOP_BY_HOP, Buffer.from('0000010400000000', 'hex')]] },
    moreOptions: {
      extensions: [
        [Protocol.HOP_BY_HOP, Buffer.from('0000010400000000', 'hex')],
        [Protocol.OPTIONS, Buffer.from(`0001010c${'00'.repeat(12)}`, 'hex')],
        [Protocol.ROUTING, Buffer.from(`00020200${'00'.repeat(20)}`, 'hex')],
        [Protocol.AH, Buffer.from(`00040000${'00'.repeat(20)}`, 'hex')],
        [Protocol.OPTIONS, Buffer.from('0000010400000000', 'hex')],
      ],
    },
  },
]

const macs = {
  ...{ CLIENT: '02:00:00:00:00:0a', ROUTER: '02:00:00:00:00:fe', CLIENT_FAR: '02:00:00:00:00:fe' },
  ...{ SERVER: '02:00:00:00:01:0b', SERVER2: '02:00:00:00:01:0c', SERVER_COLD: '02:00:00:00:01:63' },
  ...{ SERVER_NARROW: '02:00:00:00:02:0b', SERVER_UNROUTED: '02:00:00:00:01:fe' },
}

/** Link addresses. */
export const Mac = {
  eth0: '02:00:00:00:00:01',
  eth1: '02:00:00:00:01:01',
  eth2: '02:00:00:00:02:01',
  lo: '00:00:00:00:00:00',
  ...Object.fromEntries(networks.flatMap((net) => Object.entries(macs).map(([name, mac]) => [net[name], mac]))),
}

const CTX_SIZE = 192
const CTX_MARK = 8
const CTX_IFINDEX = 40
const CTX_GSO_SEGS = 164
const CTX_GSO_SIZE = 176

let lastPort = 20000

/** A client's port that no other test of this process has used. */
export function freshPort() {
  lastPort += 1
  return lastPort
}

export class Bench {
  /** Whose addresses stand where a test names none. */
  net = networks[0]

  constructor({ role = 'd', forwarding = true } = {}) {
    this.namespace = new Namespace(role, { forwarding, ipv6: true })
    this.namespace.batch(
      ['eth0', 'eth1', 'eth2']
        .flatMap((device) => [
          `link add ${device} address ${Mac[device]} type veth peer name ${device}-far`,
          `link set ${device}-far up`,
          `link set ${device} up`,
        ])
        .concat(
          `link set eth2 mtu ${NARROW_MTU}`,
          ...networks.flatMap((net) => {
            const [whole, net24] = net.family === 'IPv6' ? ['128', '64'] : ['32', '24']
            const neighbour = (host, device) =>
              `neighbour add ${net[host]} lladdr ${Mac[net[host]]} nud permanent dev ${device}`
            return [
              `address add ${net.VIP.replace(/100$/, '1')}/${net24} dev eth0`,
              `address add ${net.VIP}/${whole} dev eth0`,
              `address add ${net.DIRECTOR}/${net24} dev eth1`,
              `address add ${net.DIRECTOR_NARROW}/${net24} dev eth2`,
              `route add ${net.CLIENT_FAR}/${whole} via ${net.ROUTER}`,
              ...['CLIENT', 'ROUTER'].map((host) => neighbour(host, 'eth0')),
              ...['SERVER', 'SERVER2'].map((host) => neighbour(host, 'eth1')),
              neighbour('SERVER_NARROW', 'eth2'),
            ]
          }),
        )
        .join('\n'),
    )
    this.ifindex = Object.fromEntries(
      JSON.parse(this.namespace.ip('-json', 'link', 'show')).map(({ ifname, ifindex }) => [ifname, ifindex]),
    )
    this.director = this.namespace.within(() => Director.open({ attach: false }))
    this.within = (work) => this.namespace.within(work)
    // the first edit makes the table, and the loopback ready for route lookups
    this.within(() => {
      this.director.setTimeouts({ tcp: 900 })
      this.table = Table.open()
    })
    for (const family of ['ipv4', 'ipv6']) this.namespace.sysctl(`net/${family}/conf/lo/forwarding`, 1)
    this.program = objGet(join(this.table.directory, 'tc'))
  }

  /**
   * Puts the fast path in front of the devices: their drivers, as far as a test run asks them, know XDP from then on. Each
   * takes frames of the others, but those named in `deaf`.
   */
  openFast({ deaf = [] } = {}) {
    const devices = ['eth0', 'eth1', 'eth2']
    this.within(() => {
      this.fast = openFastProgram(this.table)
      this.fastLinks = devices.map((device) => linkCreateXdp(this.fast, this.ifindex[device], 'native'))
    })
    for (const device of devices) {
      const record = this.table.fastDevice(this.ifindex[device])
      record.addressBytes().set(Mac[device].split(':').map((byte) => Number.parseInt(byte, 16)))
      record.takes = deaf.includes(device) ? 0 : SluiceFastDevice.FRAMES | SluiceFastDevice.BACK
      record.needs = SluiceFastDevice.FRAMES
      record.ifindex = this.ifindex[device]
    }
  }

  close() {
    for (const link of this.fastLinks ?? []) closeFd(link)
    if (this.fast !== undefined) closeFd(this.fast)
    closeFd(this.program)
    this.table.close()
    this.director.close()
    this.namespace.remove()
  }

  /**
   * A service on the VIP and its servers, in the order of adding.
   * @param {{ protocol?: 'tcp' | 'udp', port?: number, scheduler?: string, address?: string, fwmark?: number }} service
   *   besides, any of its options
   * @param {...{ address?: string, port?: number, method?: string, weight?: number }} servers
   */
  serve({ protocol = 'tcp', port = 0, scheduler = 'rr', address = this.net.VIP, fwmark = 0, ...options }, ...servers) {
    const family = address.includes(':') ? 'inet6' : 'inet'
    const key = fwmark ? { fwmark, family } : { protocol, address, port }
    this.within(() => {
      this.director.addService(key, { scheduler, ...options })
      for (const {
        address: server = this.net.SERVER,
        port: serverPort = port,
        method = 'masq',
        weight = 1,
        ...more
      } of servers)
        this.director.addServer(key, { address: server, port: serverPort }, { method, weight, ...more })
    })
    return key
  }

  /** Deletes services. */
  stop(...keys) {
    this.edit((director) => {
      for (const key of keys) director.deleteService(key)
    })
  }

  edit(change) {
    return this.within(() => change(this.director))
  }

  service(key) {
    return this.within(() => this.director.service(key))
  }

  /** Sends one frame through the program as if it came in by `device`. */
  send(data, { device = 'eth0', gsoSize = 0, gsoSegs = 0, mark = 0 } = {}) {
    const ctx = new Uint8Array(CTX_SIZE)
    const view = new DataView(ctx.buffer)
    if (device !== 'lo') view.setUint32(CTX_IFINDEX, this.ifindex[device], true)
    view.setUint32(CTX_MARK, mark, true)
    view.setUint32(CTX_GSO_SIZE, gsoSize, true)
    view.setUint32(CTX_GSO_SEGS, gsoSegs, true)
    return this.within(() => {
      const { retval, dataOut } = progTestRun(this.program, {
        dataIn: data,
        dataOutSize: data.length + 256,
        ctxIn: ctx,
      })
      return { verdict: retval | 0, frame: Buffer.from(dataOut) }
    })
  }

  /** Sends one frame through the fast path's program as if it came in by `device`. */
  sendFast(data, { device = 'eth0' } = {}) {
    // struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex
    const ctx = new Uint32Array([0, data.length, 0, this.ifindex[device], 0, 0])
    return this.within(() => {
      const { retval, dataOut } = progTestRun(this.fast, {
        dataIn: data,
        dataOutSize: data.length + 256,
        ctxIn: new Uint8Array(ctx.buffer),
      })
      return { verdict: retval, frame: Buffer.from(dataOut) }
    })
  }

  /** The counted drops and events that something caused, by name. */
  counted(work) {
    const names = [
      ...Array.from({ length: SluiceDrop.COUNT }, (_, i) => [SluiceDropName[i], () => this.table.drops(i)]),
      ...Array.from({ length: SluiceEvent.COUNT }, (_, i) => [SluiceEventName[i], () => this.table.events(i)]),
    ]
    const before = names.map(([, read]) => read())
    work()
    return Object.fromEntries(
      names.flatMap(([name, read], i) => {
        const more = Number(read() - before[i])
        return more === 0 ? [] : [[name, more]]
      }),
    )
  }

  /** How many entries the flow table has. */
  flows() {
    let count = 0
    for (const _ of this.table.flows()) count += 1
    for (const _ of this.table.flows6()) count += 1
    return count
  }

  /** The connection of a client's address and port. */
  connection(port, client = this.net.CLIENT) {
    return this.within(() => this.director.connections()).find(
      (c) => c.client.port === port && c.client.address === client,
    )
  }

  /** Sets a state's timeout, also one that ipvsadm --set does not reach. @param {string} state @param {number} seconds */
  setTimeout(state, seconds) {
    this.table.settings.setTimeout(SluiceState[state], seconds)
  }

  /** The packet passes, no byte of it changed, and nothing is remembered or counted about it. */
  assertUntouched(data, options, { events = {} } = {}) {
    const flows = this.flows()
    // rates go on falling by themselves
    const counts = () =>
      this.within(() => this.director.services()).map(({ rates: _, servers, ...service }) => ({
        ...service,
        servers: servers.map(({ rates: __, ...server }) => server),
      }))
    const services = counts()
    let got
    const counted = this.counted(() => {
      got = this.send(data, options)
    })
    assert.equal(got.verdict, Verdict.PASS, 'it is left to the stack')
    assertFrame(got.frame, data, 'a packet that is not ours')
    assert.equal(this.flows(), flows, 'no connection is made')
    assert.deepEqual(counted, events, 'nothing else is counted')
    assert.deepEqual(counts(), services, 'no counter of a service moves')
  }
}

/**
 * The transport of a packet, with its checksum: `{ protocol: 'tcp' | 'udp' | 'sctp', ... }`.
 * @returns a whole packet of the addresses' family
 */
export function packet({ protocol = 'tcp', source, destination, sport, dport, flags = 'syn', payload, ...rest }) {
  const { seq, ack, window, tcpOptions, checksum, chunks, ...ip } = rest
  const ports = { source, destination, sport, dport, payload, checksum }
  const transport = {
    tcp: () => tcp({ ...ports, flags, seq, ack, window, options: tcpOptions }),
    udp: () => udp(ports),
    sctp: () => sctp({ sport, dport, chunks: chunks ?? [['DATA', payload]], checksum }),
  }
  return (isIpv6(source) ? ipv6 : ipv4)({
    source,
    destination,
    protocol: Protocol[protocol.toUpperCase()],
    payload: transport[protocol](),
    ...ip,
  })
}

/** The frame by which a host's packet reaches the director. */
export const arrives = (host, device, data, more = {}) =>
  frame({ to: Mac[device], from: Mac[host], packet: data, ...more })
/** The frame by which the director's packet leaves for a host. */
export const leaves = (device, host, data, more = {}) =>
  frame({ to: Mac[host], from: Mac[device], packet: data, ...more })

/** An ICMP error about a packet, in a packet of its own. */
export function icmpError({ source, destination, type, code, info = 0, quote, ...ip }) {
  if (isIpv6(source)) {
    const payload = icmp6({ source, destination, type, code, info, payload: quote })
    return ipv6({ source, destination, protocol: Protocol.ICMP6, payload, ...ip })
  }
  return ipv4({
    source,
    destination,
    protocol: Protocol.ICMP,
    payload: icmp({ type, code, info, payload: quote }),
    ...ip,
  })
}
