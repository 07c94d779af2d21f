// Real connections by each forwarding method: both ways, large and small, with offloads and without.
// veth devices never fill in a checksum that is left to them, and never check one: without offloads, a wrong one is seen.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Farm, LOCALS, PORT, wires } from '../lib/farm.mjs'

const MEGABYTES = 10 * 2 ** 20

const cases = [
  ...['masq', 'route', 'tunnel', 'fullnat'].map((method) => ({ method, family: 'IPv4' })),
  ...['masq', 'route', 'tunnel'].map((method) => ({ method, family: 'IPv6' })),
  { method: 'tunnel', family: 'IPv4', over: 'IPv6' },
  { method: 'tunnel', family: 'IPv6', over: 'IPv4' },
]

for (const { method, family, over } of cases) {
  describe(`${method}, ${family}${over ? ` over ${over}` : ''}`, () => {
    const { VIP, CLIENT, server, header } = wires[family]
    /** @type {Farm} */
    let farm
    let tcp
    let udp
    before(async () => {
      farm = new Farm({ method, family, over })
      await farm.listen()
      await farm.listen(9000)
      tcp = farm.serve()
      udp = farm.serve({ protocol: 'udp' })
    })
    after(() => farm?.close())

    for (const offload of [true, false]) {
      const title = offload ? 'offloads on' : 'offloads off'

      test(`TCP, ${title}: requests in turn`, async () => {
        farm.offload(offload)
        const names = await farm.client.ask('names', { host: VIP, port: PORT, count: 4 })
        assert.deepEqual(names.sort(), ['s1', 's1', 's2', 's2'])
      })

      test(`UDP, ${title}: small, and in fragments`, async () => {
        const answer = await farm.client.ask('udp', { host: VIP, port: PORT, text: 'hello' })
        assert.match(answer, /^s[12] hello$/)
        for (const bytes of [1500 - header - 8, 1500 - header - 7, 4000, 9000])
          assert.match(
            await farm.client.ask('udp', { host: VIP, port: PORT, bytes, tries: 2 }),
            /^s[12] whole$/,
            `${bytes} bytes`,
          )
      })

      test(`TCP, ${title}: 10 MB up and down, byte for byte`, async () => {
        const { number } = await farm.client.ask('open', { host: VIP, port: PORT })
        assert.equal(await farm.client.ask('up', { number, bytes: MEGABYTES }), true, 'up')
        assert.equal(await farm.client.ask('down', { number, bytes: MEGABYTES }), true, 'down')
        await farm.client.ask('end', { number })
      })
    }

    const whom = method === 'fullnat' ? 'a local address of the director' : 'the client’s own address'
    test(`the real server sees ${whom}`, async () => {
      const { number, localPort } = await farm.client.ask('open', { host: VIP, port: PORT })
      const [address, port] = (await farm.client.ask('say', { number, text: 'peer' })).split(' ')
      if (method === 'fullnat') {
        assert.ok(LOCALS.includes(address), address)
        const { low, high } = farm.edit((director) => director.localPorts())
        assert.ok(Number(port) >= low && Number(port) <= high, port)
      } else {
        assert.equal(`${address} ${port}`, `${CLIENT} ${localPort}`)
      }
      await farm.client.ask('end', { number })
    })

    test('what was counted is what went through', () => {
      const service = farm.service(tcp)
      assert.equal(service.counters.connections, 11n)
      assert.ok(service.counters.inBytes > 2n * BigInt(MEGABYTES))
      if (method === 'masq' || method === 'fullnat') assert.ok(service.counters.outBytes > 2n * BigInt(MEGABYTES))
      else assert.equal(service.counters.outPackets, 0n, 'replies do not cross the director')
      const sum = (name) => service.servers.reduce((total, each) => total + each.counters[name], 0n)
      for (const name of ['connections', 'inPackets', 'inBytes', 'outPackets', 'outBytes'])
        assert.equal(sum(name), service.counters[name], name)
      assert.ok(farm.service(udp).counters.inPackets > 0n)
    })

    test('ping to the VIP is answered by the director', () => {
      farm.client.run('ping', '-c', '1', '-W', '2', VIP)
    })

    test('a cold neighbour: the first packet waits for it and arrives', async () => {
      const answer = async (more) =>
        farm.client.ask('udp', { host: VIP, port: PORT, text: 'first', timeout: 3000, ...more })
      // both servers' entries are cold, whichever is next
      farm.host.ip('neighbour', 'flush', 'all')
      assert.match(await answer(), /^s[12] first$/)
      farm.host.ip('neighbour', 'flush', 'all')
      assert.match(await answer(), /^s[12] first$/)
      farm.host.ip('neighbour', 'flush', 'all')
      const { milliseconds } = await farm.client.ask('name', { host: VIP, port: PORT })
      assert.ok(milliseconds < 900, `no SYN was sent again (${milliseconds} ms)`)
    })

    if (method === 'masq' || method === 'fullnat') {
      test('another port on the real server', async () => {
        const key = farm.serve({ port: 80, serverPort: 9000 })
        const key2 = farm.serve({ protocol: 'udp', port: 80, serverPort: 9000 })
        for (const offload of [true, false]) {
          farm.offload(offload)
          const names = await farm.client.ask('names', { host: VIP, port: 80, count: 2 })
          assert.deepEqual(names.sort(), ['s1', 's2'])
          assert.match(await farm.client.ask('udp', { host: VIP, port: 80, bytes: 4000, tries: 2 }), /^s[12] whole$/)
        }
        farm.edit((director) => [key, key2].map((each) => director.deleteService(each)))
      })

      test('a client on the director itself', async () => {
        const names = await farm.host.ask('names', { host: VIP, port: PORT, count: 4 })
        assert.deepEqual(names.sort(), ['s1', 's1', 's2', 's2'])
        assert.match(await farm.host.ask('udp', { host: VIP, port: PORT, text: 'here' }), /^s[12] here$/)
        const { number } = await farm.host.ask('open', { host: VIP, port: PORT })
        assert.equal(await farm.host.ask('up', { number, bytes: 2 ** 20 }), true, 'up')
        assert.equal(await farm.host.ask('down', { number, bytes: 2 ** 20 }), true, 'down')
        await farm.host.ask('end', { number })
      })

      if (method === 'masq')
        test('the real server is still reached by its own address', async () => {
          const forwarding = family === 'IPv6' ? 'net/ipv6/conf/all/forwarding' : 'net/ipv4/ip_forward'
          farm.host.sysctl(forwarding, 1)
          const { name } = await farm.client.ask('name', { host: server(1), port: PORT })
          assert.equal(name, 's1')
          farm.host.sysctl(forwarding, 0)
        })
    }
  })
}
