// Real connections through GUE and GRE, with offloads and without, to servers where our program takes the headers off.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Farm, PORT, VIP } from '../lib/farm.mjs'

const MEGABYTES = 10 * 2 ** 20
const kinds = {
  'gue:-c': { type: 'gue', port: 6080, checksum: 'none' },
  'gue:+c': { type: 'gue', port: 6080, checksum: 'csum' },
  'gre:-c': { type: 'gre', checksum: 'none' },
  'gre:+c': { type: 'gre', checksum: 'csum' },
}

for (const [name, tunnel] of Object.entries(kinds))
  describe(name, () => {
    /** @type {Farm} */
    let farm
    before(async () => {
      farm = new Farm({ method: 'tunnel', tunnel })
      await farm.listen()
      farm.serve()
      farm.serve({ protocol: 'udp' })
    })
    after(() => farm?.close())

    for (const offload of [true, false]) {
      const title = offload ? 'offloads on' : 'offloads off'

      test(`${title}: TCP and UDP`, async () => {
        farm.offload(offload)
        const names = await farm.client.ask('names', { host: VIP, port: PORT, count: 4 })
        assert.deepEqual(names.sort(), ['s1', 's1', 's2', 's2'])
        assert.match(await farm.client.ask('udp', { host: VIP, port: PORT, text: 'hello' }), /^s[12] hello$/)
        assert.match(await farm.client.ask('udp', { host: VIP, port: PORT, bytes: 1400, tries: 2 }), /^s[12] whole$/)
      })

      test(`${title}: 10 MB up and down, byte for byte`, async () => {
        const { number } = await farm.client.ask('open', { host: VIP, port: PORT })
        assert.equal(await farm.client.ask('up', { number, bytes: MEGABYTES }), true, 'up')
        assert.equal(await farm.client.ask('down', { number, bytes: MEGABYTES }), true, 'down')
        await farm.client.ask('end', { number })
      })
    }
  })
