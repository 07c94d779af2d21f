import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lock } from './index.js'
import { needsRoot, run, script, withPins } from './testing.js'

const locked = { name: 'SluiceError', code: 'SLUICE_LOCKED' }

function withDirectory(use: (path: string) => void | Promise<void>) {
  return async () => {
    const path = mkdtempSync(join(tmpdir(), 'sluice-lock-'))
    try {
      await use(path)
    } finally {
      rmSync(path, { recursive: true, force: true })
    }
  }
}

/** Another process that takes the lock and keeps it until its end. */
async function holder(path: string, kind: string) {
  const child = spawn(
    process.execPath,
    script(`kernel.lock(${JSON.stringify(path)}, '${kind}'); process.stdout.write('held'); setInterval(() => {}, 1e6)`),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const exit = once(child, 'exit')
  assert.equal(String((await once(child.stdout, 'data'))[0]), 'held')
  return {
    kill() {
      child.kill('SIGKILL')
      return exit
    },
  }
}

test(
  'an exclusive lock keeps everybody out, a shared one only the exclusive',
  withDirectory((path) => {
    const mine = lock(path, 'exclusive')
    for (const kind of ['exclusive', 'shared'] as const) assert.throws(() => lock(path, kind, { timeoutMs: 0 }), locked)
    mine.release()
    mine.release()
    const readers = [lock(path, 'shared'), lock(path, 'shared')]
    assert.throws(() => lock(path, 'exclusive', { timeoutMs: 5 }), locked)
    for (const reader of readers) reader.release()
    lock(path, 'exclusive', { timeoutMs: 0 }).release()
  }),
)

test(
  'kill -9 of its holder releases a lock',
  withDirectory(async (path) => {
    const other = await holder(path, 'exclusive')
    assert.throws(() => lock(path, 'shared', { timeoutMs: 0 }), locked)
    await other.kill()
    lock(path, 'exclusive').release()
  }),
)

test('directories of the BPF file system can be locked too', { skip: needsRoot }, async () => {
  await withPins(async (path) => {
    const other = await holder(path, 'shared')
    lock(path, 'shared', { timeoutMs: 0 }).release()
    assert.throws(() => lock(path, 'exclusive', { timeoutMs: 0 }), locked)
    await other.kill()
    lock(path, 'exclusive').release()
  })
})

test(
  'processes that count under the lock lose nothing',
  withDirectory(async (path) => {
    const counter = join(path, 'n')
    const source = `import { readFileSync, writeFileSync } from 'node:fs'
      for (let i = 0; i < 50; i += 1) {
        const held = kernel.lock(${JSON.stringify(path)}, 'exclusive', { timeoutMs: 60_000 })
        let n = 0
        try { n = Number(readFileSync(${JSON.stringify(counter)}, 'utf8')) } catch {}
        writeFileSync(${JSON.stringify(counter)}, String(n + 1))
        held.release()
      }`
    const exits = [1, 2, 3].map(() => once(spawn(process.execPath, script(source), { stdio: 'inherit' }), 'exit'))
    for (const exit of exits) assert.deepEqual(await exit, [0, null])
    assert.equal(run('cat', counter), '150')
  }),
)

test(
  'a lock is on what stands at the path when it is taken, not on what was removed meanwhile',
  withDirectory(async (path) => {
    const target = join(path, 'table')
    mkdirSync(target)
    const mine = lock(target, 'exclusive')
    const waiter = spawn(
      process.execPath,
      script(`process.stdout.write('waiting')
        const held = kernel.lock(${JSON.stringify(target)}, 'exclusive', { timeoutMs: 60_000 })
        process.stdout.write('held'); setInterval(() => {}, 1e6)`),
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const exit = once(waiter, 'exit')
    await once(waiter.stdout, 'data')
    // another directory takes the name while the first is locked
    renameSync(target, join(path, 'old'))
    mkdirSync(target)
    mine.release()
    await once(waiter.stdout, 'data')
    assert.throws(() => lock(target, 'exclusive', { timeoutMs: 0 }), locked)
    waiter.kill('SIGKILL')
    await exit
    rmdirSync(target)
    assert.throws(() => lock(target, 'shared'), { name: 'KernelError', code: 'ENOENT' })
  }),
)
