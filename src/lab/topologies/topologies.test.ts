import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { down, run, topologies } from '../index.js'
import { machine } from '../testing.js'
import { quietReporter } from '../transcript.js'

const reporter = { ...quietReporter(), progress: () => {} }

describe('the cases of the notes', () => {
  for (const topology of topologies) {
    test(`${topology.name}: ${topology.title}`, async (t) => {
      const prefix = `t${process.pid}-${topology.name}`
      t.after(() => down(prefix, reporter))
      const { checks } = await run(topology, { prefix, reporter, signal: new AbortController().signal })
      assert.ok(checks.length > 0)
      assert.deepEqual(
        checks.filter((check) => !check.ok),
        [],
      )
      const { namespaces, processes, records } = machine(prefix)
      assert.deepEqual({ namespaces, processes, records }, { namespaces: [], processes: [], records: [] })
    })
  }
})
