#!/usr/bin/env node
// npm run test:history [-- OPTIONS]: the connection-history checker, as long and as wide as wanted. See history.mjs.
import { parseArgs } from 'node:util'
import { describe, history } from './history.mjs'

const defaults = { connections: '2000', seconds: '60', servers: '4', method: 'masq' }
const usage = `usage: npm run test:history [-- OPTIONS]
  --connections N   kept open (${defaults.connections})
  --seconds N       how long the table is edited (${defaults.seconds})
  --servers N       real servers (${defaults.servers})
  --method M        masq, route or tunnel (${defaults.method})
  --seed N          repeats a run's edits (default: the time)
  --json            the report as JSON, without the list of what is done
Exit status: 0 every connection held, 1 one did not, 2 wrong usage.`

function settings() {
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(
        Object.entries(defaults).map(([name, value]) => [name, { type: 'string', default: value }]),
      ),
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const number = (name, least) => {
    const value = Number(values[name])
    if (!Number.isSafeInteger(value) || value < least)
      throw new Error(`--${name} ${values[name]}: a number from ${least}`)
    return value
  }
  if (!['masq', 'route', 'tunnel'].includes(values.method)) throw new Error(`--method ${values.method}: no such method`)
  return {
    ...values,
    seed: number('seed', 0),
    connections: number('connections', 1),
    seconds: number('seconds', 0),
    servers: number('servers', 2),
  }
}

let chosen
try {
  chosen = settings()
} catch (error) {
  console.error(`${error.message}\n${usage}`)
  process.exit(2)
}
if (chosen.help) {
  console.log(usage)
  process.exit()
}
const report = await history({ ...chosen, say: chosen.json ? () => {} : console.log })
console.log(chosen.json ? JSON.stringify(report, null, 2) : describe(report))
process.exitCode = report.passed ? 0 : 1
