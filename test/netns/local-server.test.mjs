// NAT to a server that is the director itself: its answers leave by the director's own stack, and are met at egress.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Farm, PORT, server, VIP } from '../lib/farm.mjs'

const OWN = '198.18.1.1'
const OWN_PORT = 8100
const MEGABYTES = 10 * 2 ** 20

describe('a server on the director', () => {
  /** @type {Farm} */
  let farm
  let tcp
  before(async () => {
    farm = new Farm({ servers: 1 })
    await farm.listen()
    await farm.host.ask('listen', { port: OWN_PORT, name: 'own' })
    await farm.host.ask('listenUdp', { port: OWN_PORT, name: 'own', address: OWN })
    tcp = farm.serve()
    const udp = farm.serve({ protocol: 'udp' })
    for (const key of [tcp, udp])
      farm.edit((director) => director.addServer(key, { address: OWN, port: OWN_PORT }, { method: 'masq', weight: 1 }))
  })
  after(() => farm?.close())

  for (const offload of [true, false]) {
    const title = offload ? 'offloads on' : 'offloads off'

    test(`${title}: clients reach it and the other server in turn`, async () => {
      farm.offload(offload)
      const names = await farm.client.ask('names', { host: VIP, port: PORT, count: 4 })
      assert.deepEqual(names.sort(), ['own', 'own', 's1', 's1'])
    })

    test(`${title}: UDP, small, and in fragments`, async () => {
      for (const _ of [1, 2])
        assert.match(await farm.client.ask('udp', { host: VIP, port: PORT, text: 'hello' }), /^(s1|own) hello$/)
      for (const bytes of [1472, 4000, 9000])
        for (const _ of [1, 2])
          assert.match(
            await farm.client.ask('udp', { host: VIP, port: PORT, bytes, tries: 2 }),
            /^(s1|own) whole$/,
            `${bytes} bytes`,
          )
    })

    test(`${title}: 10 MB up and down, byte for byte`, async () => {
      farm.edit((director) =>
        director.editServer(tcp, { address: server(1), port: PORT }, { method: 'masq', weight: 0 }),
      )
      const { number } = await farm.client.ask('open', { host: VIP, port: PORT })
      assert.equal(await farm.client.ask('up', { number, bytes: MEGABYTES }), true, 'up')
      assert.equal(await farm.client.ask('down', { number, bytes: MEGABYTES }), true, 'down')
      await farm.client.ask('end', { number })
      farm.edit((director) =>
        director.editServer(tcp, { address: server(1), port: PORT }, { method: 'masq', weight: 1 }),
      )
    })
  }

  test('its answers are counted, and its connections are seen to be established', async () => {
    const { number, localPort } = await farm.client.ask('open', { host: VIP, port: PORT })
    const { number: second } = await farm.client.ask('open', { host: VIP, port: PORT })
    const { servers } = farm.service(tcp)
    const own = servers.find(({ address }) => address === OWN)
    assert.equal(own.active, 1)
    assert.ok(own.counters.outPackets > 0n)
    assert.equal(farm.connections().find((one) => one.client.port === localPort).state, 'ESTABLISHED')
    await farm.client.ask('end', { number })
    await farm.client.ask('end', { number: second })
  })

  test('a client on the director reaches it too', async () => {
    const names = await farm.host.ask('names', { host: VIP, port: PORT, count: 4 })
    assert.deepEqual(names.sort(), ['own', 'own', 's1', 's1'])
  })
})
