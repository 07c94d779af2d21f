import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { transform } from 'esbuild'
import { readBtf } from './btf.mjs'
import { readElf } from './elf.mjs'
import { readLayout } from './layout.mjs'
import { emit } from './typescript.mjs'

const object = readFileSync(new URL('fixture/shapes.bpf.o', import.meta.url))
const layout = readLayout(object)
const source = emit(layout, 'fixture/shapes.bpf.o')
const { code } = await transform(source, { loader: 'ts', format: 'esm' })
const generated = await import(`data:text/javascript,${encodeURIComponent(code)}`)

describe('what is read from the object', () => {
  it('knows each map by type, sizes, entries, flags and the records in it', () => {
    assert.deepEqual(generated.maps.shapes, {
      ...{ name: 'shapes', type: 1, keySize: 24, valueSize: 96, maxEntries: 1000, flags: 1 },
      ...{ key: 'ShapeKeyRecord', value: 'ShapeRecord' },
    })
    assert.deepEqual(generated.maps.hitsByCpu, {
      ...{ name: 'hits_by_cpu', type: 6, keySize: 4, valueSize: 8, maxEntries: 7, flags: 0 },
      ...{ key: 'u32', value: 'u64' },
    })
    assert.equal(generated.maps.events.keySize, 0)
  })

  it('places the variables of a section by the symbol table, for BTF itself says 0', () => {
    const { rodata, data, bss } = generated.sections
    assert.equal(rodata.size, 15)
    assert.deepEqual(rodata.variables.bigLimit, { name: 'big_limit', offset: 0, size: 8 })
    assert.deepEqual(rodata.variables.smallSwitch, { name: 'small_switch', offset: 8, size: 1 })
    assert.deepEqual(rodata.variables.grid, { name: 'grid', offset: 9, size: 6 })
    assert.deepEqual(Object.keys(data.variables), ['other'])
    assert.deepEqual(Object.keys(bss.variables), ['calls'])
  })

  it('exports the enums of ours, without their common prefix, and no others', () => {
    assert.deepEqual(generated.SluiceColor, { RED: 0, GREEN: 1, BLUE: 256 })
    assert.deepEqual(generated.SluiceColorName, { 0: 'RED', 1: 'GREEN', 256: 'BLUE' })
    assert.deepEqual(
      layout.enums.map((one) => one.name),
      ['sluice_color'],
    )
  })

  it('makes a record of every struct that a map holds, and of none that only a program uses', () => {
    assert.deepEqual(
      layout.records.map((one) => one.name),
      ['shape_key', 'point', 'shape'],
    )
  })
})

describe('a generated record', () => {
  it('has the size and the offsets of the C struct', () => {
    assert.equal(generated.ShapeRecord.SIZE, 96)
    assert.equal(generated.ShapeRecord.OFFSET.timer, 0)
    assert.equal(generated.ShapeRecord.OFFSET.area, 24)
    assert.equal(generated.ShapeRecord.OFFSET.label, 88)
  })

  it('reads and writes through at its base, little-endian', () => {
    const memory = new DataView(new ArrayBuffer(300))
    const shape = new generated.ShapeRecord(memory, 100)
    shape.corners = 0x1234
    shape.area = 0xfedcba9876543210n
    assert.equal(memory.getUint16(120, true), 0x1234)
    assert.equal(memory.getBigUint64(124, true), 0xfedcba9876543210n)
    memory.setUint32(184, 256, true)
    assert.equal(shape.color, generated.SluiceColor.BLUE)
  })

  it('keeps network byte order in memory where C declares it', () => {
    const key = generated.ShapeKeyRecord.allocate()
    key.port = 80
    key.mask = 0xffffff00
    assert.deepEqual([...key.bytes().subarray(16, 18)], [0, 80])
    assert.deepEqual([...key.bytes().subarray(20)], [255, 255, 255, 0])
    assert.equal(key.port, 80)
    assert.equal(key.mask, 0xffffff00)
  })

  it('has bytes as a view, elements by index, booleans and signed numbers', () => {
    const key = generated.ShapeKeyRecord.allocate()
    key.addressBytes().set([192, 168, 10, 100])
    assert.equal(key.address(1), 168)
    key.setAddress(15, 7)
    assert.equal(key.addressBytes()[15], 7)
    key.filled = true
    assert.equal(key.view.getUint8(19), 1)
    const shape = generated.ShapeRecord.allocate()
    shape.setWeights(3, 9)
    assert.equal(shape.weights(3), 9)
    shape.edge(2).y = -5
    assert.equal(shape.edge(2).y, -5)
    assert.equal(shape.view.getInt32(40 + 2 * 8 + 4, true), -5)
    shape.center.x = 3
    assert.equal(shape.center.x, 3)
  })

  it('gives the members of an anonymous union to what holds it', () => {
    const shape = generated.ShapeRecord.allocate()
    shape.tag = 0x04030201
    assert.deepEqual(
      [0, 1, 2, 3].map((i) => shape.tagBytes(i)),
      [1, 2, 3, 4],
    )
  })

  it('sees an array of arrays as one row after the other', () => {
    const rodata = generated.RodataRecord.allocate()
    rodata.gridBytes().set([0, 1, 2, 3, 4, 5])
    assert.equal(rodata.grid(1 * 3 + 2), 5)
  })

  it('offers nothing that only the kernel may touch', () => {
    const shape = generated.ShapeRecord.allocate()
    for (const name of ['timer', 'lock', 'label']) assert.equal(name in shape, false)
  })
})

describe('a file that is no BPF object', () => {
  it('is refused with what is wrong with it', () => {
    assert.throws(() => readLayout(Buffer.from('#!/bin/sh\n'.padEnd(100))), /not an ELF file/)
    assert.throws(() => readBtf(new Uint8Array(64)), /not BTF/)
    const big = Uint8Array.from(object)
    big[5] = 2
    assert.throws(() => readElf(big), /little-endian/)
    const noBtf = Buffer.from(object)
    const at = noBtf.lastIndexOf('.BTF\0')
    noBtf.write('.XXX', at)
    assert.throws(() => readLayout(noBtf), /no \.BTF section/)
  })
})
