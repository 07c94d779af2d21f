// Every recorded case, replayed against our own ipvsadm on this kernel. A case in pending.json may fail.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const ipvsadm = fileURLToPath(new URL('../../bin/ipvsadm', import.meta.url))

/** @param {'commands' | 'traffic'} kind */
function replay(kind) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-golden-'))
  const file = join(folder, 'results.json')
  try {
    const run = spawnSync(process.execPath, [`${here}${kind}.mjs`, 'compare', `${here}${kind}.json`, ipvsadm], {
      encoding: 'utf8',
      env: { ...process.env, GOLDEN_PREFIX: 'gold', GOLDEN_REPORT: file },
    })
    if (run.status === null || run.status > 1 || run.stderr !== '')
      throw new Error(`${kind}: ${run.stdout}${run.stderr}`)
    return /** @type {{ name: string, passed: boolean, pending: boolean, detail: string }[]} */ (
      JSON.parse(readFileSync(file, 'utf8'))
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

for (const kind of /** @type {const} */ (['commands', 'traffic'])) {
  describe(`what the real ones said: ${kind}`, () => {
    for (const { name, passed, pending, detail } of replay(kind)) {
      it(name, { todo: pending }, () => assert.ok(passed, detail))
    }
  })
}
