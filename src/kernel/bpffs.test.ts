import assert from 'node:assert/strict'
import { existsSync, readlinkSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { chooseProcess, hasPrivateSys, type ProcessFacts } from './bpffs.js'
import { findBpffs } from './index.js'
import { needsRoot, run, script, withNamespace, withPins } from './testing.js'

const never = () => assert.fail('asked without need')
const chain = (...namespaces: (string | undefined)[]) =>
  namespaces.map((mountNamespace, i) => ({ pid: i === 0 ? 'self' : 100 - i, mountNamespace })) as unknown as readonly [
    ProcessFacts,
    ...ProcessFacts[],
  ]

test('a shell of the host, or of a container that shows no other processes: its own', () => {
  assert.equal(chooseProcess(chain('host', 'host', 'host'), never)?.pid, 'self')
  assert.equal(chooseProcess(chain('container'), never)?.pid, 'self')
})

test('inside ip netns exec: the oldest process of the outermost mount namespace', () => {
  assert.equal(chooseProcess(chain('exec', 'host', 'host', 'host'), never)?.pid, 97)
  assert.equal(chooseProcess(chain('exec', 'exec', 'host'), never)?.pid, 98)
})

test('ip netns exec inside ip netns exec: not the one between, which is private too', () => {
  assert.equal(chooseProcess(chain('inner', 'outer', 'outer', 'host'), never)?.pid, 97)
})

test('a daemon that init adopted: init’s', () => {
  assert.equal(chooseProcess(chain('exec', 'init'), never)?.pid, 99)
})

test('where init may not be read: the outermost that may be, if its /sys is not a private one', () => {
  const privateAre =
    (...pids: unknown[]) =>
    (process: ProcessFacts) =>
      pids.includes(process.pid)
  assert.equal(chooseProcess(chain('host', 'host', undefined), privateAre())?.pid, 'self')
  assert.equal(chooseProcess(chain('exec', 'host', undefined), privateAre('self'))?.pid, 99)
  assert.equal(chooseProcess(chain('exec', undefined), privateAre('self')), undefined)
  assert.equal(chooseProcess(chain('inner', 'outer', undefined), privateAre('self', 99)), undefined)
})

test('the /sys of ip netns exec is known by its source', () => {
  const line = (source: string) =>
    `23 27 0:22 / /sys rw,relatime - sysfs ${source} rw\n31 23 0:28 / /sys/fs rw - tmpfs tmpfs rw\n`
  assert.equal(hasPrivateSys(line('sysfs')), false)
  assert.equal(hasPrivateSys(line('sys')), false)
  assert.equal(hasPrivateSys(line('director')), true)
  assert.equal(hasPrivateSys(line('sysfs') + line('director')), true, 'the last one mounted counts')
  assert.equal(hasPrivateSys('27 1 0:1 / / rw - ext4 /dev/sda rw\n'), false)
})

test('ip netns exec does give its /sys that source', { skip: needsRoot }, async () => {
  await withNamespace((name) => {
    assert.equal(hasPrivateSys(run('ip', 'netns', 'exec', name, 'cat', '/proc/self/mountinfo')), true)
  })
})

test('here, it is a BPF file system, mounted on the way if need be', { skip: needsRoot }, () => {
  const path = findBpffs()
  assert.equal(statfsSync(path).type >>> 0, 0xcafe4a11)
  assert.equal(findBpffs(), path)
})

test('from inside ip netns exec, once and twice, it is the same one, and pins outlive the command', {
  skip: needsRoot,
}, async () => {
  const { dev } = statSync(findBpffs())
  await withNamespace((outer) =>
    withNamespace((inner) =>
      withPins((directory) => {
        const name = directory.split('/').at(-1) as string
        const pinned = (pin: string) => `
          import { statSync } from 'node:fs'
          import { join } from 'node:path'
          const root = kernel.findBpffs()
          const fd = kernel.mapCreate({ type: 2, keySize: 4, valueSize: 8, maxEntries: 1 })
          kernel.objPin(fd, join(root, ${JSON.stringify(name)}, '${pin}'))
          console.log(statSync(root).dev)`
        const once = run('ip', 'netns', 'exec', outer, process.execPath, ...script(pinned('one')))
        const nested = ['netns', 'exec', outer, 'ip', 'netns', 'exec', inner, process.execPath]
        // a shell between: the outer command is then an ancestor that lives in a private namespace itself
        const twice = run(
          'ip',
          'netns',
          'exec',
          outer,
          'sh',
          '-c',
          'ip "$@"; exit $?',
          'sh',
          ...nested,
          ...script(pinned('two')),
        )
        assert.deepEqual([once, twice], [`${dev}\n`, `${dev}\n`])
        assert.ok(existsSync(join(directory, 'one')))
        assert.ok(existsSync(join(directory, 'two')))
      }),
    ),
  )
})

test('a private BPF file system, such as iproute2 mounts there, is not taken', { skip: needsRoot }, async () => {
  const { dev } = statSync(findBpffs())
  await withNamespace((name) => {
    const command = 'mount -t bpf bpf /sys/fs/bpf && "$@"'
    const find = script(`import { statSync } from 'node:fs'; console.log(statSync(kernel.findBpffs()).dev)`)
    const found = run('ip', 'netns', 'exec', name, 'sh', '-c', command, 'sh', process.execPath, ...find)
    assert.equal(found, `${dev}\n`)
  })
})

/** A process and mount namespace of its own, without a BPF file system: a container. Gives what the shell's commands print. */
function inContainer(commands: string, ...args: string[]): string {
  const bare = 'while umount /sys/fs/bpf 2>/dev/null; do :; done;'
  return run('unshare', '--pid', '--fork', '--mount', '--mount-proc', 'sh', '-ec', `${bare} ${commands}`, 'sh', ...args)
}

const printPath = script('console.log(kernel.findBpffs())')
const countMounts = "grep -c ' /sys/fs/bpf .* - bpf ' /proc/self/mountinfo"

test('a container has its own, mounted where it is missing', { skip: needsRoot }, () => {
  assert.equal(inContainer(`"$@"; ${countMounts}`, process.execPath, ...printPath), '/sys/fs/bpf\n1\n')
})

test('a missing one is mounted for ip netns exec, outside of it', { skip: needsRoot }, async () => {
  await withNamespace((name) => {
    const find = ['ip', 'netns', 'exec', name, process.execPath, ...printPath]
    assert.equal(inContainer(`"$@"; ${countMounts}`, ...find), '/proc/1/root/sys/fs/bpf\n1\n')
  })
})

test('two commands that find it missing at once mount it once', { skip: needsRoot }, () => {
  const both = `"$@" & "$@" & wait; ${countMounts}`
  assert.equal(inContainer(both, process.execPath, ...printPath), '/sys/fs/bpf\n/sys/fs/bpf\n1\n')
})

test('where it is missing and may not be mounted, a coded error says what is needed', { skip: needsRoot }, () => {
  const source = script('try { kernel.findBpffs() } catch (error) { console.log(error.code) }')
  const unprivileged = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']
  assert.equal(inContainer('"$@"', ...unprivileged, process.execPath, ...source), 'SLUICE_NOT_ROOT\n')
})

test('a daemon whose parents have ended: by init, or, where init lets nobody look, a coded error', {
  skip: needsRoot,
}, async () => {
  const { dev } = statSync(findBpffs())
  await withNamespace((name) => {
    const daemon = script(`import { readFileSync, statSync } from 'node:fs'
      const adopted = () => !readFileSync('/proc/' + process.ppid + '/cmdline', 'utf8').includes('leave-it-behind')
      while (!adopted()) await new Promise((resolve) => setTimeout(resolve, 5))
      let result
      try { result = statSync(kernel.findBpffs()).dev } catch (error) { result = error.code }
      console.log(JSON.stringify([process.ppid, result]))`)
    const inside = ['ip', 'netns', 'exec', name, process.execPath, ...daemon]
    const [parent, result] = JSON.parse(run('sh', '-c', '"$@" &', 'leave-it-behind', ...inside)) as [number, unknown]
    assert.equal(result, parent === 1 && !readable('/proc/1/ns/mnt') ? 'SLUICE_NO_BPFFS' : dev)
  })
})

function readable(link: string): boolean {
  try {
    readlinkSync(link)
    return true
  } catch {
    return false
  }
}
