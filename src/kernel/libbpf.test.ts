import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { KernelError, loadObject, mapInfo, progInfo, progTestRun } from './index.js'
import { needsRoot, probeObject, run, script } from './testing.js'

const frame = new Uint8Array(64)

test('an object is loaded from its bytes or its path', { skip: needsRoot }, () => {
  for (const source of [probeObject, readFileSync(probeObject)]) {
    const object = loadObject(source, { name: 'probe' })
    assert.deepEqual(object.programs().sort(), ['count', 'lookup', 'pass'])
    assert.deepEqual(object.maps().sort(), ['probe.rodata', 'shared_words', 'table'])
    assert.equal(mapInfo(object.mapFd('table')).maxEntries, 8)
    assert.equal(progInfo(object.progFd('pass')).name, 'pass')
    assert.throws(() => object.progFd('refused'), /no loaded program refused/)
    assert.throws(() => object.mapFd('nothing'), /no map nothing/)
    object.close()
    object.close()
    assert.throws(() => object.mapFd('table'), /closed/)
  }
})

test('sizes and constants are set before the load', { skip: needsRoot }, () => {
  const object = loadObject(probeObject, {
    maxEntries: { table: 1234 },
    rodata: [{ offset: 4, bytes: new Uint8Array([0x39, 0x30, 0, 0]) }],
    autoload: { lookup: false },
    expectedAttachType: { pass: 46 },
  })
  assert.equal(mapInfo(object.mapFd('table')).maxEntries, 1234)
  assert.equal(progTestRun(object.progFd('count'), { dataIn: frame }).retval, 12345)
  assert.deepEqual(object.programs().sort(), ['count', 'pass'])
  object.close()
})

test('an option that names what is not there is an error, before anything is loaded', { skip: needsRoot }, () => {
  assert.throws(() => loadObject(probeObject, { maxEntries: { tabel: 1 } }), /no map tabel/)
  assert.throws(() => loadObject(probeObject, { autoload: { cuont: true } }), /no program cuont/)
  const past = { offset: 7, bytes: new Uint8Array(4) }
  assert.throws(() => loadObject(probeObject, { rodata: [past] }), RangeError)
})

test('a program that the verifier refuses: the reason in one line, the log beside it', { skip: needsRoot }, () => {
  assert.throws(
    () => loadObject(probeObject, { name: 'probe', autoload: { refused: true } }),
    (error: unknown) => {
      assert.ok(error instanceof KernelError)
      assert.equal(error.code, 'EACCES')
      assert.match(error.message, /^loading BPF object probe: EACCES \(R\d .*outside of the packet\)$/)
      assert.match(error.log, /^invalid access to packet/m)
      assert.match(error.log, /^processed \d+ insns/m)
      // libbpf's own words, put together by vsnprintf from a va_list
      assert.match(error.log, /^libbpf: prog 'refused': BPF program load failed: .*(-13|Permission denied)/m)
      return true
    },
  )
})

test('a map that cannot be made is named', { skip: needsRoot }, () => {
  assert.throws(
    () => loadObject(probeObject, { maxEntries: { table: 0xffffffff } }),
    (error: unknown) => error instanceof KernelError && /'table'.*failed to create/.test(error.message),
  )
})

test('what is no object, or not there, is refused', { skip: needsRoot }, () => {
  assert.throws(() => loadObject(new Uint8Array(100)), KernelError)
  assert.throws(() => loadObject('/nonexistent/x.bpf.o'), { name: 'KernelError', code: 'ENOENT' })
})

test('libbpf is opened only for an object, and writes nothing to the terminal', { skip: needsRoot }, () => {
  const out = run(
    process.execPath,
    ...script(`
      const libbpf = () => readFileSync('/proc/self/maps', 'utf8').includes('libbpf')
      import { readFileSync } from 'node:fs'
      const fd = kernel.mapCreate({ type: 1, keySize: 4, valueSize: 8, maxEntries: 1 })
      kernel.mapUpdate(fd, new Uint8Array(4), new Uint8Array(8))
      kernel.hasTcx(); kernel.netnsCookie(); kernel.deviceNames(); kernel.findBpffs()
      const before = libbpf()
      try { kernel.loadObject(${JSON.stringify(probeObject)}, { autoload: { refused: true } }) } catch {}
      console.log(before, libbpf())`),
  )
  assert.equal(out, 'false true\n')
})
