// Full NAT with the client's address told to the server: real connections, offloads on and off, packets lost on the way.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CLIENT, Farm, PORT, VIP } from '../lib/farm.mjs'

const MEGABYTES = 10 * 2 ** 20
const GREETING = 9000
const CLIENT_NUMBER = `0x${Buffer.from(CLIENT.split('.').map(Number)).toString('hex')}`

describe('PROXY protocol', () => {
  /** @type {Farm} */
  let farm
  before(async () => {
    farm = new Farm({ method: 'fullnat' })
    for (const [i, host] of farm.servers.entries()) {
      await host.ask('listen', { port: PORT, name: `s${i + 1}`, proxy: true })
      await host.ask('listen', { port: GREETING, name: `s${i + 1}`, proxy: true, greets: true })
    }
    farm.serve({ clientAddress: 'proxy' })
    farm.serve({ port: GREETING, clientAddress: 'proxy' })
  })
  after(() => farm?.close())

  for (const offload of [true, false])
    describe(offload ? 'offloads on' : 'offloads off', () => {
      before(() => farm.offload(offload))

      test('the server is told who its client is', async () => {
        for (let i = 0; i < 4; i += 1) {
          const { number, localPort } = await farm.client.ask('open', { host: VIP, port: PORT })
          assert.equal(
            await farm.client.ask('say', { number, text: 'proxied' }),
            `${CLIENT} ${localPort} ${VIP} ${PORT}`,
          )
          await farm.client.ask('end', { number })
        }
      })

      test('10 MB up and down, byte for byte', async () => {
        const { number } = await farm.client.ask('open', { host: VIP, port: PORT })
        assert.equal(await farm.client.ask('up', { number, bytes: MEGABYTES }), true, 'up')
        assert.equal(await farm.client.ask('down', { number, bytes: MEGABYTES }), true, 'down')
        await farm.client.ask('end', { number })
      })

      test('a server that speaks first', async () => {
        const { number, localPort } = await farm.client.ask('open', { host: VIP, port: GREETING })
        assert.equal(await farm.client.ask('hear', { number }), 'welcome')
        assert.match(await farm.client.ask('say', { number, text: 'proxied' }), new RegExp(`^${CLIENT} ${localPort} `))
        await farm.client.ask('end', { number })
      })
    })

  test('the handshake’s acknowledgement, or the first bytes, lost: what the client sends again brings it', async (t) => {
    const { client } = farm
    // the client's packets that are thrown away, by what the kernel's own rules count
    client.run('nft', 'add table ip lossy')
    t.after(() => client.run('nft', 'delete table ip lossy'))
    client.run('nft', 'add chain ip lossy out { type filter hook output priority 0 ; }')
    for (const lost of ['numgen random mod 3 0', 'numgen inc mod 2 0', 'numgen inc mod 4 0']) {
      client.run(
        'nft',
        `add rule ip lossy out tcp dport ${PORT} tcp flags & (syn | rst) == 0 ct original packets < 9 ${lost} drop`,
      )
      for (let i = 0; i < 4; i += 1) {
        const { number, localPort } = await client.ask('open', { host: VIP, port: PORT })
        assert.match(await client.ask('say', { number, text: 'proxied' }), new RegExp(`^${CLIENT} ${localPort} `))
        assert.equal(await client.ask('up', { number, bytes: 100_000 }), true)
        assert.equal(await client.ask('down', { number, bytes: 100_000 }), true)
        await client.ask('end', { number })
      }
      client.run('nft', 'flush chain ip lossy out')
    }
  })
})

describe('TOA', () => {
  /** @type {Farm} */
  let farm
  before(async () => {
    farm = new Farm({ method: 'fullnat', servers: 1 })
    await farm.listen()
    farm.serve({ clientAddress: 'toa' })
    const [server] = farm.servers
    server.run('nft', 'add table ip seen')
    server.run('nft', 'add chain ip seen in { type filter hook input priority 0 ; }')
    // kind 254; behind its two bytes the port, then the address
    for (const flags of ['== ack', '& (ack | psh) == (ack | psh)'])
      server.run('nft', `add rule ip seen in tcp flags ${flags} tcp option @254,32,32 ${CLIENT_NUMBER} counter`)
  })
  after(() => farm?.close())

  /** Packets of the server's with the client's address in them: bare acknowledgements, and those with data. */
  const seen = () =>
    JSON.parse(farm.servers[0].run('nft', '--json', 'list', 'chain', 'ip', 'seen', 'in')).nftables.flatMap(({ rule }) =>
      (rule?.expr ?? []).flatMap(({ counter }) => (counter ? [counter.packets] : [])),
    )

  for (const offload of [true, false])
    test(`offloads ${offload ? 'on' : 'off'}: the option arrives once, and 10 MB go both ways`, async () => {
      farm.offload(offload)
      const [acks] = seen()
      const { number } = await farm.client.ask('open', { host: VIP, port: PORT })
      assert.equal(await farm.client.ask('up', { number, bytes: MEGABYTES }), true, 'up')
      assert.equal(await farm.client.ask('down', { number, bytes: MEGABYTES }), true, 'down')
      await farm.client.ask('end', { number })
      assert.deepEqual(seen(), [acks + 1, 0])
    })

  test('the first acknowledgement lost: the option comes before the data', async (t) => {
    const { client } = farm
    client.run('nft', 'add table ip lossy')
    t.after(() => client.run('nft', 'delete table ip lossy'))
    client.run('nft', 'add chain ip lossy out { type filter hook output priority 0 ; }')
    client.run('nft', `add rule ip lossy out tcp dport ${PORT} tcp flags == ack ct original packets 2 counter drop`)
    const [acks] = seen()
    const { number } = await client.ask('open', { host: VIP, port: PORT })
    assert.match(await client.ask('say', { number, text: 'name' }), /^s1$/)
    await client.ask('end', { number })
    assert.match(client.run('nft', 'list', 'chain', 'ip', 'lossy', 'out'), /packets 1 /)
    assert.deepEqual(seen(), [acks + 1, 0])
  })
})
