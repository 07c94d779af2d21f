// What IPv6 needs of the host, and what it must leave alone.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import koffi from 'koffi'
import { detachDevices, status, Table } from '../../dist/datapath/index.js'
import { Director } from '../../dist/index.js'
import { until } from '../lib/host.mjs'
import { Namespace, wire } from '../lib/netns.mjs'

const router = new Namespace('r', { ipv6: true })
const host = new Namespace('h', { ipv6: true })
wire([router, 'eth0'], [host, 'eth0'])
after(() => [router, host].map((each) => each.remove()))

const AF_INET6 = 10
const SOCK_RAW = 3
const IPPROTO_ICMPV6 = 58
const IPPROTO_IPV6 = 41
const IPV6_MULTICAST_HOPS = 18

/** Sends a router's advertisement (RFC 4861 section 4.2) to all hosts on the wire; the kernel fills in its checksum. */
function advertise(ifindex) {
  const libc = koffi.load(null)
  const socket = libc.func('int socket(int domain, int type, int protocol)')
  const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint size)')
  const sendto = libc.func('long sendto(int fd, void *data, size_t size, int flags, void *to, uint length)')
  const close = libc.func('int close(int fd)')
  const advertisement = Buffer.from('86000000400007080000000000000000', 'hex')
  const to = Buffer.alloc(28)
  to.writeUInt16LE(AF_INET6, 0)
  Buffer.from('ff020000000000000000000000000001', 'hex').copy(to, 8)
  to.writeUInt32LE(ifindex, 24)
  const hops = Buffer.alloc(4)
  hops.writeInt32LE(255)
  router.within(() => {
    const fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)
    try {
      assert.equal(setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops, 4), 0)
      assert.equal(Number(sendto(fd, advertisement, advertisement.length, 0, to, to.length)), advertisement.length)
    } finally {
      close(fd)
    }
  })
}

const key = { protocol: 'tcp', address: 'fd00::100', port: 80 }
const settings = ['conf/lo/forwarding', 'conf/all/forwarding', 'conf/eth0/forwarding', 'conf/eth0/accept_ra'].map(
  (name) => `net/ipv6/${name}`,
)
const defaultRoutes = () => JSON.parse(host.ip('-6', '-json', 'route', 'show', 'default'))

test('forwarding is switched on on the loopback alone; the default route that a router advertised stays', async () => {
  host.sysctl('net/ipv6/conf/eth0/accept_ra', 1)
  const [{ ifindex }] = JSON.parse(router.ip('-json', 'link', 'show', 'eth0'))
  await until('an advertised default route', () => {
    advertise(ifindex)
    return defaultRoutes().some(({ protocol }) => protocol === 'ra')
  })
  const routes = defaultRoutes().map(({ gateway }) => gateway)
  const before_ = settings.map((name) => host.sysctl(name))
  assert.equal(before_[0], '0')
  host.within(() => {
    const director = Director.open()
    director.addService(key, { scheduler: 'rr' })
    director.close()
  })
  assert.deepEqual(
    settings.map((name) => host.sysctl(name)),
    ['1', ...before_.slice(1)],
  )
  assert.equal(host.within(() => status()).sysctls['net.ipv6.conf.lo.forwarding'], '1')
  assert.deepEqual(
    defaultRoutes().map(({ gateway }) => gateway),
    routes,
  )
})

test('the last detach puts it back', () => {
  host.within(() => {
    const table = Table.open()
    const held = table.lock('exclusive')
    try {
      detachDevices(table)
    } finally {
      held.release()
      table.close()
    }
  })
  assert.equal(host.sysctl(settings[0]), '0')
})

test('where IPv6 is disabled, IPv4 is served all the same', () => {
  const bare = new Namespace('b')
  after(() => bare.remove())
  bare.within(() => {
    const director = Director.open()
    director.addService({ protocol: 'tcp', address: '192.0.2.1', port: 80 }, { scheduler: 'rr' })
    assert.equal(director.services().length, 1)
    director.close()
  })
})
