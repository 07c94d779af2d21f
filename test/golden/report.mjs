// How a replay ends: the cases that wait for something not built yet (pending.json) are counted apart from failures.
import { readFileSync, writeFileSync } from 'node:fs'

/**
 * Prints the counts, writes what GOLDEN_REPORT names, and returns the exit status.
 * @param {'commands' | 'traffic'} kind
 * @param {{ name: string, passed: boolean, detail: string }[]} results in the order of the cases
 * @returns {number}
 */
export function report(kind, results) {
  const pending = new Set(JSON.parse(readFileSync(new URL('pending.json', import.meta.url), 'utf8'))[kind])
  const passed = results.filter((one) => one.passed)
  const waiting = results.filter((one) => !one.passed && pending.has(one.name))
  const failed = results.filter((one) => !one.passed && !pending.has(one.name))
  for (const one of failed) console.log(`--- ${one.name}: ${one.detail}`)
  for (const one of passed)
    if (pending.has(one.name)) console.log(`--- ${one.name}: passes, take it out of pending.json`)
  if (waiting.length > 0) console.log(`pending: ${waiting.map((one) => one.name).join('; ')}`)
  console.log(`${kind}: ${passed.length} passed, ${failed.length} failed, ${waiting.length} pending`)
  if (process.env.GOLDEN_REPORT) {
    const rows = results.map((one) => ({ ...one, pending: pending.has(one.name) }))
    writeFileSync(process.env.GOLDEN_REPORT, JSON.stringify(rows))
  }
  return failed.length === 0 ? 0 : 1
}
