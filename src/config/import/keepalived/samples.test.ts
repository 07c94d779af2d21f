// keepalived's own sample configurations: what they mean is what is written, and what is not taken over is named.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { formatConfig, parseConfig } from '../../index.js'
import type { Imported } from '../imported.js'
import { importKeepalived } from './index.js'
import { uncomment } from './lines.js'

const folder = '/usr/share/doc/keepalived/samples'
const samples = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith('keepalived.conf')) : []
const skip = samples.length === 0 ? 'the samples of the package keepalived are not here' : false

const of = (text: string, configId = 'high'): Imported =>
  importKeepalived('sample', { configId, files: { read: () => text, glob: () => [] } })

/** All that there is of it, but for the places. */
const meaningOf = ({ config, remarks }: Imported) =>
  JSON.stringify([config, remarks.map(({ text, why }) => [text, why])])

/** Lines that say what goes without saying: they make no difference. */
const usual = [
  /^protocol TCP$/,
  /^lb_kind NAT$/,
  // what a check has that does not say
  /^delay_loop 60$/,
  /^connect_port 25$/,
  /^delay_before_retry 3$/,
]

describe('the samples of keepalived', { skip }, () => {
  for (const name of samples) {
    it(`${name} is taken over, each line or by its name`, () => {
      const text = readFileSync(join(folder, name), 'utf8')
      const { config, remarks } = of(text)
      assert.doesNotMatch(remarks.map(({ why }) => why).join(), /not known here/)
      parseConfig(formatConfig(config), 'sluice.yaml')
      const meaning = meaningOf({ config, remarks })
      const named = new Set(remarks.map(({ at }) => at.line))
      const lines = text.split('\n')
      for (const [i, line] of lines.entries()) {
        const own = uncomment(line)
        if (own === '' || own === '}' || named.has(i + 1) || usual.some((one) => one.test(own))) continue
        // a line that nothing says of has to make a difference; a block's first one, by what is in it
        const end = endOf(lines, i)
        const inside = lines.slice(i + 1, end).every((one, k) => /^}?$/.test(uncomment(one)) || named.has(i + 2 + k))
        if (end > i && inside) continue
        const without = of([...lines.slice(0, i), ...lines.slice(end + 1)].join('\n'))
        assert.notEqual(meaningOf(without), meaning, `${name}:${i + 1}: ${own}`)
      }
    })
  }

  it('include everything that a virtual server can be found by', () => {
    const { config } = of(readFileSync(join(folder, 'keepalived.conf.virtual_server_group'), 'utf8'))
    assert.equal(Object.keys(config.services ?? {}).length, 13)
  })
})

/** The last line of the block that opens in a line; the line itself where none does. */
function endOf(lines: readonly string[], at: number): number {
  let end = at
  let depth = 0
  do {
    const line = uncomment(lines[end] as string)
    depth += line.endsWith('{') ? 1 : line === '}' ? -1 : 0
    if (depth > 0) end += 1
  } while (depth > 0)
  return end
}
