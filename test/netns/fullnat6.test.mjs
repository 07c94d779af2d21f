// Full NAT over IPv6: real connections to a server that knows no way back, offloads on and off.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Director } from '../../dist/index.js'
import { Host } from '../lib/host.mjs'
import { wire } from '../lib/netns.mjs'

const VIP = 'fd00::100'
const LOCAL = 'fd00:0:0:1::2'
const SERVER = 'fd00:0:0:1::11'
const PORT = 8000
const MEGABYTES = 10 * 2 ** 20

describe('full NAT over IPv6', () => {
  let client
  let host
  let server
  let director
  before(async () => {
    client = new Host('c', { ipv6: true })
    host = new Host('d', { ipv6: true })
    server = new Host('s', { ipv6: true })
    wire([client, 'eth0'], [host, 'eth0'])
    wire([host, 'eth1'], [server, 'eth0'])
    client.ip('address', 'add', 'fd00::10/64', 'dev', 'eth0', 'nodad')
    for (const [address, device] of [
      ['fd00::1/64', 'eth0'],
      [`${VIP}/128`, 'eth0'],
      [`${LOCAL}/64`, 'eth1'],
    ])
      host.ip('address', 'add', address, 'dev', device, 'nodad')
    server.ip('address', 'add', `${SERVER}/64`, 'dev', 'eth0', 'nodad')
    await server.ask('listen', { port: PORT, name: 's1', address: '::' })
    director = host.within(() => Director.open())
    host.within(() => {
      const key = { protocol: 'tcp', address: VIP, port: PORT }
      director.addService(key, { scheduler: 'rr', localAddresses: [LOCAL] })
      director.addServer(key, { address: SERVER, port: PORT }, { method: 'fullnat', weight: 1 })
    })
  })
  after(async () => {
    director?.close()
    for (const each of [client, host, server]) await each?.close()
  })

  for (const word of ['on', 'off'])
    test(`offloads ${word}: 10 MB up and down, byte for byte`, async () => {
      const devices = [
        [client, 'eth0'],
        [host, 'eth0'],
        [host, 'eth1'],
        [server, 'eth0'],
      ]
      for (const [each, device] of devices)
        each.run('ethtool', '-K', device, 'tx', word, 'tso', word, 'gso', word, 'gro', word)
      const { number } = await client.ask('open', { host: VIP, port: PORT })
      assert.match(await client.ask('say', { number, text: 'peer' }), new RegExp(`^${LOCAL} \\d+$`))
      assert.equal(await client.ask('up', { number, bytes: MEGABYTES }), true, 'up')
      assert.equal(await client.ask('down', { number, bytes: MEGABYTES }), true, 'down')
      await client.ask('end', { number })
    })

  test('a client on the director itself', async () => {
    const { number } = await host.ask('open', { host: VIP, port: PORT })
    assert.match(await host.ask('say', { number, text: 'peer' }), new RegExp(`^${LOCAL} \\d+$`))
    await host.ask('end', { number })
  })
})
