import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  AttachType,
  closeFd,
  deviceNames,
  hasTcx,
  KernelError,
  linkCreateNetns,
  linkCreateTcx,
  linkDetach,
  linkInfo,
  linkUpdate,
  loadObject,
  MapFlag,
  MapType,
  mapCreate,
  mapDelete,
  mapEntries,
  mapInfo,
  mapLookup,
  mapMmap,
  mapNextKey,
  mapUpdate,
  munmap,
  netnsIno,
  objGet,
  objPin,
  openNetns,
  progInfo,
  progTestRun,
  Update,
  withNetns,
} from './index.js'
import { needsRoot, probeObject, run, script, withNamespace, withPins } from './testing.js'

const u32 = (value: number) => new Uint8Array(new Uint32Array([value]).buffer)
const u64 = (value: bigint) => new Uint8Array(new BigUint64Array([value]).buffer)
const numberOf = (bytes: Uint8Array) => Buffer.from(bytes).readUInt32LE()
const bigOf = (bytes: Uint8Array) => Buffer.from(bytes).readBigUInt64LE()
const frame = new Uint8Array(64)

function isKernelError(code: string) {
  return (error: unknown) => error instanceof KernelError && error.code === code
}

function withMap(map: Parameters<typeof mapCreate>[0], use: (fd: number) => void): void {
  const fd = mapCreate(map)
  try {
    use(fd)
  } finally {
    closeFd(fd)
  }
}

const hash = { type: MapType.HASH, keySize: 4, valueSize: 8, maxEntries: 4, name: 'test_hash' }

test('a hash map: insert, read, replace, delete, with the kernel saying no where it should', {
  skip: needsRoot,
}, () => {
  withMap(hash, (fd) => {
    assert.equal(mapLookup(fd, u32(7), 8), undefined)
    mapUpdate(fd, u32(7), u64(70n), Update.NOEXIST)
    assert.throws(() => mapUpdate(fd, u32(7), u64(71n), Update.NOEXIST), isKernelError('EEXIST'))
    assert.throws(() => mapUpdate(fd, u32(8), u64(80n), Update.EXIST), isKernelError('ENOENT'))
    mapUpdate(fd, u32(7), u64(2n ** 63n + 5n))
    const found = mapLookup(fd, u32(7), 8)
    assert.ok(found)
    mapUpdate(fd, u32(7), u64(1n))
    assert.equal(bigOf(found), 2n ** 63n + 5n, 'a value read is a copy')
    for (const key of [1, 2, 3]) mapUpdate(fd, u32(key), u64(0n))
    assert.throws(() => mapUpdate(fd, u32(4), u64(0n)), isKernelError('E2BIG'))
    assert.equal(mapDelete(fd, u32(7)), true)
    assert.equal(mapDelete(fd, u32(7)), false)
  })
})

test('what a map is, the kernel tells', { skip: needsRoot }, () => {
  withMap({ ...hash, flags: MapFlag.NO_PREALLOC }, (fd) => {
    const { id, ...rest } = mapInfo(fd)
    assert.ok(id > 0)
    assert.deepEqual(rest, { ...hash, flags: MapFlag.NO_PREALLOC })
  })
})

test('an error names the call, the object and errno in one line', { skip: needsRoot }, async () => {
  await withPins((directory) => {
    const path = join(directory, 'nothing')
    assert.throws(() => objGet(path), {
      name: 'KernelError',
      code: 'ENOENT',
      errno: 2,
      message: `bpf(BPF_OBJ_GET, ${path}): ENOENT (No such file or directory)`,
    })
  })
})

test('a pinned map outlives its descriptor', { skip: needsRoot }, async () => {
  await withPins((directory) => {
    const path = join(directory, 'map')
    withMap(hash, (fd) => {
      mapUpdate(fd, u32(1), u64(10n))
      objPin(fd, path)
      assert.throws(() => objPin(fd, path), isKernelError('EEXIST'))
    })
    const again = objGet(path)
    unlinkSync(path)
    assert.equal(bigOf(mapLookup(again, u32(1), 8) as Uint8Array), 10n)
    closeFd(again)
  })
})

for (const [name, map] of Object.entries({
  'a preallocated hash': { ...hash, maxEntries: 20_000 },
  'a hash without preallocation': { ...hash, maxEntries: 20_000, flags: MapFlag.NO_PREALLOC },
  'an LPM trie': { type: MapType.LPM_TRIE, keySize: 8, valueSize: 8, maxEntries: 20_000, flags: MapFlag.NO_PREALLOC },
})) {
  test(`all elements of ${name}, each once`, { skip: needsRoot }, () => {
    withMap(map, (fd) => {
      const trie = map.type === MapType.LPM_TRIE
      const key = (i: number) => (trie ? new Uint8Array([32, 0, 0, 0, ...u32(i)]) : u32(i))
      const wanted = trie ? 1_000 : 20_000
      for (let i = 0; i < wanted; i += 1) mapUpdate(fd, key(i), u64(BigInt(i) * 3n))
      const seen = new Map<number, bigint>()
      let count = 0
      // collected first: what was handed out must stay as it was
      for (const [k, v] of [...mapEntries(fd, map.keySize, 8)]) {
        seen.set(numberOf(trie ? k.subarray(4) : k), bigOf(v))
        count += 1
      }
      assert.equal(count, wanted)
      assert.equal(seen.size, wanted)
      for (const [k, v] of seen) assert.equal(v, BigInt(k) * 3n)
    })
  })
}

test('all elements of an array, empty ones too; of an empty hash, none', { skip: needsRoot }, () => {
  withMap({ type: MapType.ARRAY, keySize: 4, valueSize: 8, maxEntries: 1000 }, (fd) => {
    mapUpdate(fd, u32(999), u64(5n))
    const all = [...mapEntries(fd, 4, 8)].map(([k, v]) => [numberOf(k), bigOf(v)] as const)
    assert.equal(all.length, 1000)
    assert.deepEqual(all[999], [999, 5n])
  })
  withMap(hash, (fd) => assert.deepEqual([...mapEntries(fd, 4, 8)], []))
})

test('buckets that hold more than a batch are read whole', { skip: needsRoot }, () => {
  // as many elements as buckets: by chance alone, many buckets hold more than the one element first asked for
  withMap({ ...hash, maxEntries: 4096 }, (fd) => {
    for (let i = 0; i < 4096; i += 1) mapUpdate(fd, u32(i), u64(1n))
    const keys = [...mapEntries(fd, 4, 8, 1)].map(([k]) => numberOf(k))
    assert.equal(keys.length, 4096)
    assert.equal(new Set(keys).size, 4096)
  })
})

test('elements that stay are found once while others come and go', { skip: needsRoot }, () => {
  withMap({ ...hash, maxEntries: 30_000, flags: MapFlag.NO_PREALLOC }, (fd) => {
    for (let i = 0; i < 10_000; i += 1) mapUpdate(fd, u32(i), u64(0n))
    const counts = new Map<number, number>()
    let step = 0
    for (const [k] of mapEntries(fd, 4, 8)) {
      const key = numberOf(k)
      counts.set(key, (counts.get(key) ?? 0) + 1)
      // odd keys go, new ones come, while the walk is on
      if (step < 5_000) mapDelete(fd, u32(step * 2 + 1))
      mapUpdate(fd, u32(100_000 + step), u64(0n))
      step += 1
    }
    for (let even = 0; even < 10_000; even += 2) assert.equal(counts.get(even), 1, `key ${even}`)
  })
})

test('the next key goes round a map once', { skip: needsRoot }, () => {
  withMap(hash, (fd) => {
    assert.equal(mapNextKey(fd, undefined, 4), undefined)
    for (const key of [1, 2, 3]) mapUpdate(fd, u32(key), u64(0n))
    const keys: number[] = []
    for (let at = mapNextKey(fd, undefined, 4); at; at = mapNextKey(fd, at, 4)) keys.push(numberOf(at))
    assert.deepEqual(keys.sort(), [1, 2, 3])
  })
})

const words = { type: MapType.ARRAY, keySize: 4, valueSize: 8, maxEntries: 512, flags: MapFlag.MMAPABLE }

test('a mapped array is the array: stores reach the kernel, the kernel’s reach us', { skip: needsRoot }, () => {
  withMap(words, (fd) => {
    const buffer = mapMmap(fd, 512 * 8)
    assert.equal(buffer.byteLength, 4096)
    const longs = new BigInt64Array(buffer)
    const ints = new Int32Array(buffer)
    const read = (i: number) => bigOf(mapLookup(fd, u32(i), 8) as Uint8Array)
    Atomics.store(longs, 3, -2n)
    assert.equal(read(3), 2n ** 64n - 2n)
    assert.equal(Atomics.compareExchange(longs, 3, -2n, 9n), -2n)
    assert.equal(Atomics.compareExchange(longs, 3, -2n, 10n), 9n, 'a lost race changes nothing')
    assert.equal(read(3), 9n)
    Atomics.store(ints, 9, 7)
    assert.equal(Atomics.compareExchange(ints, 9, 7, 8), 7)
    assert.equal(read(4), 8n << 32n)
    new DataView(buffer).setBigUint64(40, 77n, true)
    assert.equal(read(5), 77n)
    mapUpdate(fd, u32(511), u64(123n))
    assert.equal(longs[511], 123n)
    munmap(buffer)
    munmap(buffer)
  })
})

test('a mapping outlives the descriptor, and covers no more than the map', { skip: needsRoot }, () => {
  const fd = mapCreate(words)
  assert.throws(() => mapMmap(fd, 4097), isKernelError('EINVAL'))
  const buffer = mapMmap(fd, 100)
  closeFd(fd)
  assert.equal(buffer.byteLength, 100)
  new Uint8Array(buffer)[99] = 1
  assert.equal(new Uint8Array(buffer)[99], 1)
  munmap(buffer)
  withMap(hash, (plain) => assert.throws(() => mapMmap(plain, 4096), KernelError))
})

test('Atomics over a mapped array lose nothing to another process nor to the BPF program', {
  skip: needsRoot,
}, async () => {
  const object = loadObject(probeObject)
  const each = 200_000
  await withPins(async (directory) => {
    const path = join(directory, 'words')
    objPin(object.mapFd('shared_words'), path)
    const buffer = mapMmap(object.mapFd('shared_words'), 4096)
    const longs = new BigInt64Array(buffer)
    const other = spawn(
      process.execPath,
      script(`const longs = new BigInt64Array(kernel.mapMmap(kernel.objGet(${JSON.stringify(path)}), 4096))
        process.stdout.write('ready')
        while (Atomics.load(longs, 8) === 0n);
        for (let i = 0; i < ${each}; i += 1)
          for (;;) { const n = longs[0]; if (Atomics.compareExchange(longs, 0, n, n + 1n) === n) break }`),
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const ended = once(other, 'exit')
    await once(other.stdout, 'data')
    Atomics.store(longs, 8, 1n)
    // the program adds 1 a run by __sync_fetch_and_add, while the other process swaps
    progTestRun(object.progFd('count'), { dataIn: frame, repeat: each })
    assert.deepEqual(await ended, [0, null])
    assert.equal(longs[0], BigInt(each) * 2n)
    munmap(buffer)
  })
  object.close()
})

test('a program run on a frame sees the mapped memory, and gives back its verdict', { skip: needsRoot }, () => {
  const object = loadObject(probeObject)
  const buffer = mapMmap(object.mapFd('shared_words'), 4096)
  const longs = new BigInt64Array(buffer)
  longs[1] = 0x1234n
  const before = longs[0] as bigint
  const ran = progTestRun(object.progFd('count'), { dataIn: frame, repeat: 3 })
  assert.equal(ran.retval, 41)
  assert.equal(ran.dataOut.byteLength, 64)
  assert.equal(longs[0], before + 3n)
  assert.equal(longs[2], 0x1234n)
  const skb = new Uint8Array(192)
  new DataView(skb.buffer).setUint32(8, 99, true) // mark
  const { ctxOut } = progTestRun(object.progFd('pass'), { dataIn: frame, ctxIn: skb })
  assert.equal(new DataView(ctxOut.buffer).getUint32(8, true), 99)
  assert.equal(progTestRun(object.progFd('pass'), { dataIn: frame }).retval | 0, -1)
  assert.throws(() => progTestRun(object.progFd('pass'), { dataIn: frame, dataOutSize: 10 }), isKernelError('ENOSPC'))
  munmap(buffer)
  object.close()
})

test('what a program is, the kernel tells', { skip: needsRoot }, () => {
  const object = loadObject(probeObject)
  const again = loadObject(probeObject)
  const info = progInfo(object.progFd('count'))
  assert.equal(info.type, 3)
  assert.equal(info.name, 'count')
  assert.match(info.tag, /^[0-9a-f]{16}$/)
  assert.equal(progInfo(again.progFd('pass')).tag, progInfo(object.progFd('pass')).tag)
  assert.notEqual(progInfo(again.progFd('pass')).id, progInfo(object.progFd('pass')).id)
  assert.ok(info.verifiedInstructions > 5)
  object.close()
  again.close()
})

test('a TCX link: attached, told, updated in place, and orphaned when the device goes', {
  skip: needsRoot || (!hasTcx() && 'this kernel has no TCX'),
}, async () => {
  await withNamespace((name) => {
    run('ip', '-n', name, 'link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1')
    withNetns(`/run/netns/${name}`, () => {
      const object = loadObject(probeObject)
      const ifindex = deviceNames().find((d) => d.name === 'd0')?.ifindex as number
      const link = linkCreateTcx(object.progFd('count'), ifindex)
      assert.deepEqual(linkInfo(link).tcx, { ifindex, attachType: AttachType.TCX_INGRESS })
      assert.equal(linkInfo(link).progId, progInfo(object.progFd('count')).id)
      linkUpdate(link, object.progFd('pass'))
      assert.equal(linkInfo(link).progId, progInfo(object.progFd('pass')).id)
      const second = linkCreateTcx(object.progFd('count'), ifindex, { first: true })
      linkDetach(second)
      assert.deepEqual(linkInfo(second).tcx?.ifindex, 0)
      run('ip', 'link', 'delete', 'd0')
      assert.equal(linkInfo(link).tcx?.ifindex, 0)
      assert.throws(() => linkUpdate(link, object.progFd('count')), isKernelError('ENOLINK'))
      assert.throws(() => linkCreateTcx(object.progFd('count'), 999_999), isKernelError('ENODEV'))
      for (const fd of [link, second]) closeFd(fd)
      object.close()
    })
  })
})

test('a link to a network namespace tells when the namespace is gone', { skip: needsRoot }, async () => {
  const object = loadObject(probeObject)
  const link = await withNamespace((name) => {
    const netns = openNetns(`/run/netns/${name}`)
    const made = linkCreateNetns(object.progFd('lookup'), netns)
    closeFd(netns)
    const ino = withNetns(`/run/netns/${name}`, () => netnsIno())
    assert.deepEqual(linkInfo(made).netns, { ino, attachType: AttachType.SK_LOOKUP })
    return made
  })
  // the kernel takes namespaces down in the background
  while (linkInfo(link).netns?.ino !== 0) await sleep(20)
  closeFd(link)
  object.close()
})
