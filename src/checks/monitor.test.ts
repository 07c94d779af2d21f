import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Outcome } from './check.js'
import { HealthCounter, type HealthReport, Monitor, type Rhythm } from './monitor.js'

test('rise and fall: so many in a row, before the first of them nobody knows', () => {
  const counter = new HealthCounter({ rise: 2, fall: 3 })
  const seen = [...'-+-+++--+---+-++'].map((letter) => {
    counter.count(letter === '+')
    return counter.health
  })
  assert.deepEqual(seen.slice(0, 4), ['unknown', 'unknown', 'unknown', 'unknown'])
  assert.deepEqual(seen.slice(4, 11), ['up', 'up', 'up', 'up', 'up', 'up', 'up'])
  assert.deepEqual(seen.slice(11), ['down', 'down', 'down', 'down', 'up'])
})

const rhythm: Rhythm = { interval: 10, timeout: 1000, retries: 0, retryDelay: 1, rise: 1, fall: 2, jitter: 0 }
const target = { address: '127.0.0.1', port: 1 }

test('a monitor tells each change of health once, and a script’s new weight; stopped, it asks no more', async () => {
  const answers: Outcome[] = [
    { ok: true, reason: 'a' },
    { ok: false, reason: 'b' },
    { ok: true, reason: 'c' },
    { ok: true, reason: 'd', weight: 5 },
    { ok: false, reason: 'e' },
    { ok: false, reason: 'f' },
  ]
  let asked = 0
  const told: HealthReport[] = []
  await new Promise<void>((resolve) => {
    const monitor = new Monitor(
      target,
      async () => answers[Math.min(asked++, answers.length - 1)] as Outcome,
      rhythm,
      (report) => {
        told.push(report)
        if (report.health === 'down') {
          monitor.stop()
          resolve()
        }
      },
    )
  })
  assert.deepEqual(
    told.map(({ health, outcome }) => [health, outcome?.reason]),
    [
      ['up', 'a'],
      ['up', 'd'],
      ['down', 'f'],
    ],
  )
  const then = asked
  await sleep(50)
  assert.equal(asked, then)
})

test('retries: a check has failed only when its last attempt has', async () => {
  let asked = 0
  const report = await new Promise<HealthReport>((resolve) => {
    const check = async () => ({ ok: ++asked % 3 === 0, reason: `attempt ${asked}` })
    const monitor = new Monitor(target, check, { ...rhythm, retries: 2, fall: 1 }, (told) => {
      monitor.stop()
      resolve(told)
    })
  })
  assert.deepEqual([report.health, report.outcome?.reason, asked], ['up', 'attempt 3', 3])
})
