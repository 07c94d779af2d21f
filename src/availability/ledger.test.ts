import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Reading } from './clock.js'
import { type AvailabilityEvent, AvailabilityLedger, type LedgerOptions, readAvailability } from './ledger.js'
import type { AvailabilityReport, Figures, WindowName } from './report.js'

const service = 'TCP 192.168.10.100:80'
const server = '192.168.10.11:80'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

let folder: string
let path: string
let now: Reading
const clock = () => now

/** Time passes. */
const pass = (ms: number) => {
  now = { ...now, wall: now.wall + ms, mono: now.mono + ms }
}
const setWall = (by: number) => {
  now = { ...now, wall: now.wall + by }
}
const reboot = (ms: number) => {
  now = { wall: now.wall + ms, mono: 5000, boot: `${now.boot}+` }
}
const open = (options: LedgerOptions = {}) => AvailabilityLedger.open(path, { clock, beat: 0, ...options })
const read = () => readAvailability(path, '99.9', clock) as AvailabilityReport

const event = (state: AvailabilityEvent['state'], of: string | undefined = server): AvailabilityEvent => ({
  service,
  ...(of === undefined ? {} : { server: of }),
  state,
})

function of(report: AvailabilityReport, window: WindowName = 'year'): Figures {
  const [subject] = report.subjects
  return subject?.windows.find((figures) => figures.window === window) as Figures
}
const times = ({ up, down, planned, unseen }: Figures) => ({ up, down, planned, unseen })

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-availability-'))
  path = join(folder, 'below', 'record')
  now = { wall: Date.UTC(2026, 0, 1), mono: 1_000_000, boot: 'a' }
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the record of availability', () => {
  it('gives MTBF, MTTR, availability and what is left of the budget', () => {
    const ledger = open()
    ledger.record(event('up'))
    pass(10 * DAY)
    ledger.record(event('down'))
    pass(30 * MINUTE)
    ledger.record(event('up'))
    pass(10 * DAY)
    ledger.record(event('down'))
    pass(10 * MINUTE)
    ledger.record(event('up'))
    const report = ledger.report('99.9')
    const month = of(report, '30d')
    assert.equal(month.failures, 2)
    assert.equal(month.mtbf, 10 * DAY)
    assert.equal(month.mttr, 20 * MINUTE)
    assert.equal(month.availability, (20 * DAY) / (20 * DAY + 40 * MINUTE))
    // 99.9 % of 30 days: 43.2 minutes
    assert.deepEqual(month.budget, { target: '99.9', allowed: 43.2 * MINUTE, left: 3.2 * MINUTE })
    assert.equal(of(report, 'week').failures, 1)
    assert.deepEqual(times(of(report, 'day')), { up: DAY - 10 * MINUTE, down: 10 * MINUTE, planned: 0, unseen: 0 })
    ledger.close()
  })

  it('has no mean times without a failure, and no availability without a look', () => {
    const ledger = open()
    ledger.record(event('unseen'))
    pass(HOUR)
    const { mtbf, mttr, availability } = of(ledger.report())
    assert.deepEqual([mtbf, mttr, availability], [null, null, null])
    ledger.record(event('up'))
    pass(HOUR)
    assert.equal(of(ledger.report()).availability, 1)
    assert.equal(of(ledger.report()).mtbf, null)
    ledger.close()
  })

  it('keeps planned time apart', () => {
    const ledger = open()
    ledger.record(event('up'))
    pass(HOUR)
    ledger.record(event('planned'))
    pass(3 * HOUR)
    ledger.record(event('up'))
    pass(HOUR)
    const year = of(ledger.report())
    assert.deepEqual(times(year), { up: 2 * HOUR, down: 0, planned: 3 * HOUR, unseen: 0 })
    assert.equal(year.availability, 1)
    ledger.close()
  })

  it('tells services from servers, and forgets what was removed', () => {
    const ledger = open()
    ledger.record({ service, state: 'up' })
    ledger.record(event('down'))
    ledger.record(event('up', '192.168.10.12:80'))
    const shown = () => ledger.report().subjects.map(({ server, state }) => `${server ?? 'all'} ${state}`)
    assert.deepEqual(shown(), ['all up', '192.168.10.11:80 down', '192.168.10.12:80 up'])
    ledger.record(event(undefined, '192.168.10.12:80'))
    assert.deepEqual(shown(), ['all up', '192.168.10.11:80 down'])
    ledger.close()
  })
})

describe('a restart', () => {
  it('goes on where the record ended; between is unseen', () => {
    const first = open()
    first.record(event('up'))
    pass(HOUR)
    first.close()
    pass(5 * MINUTE)
    const second = open()
    pass(MINUTE)
    second.record(event('up'))
    pass(HOUR)
    assert.deepEqual(times(of(second.report())), { up: 2 * HOUR, down: 0, planned: 0, unseen: 6 * MINUTE })
    second.close()
  })

  it('after a kill counts what was seen up to the last sign of life', () => {
    const first = open()
    first.record(event('up'))
    pass(HOUR)
    first.tick()
    const killed = readFileSync(path)
    pass(40_000)
    first.close()
    writeFileSync(path, killed)
    const second = open()
    second.record(event('up'))
    assert.deepEqual(times(of(second.report())), { up: HOUR, down: 0, planned: 0, unseen: 40_000 })
    second.close()
  })

  it('of the machine is measured by the wall clock', () => {
    const first = open()
    first.record(event('up'))
    pass(HOUR)
    first.close()
    reboot(7 * MINUTE)
    const second = open()
    second.record(event('up'))
    pass(HOUR)
    assert.deepEqual(times(of(second.report())), { up: 2 * HOUR, down: 0, planned: 0, unseen: 7 * MINUTE })
    second.close()
    // a clock that went backwards meanwhile makes no time
    reboot(-DAY)
    const third = open()
    third.record(event('up'))
    assert.equal(of(third.report()).unseen, 7 * MINUTE)
    third.close()
  })

  it('survives kill -9 of a real process', async () => {
    const module = fileURLToPath(new URL('./index.js', import.meta.url))
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { AvailabilityLedger } from ${JSON.stringify(module)}
         const ledger = AvailabilityLedger.open(${JSON.stringify(path)})
         ledger.record({ service: 's', state: 'up' })
         ledger.record({ service: 's', server: 'r', state: 'down' })
         console.log('written')
         setInterval(() => {}, 1000)`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    await once(child.stdout, 'data')
    assert.throws(() => AvailabilityLedger.open(path), { code: 'SLUICE_RECORD_BUSY' })
    assert.equal(readAvailability(path)?.live, true)
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    const ledger = AvailabilityLedger.open(path)
    const report = ledger.report()
    assert.deepEqual(
      report.subjects.map(({ state }) => state),
      ['unseen', 'unseen'],
    )
    assert.equal(report.subjects[1]?.windows[0]?.failures, 1)
    ledger.close()
  })
})

describe('a wall clock that is set', () => {
  it('makes no time and takes none', () => {
    for (const jump of [-DAY, 400 * DAY, -2 * HOUR]) {
      rmSync(path, { force: true })
      const ledger = open()
      ledger.record(event('up'))
      pass(HOUR)
      setWall(jump)
      pass(HOUR)
      ledger.record(event('down'))
      pass(MINUTE)
      const report = ledger.report()
      assert.deepEqual(times(of(report)), { up: 2 * HOUR, down: MINUTE, planned: 0, unseen: 0 })
      // shown by the clock as it is now
      assert.equal(report.subjects[0]?.since, now.wall - MINUTE)
      assert.equal(report.from, now.wall - 2 * HOUR - MINUTE)
      ledger.close()
      assert.deepEqual(times(of(read())), { up: 2 * HOUR, down: MINUTE, planned: 0, unseen: 0 })
    }
  })
})

describe('someone else who reads', () => {
  it('sees it go on while there are signs of life, and unseen when they stop', () => {
    const ledger = open()
    ledger.record(event('up'))
    pass(HOUR)
    ledger.tick()
    pass(2 * MINUTE)
    assert.equal(read().live, true)
    assert.deepEqual(times(of(read())), { up: HOUR + 2 * MINUTE, down: 0, planned: 0, unseen: 0 })
    pass(2 * MINUTE)
    assert.equal(read().live, false)
    assert.equal(read().subjects[0]?.state, 'unseen')
    assert.deepEqual(times(of(read())), { up: HOUR, down: 0, planned: 0, unseen: 4 * MINUTE })
    ledger.close()
  })

  it('finds none where there is none', () => {
    assert.equal(readAvailability(join(folder, 'none')), undefined)
    assert.throws(() => readAvailability(folder), { code: 'SLUICE_NO_FILE' })
  })
})

describe('the file', () => {
  it('may end in the middle of a line, or have others spoiled: they are left out and counted', () => {
    const ledger = open()
    ledger.record(event('up'))
    pass(HOUR)
    ledger.close()
    const text = readFileSync(path, 'utf8')
    appendFileSync(path, text.slice(0, 40))
    const second = open()
    second.record(event('up'))
    pass(HOUR)
    assert.equal(second.report().damaged, 1)
    assert.equal(of(second.report()).up, 2 * HOUR)
    second.close()
    assert.equal(read().damaged, 1)
    for (const rubbish of ['\n\0\0\0\n', 'x'.repeat(300), '00000000 {}\n', '00000000 \n', text.replace('up', 'down')]) {
      writeFileSync(path, rubbish)
      assert.ok(read().damaged > 0)
      const third = open()
      assert.ok(third.report().damaged > 0, 'opens all the same')
      third.close()
    }
  })

  it('stays short: it is compacted, and says the same then', () => {
    const ledger = open({ room: 20_000 })
    for (let i = 0; i < 500; i += 1) {
      ledger.record(event('up'))
      ledger.record(event('up', 'another'))
      pass(MINUTE)
      ledger.record(event('down'))
      pass(1000)
      for (let beats = 0; beats < 20; beats += 1) ledger.tick()
    }
    const size = statSync(path).size
    assert.ok(size < 150_000, `${size} bytes`)
    const before = ledger.report()
    assert.deepEqual(times(of(before)), { up: 500 * MINUTE, down: 500_000, planned: 0, unseen: 0 })
    assert.equal(of(before).failures, 500)
    ledger.compact()
    assert.deepEqual(ledger.report(), before)
    assert.deepEqual(read(), before)
    ledger.record(event('up'))
    pass(MINUTE)
    ledger.close()
    assert.equal(of(read()).up, 501 * MINUTE)
    assert.equal(of(read()).failures, 500)
  })

  it('that cannot be written is told, and the accounting goes on', () => {
    const failures: string[] = []
    const ledger = open({ failed: (error) => failures.push(error.message), room: 1 })
    rmSync(join(folder, 'below'), { recursive: true })
    ledger.record(event('up'))
    pass(HOUR)
    assert.ok(failures.length > 0)
    assert.equal(of(ledger.report()).up, HOUR)
    ledger.close()
  })

  it('that cannot be made is refused', () => {
    writeFileSync(join(folder, 'file'), '')
    assert.throws(() => AvailabilityLedger.open(join(folder, 'file', 'record')), { code: 'SLUICE_NO_WRITE' })
  })
})
