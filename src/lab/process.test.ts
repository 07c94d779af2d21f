import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { endGroup, identify, isAlive, launch } from './process.js'

const plain = { cwd: tmpdir(), env: { PATH: '/usr/bin:/bin' }, output: 'pipe' } as const

test('a process that has the number of another is not taken for it', async () => {
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })
  const identity = identify(child.pid as number)
  assert.ok(identity)
  const earlier = { ...identity, start: identity.start - 1 }
  assert.equal(isAlive(earlier), false)
  await endGroup(earlier)
  assert.equal(isAlive(identity), true)
  await endGroup(identity)
  assert.equal(isAlive(identity), false)
})

test('a program does not run before it is registered, and not at all when that fails', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-'))
  const file = join(folder, 'ran')
  const register = () => {
    throw new Error('no room in the ledger')
  }
  try {
    await assert.rejects(launch(['touch', file], { ...plain, register }), { message: 'no room in the ledger' })
    const child = await launch(['touch', file], { ...plain, register: () => assert.equal(existsSync(file), false) })
    await once(child, 'exit')
    assert.equal(existsSync(file), true)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the end of a group reaches the children of a leader that has died, and one that ignores SIGTERM', async () => {
  let leader: { pid: number; start: number } | undefined
  const child = await launch(['sh', '-c', 'trap "" TERM; sleep 1000 & echo $!; exec sleep 1000'], {
    ...plain,
    register: (identity) => {
      leader = identity
    },
  })
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  const grandchild = identify(Number(String(line)))
  assert.ok(leader && grandchild)
  process.kill(leader.pid, 'SIGKILL')
  await once(child, 'exit')
  assert.equal(isAlive(grandchild), true)
  assert.match(readFileSync(`/proc/${grandchild.pid}/comm`, 'utf8'), /sleep|sh/)
  await endGroup(leader, 100)
  assert.equal(isAlive(grandchild), false)
})
