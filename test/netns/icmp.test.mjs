// ICMP errors as real sockets feel them, with checksum offloads and without.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Farm, PORT, wires } from '../lib/farm.mjs'
import { until } from '../lib/host.mjs'

const methods = ['masq', 'route', 'tunnel']
const cases = ['IPv4', 'IPv6'].flatMap((family) => methods.map((method) => ({ method, family })))

for (const { method, family } of cases) {
  describe(`${method}, ${family}`, () => {
    const { VIP, VIP2, CLIENT, CLIENT2, server, host, header } = wires[family]
    // what a tunnel leaves of it is no less than IPv6 asks for
    const narrow = family === 'IPv6' ? 1400 : 1300
    /** @type {Farm} */
    let farm
    before(async () => {
      farm = new Farm({ method, family })
      await farm.listen()
    })
    after(() => farm?.close())

    const pathMtu = (vip) => {
      const [route] = JSON.parse(farm.client.ip('-json', 'route', 'get', vip))
      return route.metrics?.[0]?.mtu
    }

    for (const offload of [true, false]) {
      const title = offload ? 'offloads on' : 'offloads off'
      // nobody has learned anything about these yet
      const [vip, client] = offload ? [VIP, CLIENT] : [VIP2, CLIENT2]

      test(`no real server, ${title}: the client’s connect fails at once`, async () => {
        farm.offload(offload)
        const keys = ['tcp', 'udp'].map((protocol) => farm.serve({ protocol, port: 70, weights: [0, 0] }))
        await assert.rejects(farm.client.ask('open', { host: VIP, port: 70, timeout: 5000 }), { code: 'ECONNREFUSED' })
        await assert.rejects(farm.client.ask('udp', { host: VIP, port: 70, text: 'x', timeout: 3000 }), {
          code: 'ECONNREFUSED',
        })
        for (const bytes of [333, 1500 - header - 8])
          await assert.rejects(farm.client.ask('udp', { host: VIP, port: 70, bytes, timeout: 3000 }), {
            code: 'ECONNREFUSED',
          })
        farm.edit((director) => keys.map((key) => director.deleteService(key)))
      })

      test(`a small MTU on the way to the real server, ${title}: the client learns it, and 2 MB arrive`, async () => {
        farm.offload(offload)
        // the servers take segments as large as their own MTU; only the director's way to them is narrow
        for (const number of [1, 2])
          farm.host.ip('route', 'replace', `${server(number)}/${host}`, 'dev', 'eth0', 'mtu', 'lock', narrow)
        const key = farm.serve({ address: vip })
        const { number } = await farm.client.ask('open', { host: vip, port: PORT })
        assert.equal(await farm.client.ask('up', { number, bytes: 2 ** 21 }), true, 'up')
        assert.equal(pathMtu(vip), method === 'tunnel' ? narrow - header : narrow)
        await farm.client.ask('end', { number })
        farm.edit((director) => director.deleteService(key))
        for (const each of [1, 2]) farm.host.ip('route', 'delete', `${server(each)}/${host}`)
      })

      if (method === 'masq') {
        test(`the real server refuses a datagram, ${title}: the client is told`, async () => {
          farm.offload(offload)
          for (const [port, serverPort] of [
            [71, 71],
            [72, 7200],
          ]) {
            const key = farm.serve({ protocol: 'udp', port, serverPort })
            await assert.rejects(farm.client.ask('udp', { host: VIP, port, text: 'x', timeout: 3000 }), {
              code: 'ECONNREFUSED',
            })
            farm.edit((director) => director.deleteService(key))
          }
        })

        test(`a small MTU on the way to the client, ${title}: the real server learns it, and 2 MB arrive`, async () => {
          farm.offload(offload)
          farm.host.ip('route', 'replace', `${client}/${host}`, 'dev', 'eth0', 'mtu', 'lock', narrow)
          const key = farm.serve({ address: vip })
          const { number } = await farm.client.ask('open', { host: vip, port: PORT, localAddress: client })
          assert.equal(await farm.client.ask('down', { number, bytes: 2 ** 21 }), true, 'down')
          await farm.client.ask('end', { number })
          farm.edit((director) => director.deleteService(key))
          farm.host.ip('route', 'delete', `${client}/${host}`)
        })
      }
    }

    test('an answered ICMP error is no lost packet: nothing was dropped without a reason', async () => {
      const wrong = await until('drops', () =>
        farm.table((table) => ({ malformed: table.drops(8), route: table.drops(3) })),
      )
      assert.deepEqual(wrong, { malformed: 0n, route: 0n })
    })
  })
}
