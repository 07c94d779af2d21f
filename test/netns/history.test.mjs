// The connection-history checker, a short run a forwarding method. `npm run test:history` runs it longer.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe, history } from '../history/history.mjs'

const seed = Number(process.env.SLUICE_SEED ?? 1)

for (const [method, connections, seconds] of [
  ['masq', 2000, 5],
  ['route', 500, 1],
]) {
  test(`${method}: ${connections} connections, everything is edited and killed: none moves, none breaks`, async (t) => {
    t.diagnostic(`SLUICE_SEED=${seed}`)
    const said = []
    const report = await history({ seed, connections, seconds, servers: 4, method, say: (line) => said.push(line) })
    assert.ok(report.passed, `${said.join('\n')}\n${describe(report)}`)
    assert.ok(report.live >= connections * 0.8 && report.answered > connections)
    t.diagnostic(describe(report).replaceAll('\n', '; '))
  })
}
