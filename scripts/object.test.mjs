// What is in the committed objects beside instructions: nothing that differs from machine to machine.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { readElf } from './btf/elf.mjs'
import { root } from './lib/project.mjs'

const objects = readdirSync(join(root, 'bpf')).filter((name) => name.endsWith('.bpf.o'))

describe('a committed BPF object', () => {
  it('exists for each entry in bpf/', () => {
    const entries = readdirSync(join(root, 'bpf')).filter((name) => name.endsWith('.c'))
    assert.equal(objects.length, entries.length)
    assert.ok(objects.includes('sluice.bpf.o'))
  })

  for (const name of objects) {
    const bytes = readFileSync(join(root, 'bpf', name))

    it(`${name} has BTF and no DWARF`, () => {
      const sections = readElf(bytes).sections.map((section) => section.name)
      assert.ok(sections.includes('.BTF') && sections.includes('.BTF.ext'))
      assert.deepEqual(
        sections.filter((section) => /^\.(rel)?\.?debug|^\.comment/.test(section)),
        [],
      )
    })

    it(`${name} names no folder but the system's headers`, () => {
      const absolute = bytes.toString('latin1').match(/(?<=\0)\/[\w.+-]+\/[\w.+/-]+(?=\0)/g) ?? []
      assert.deepEqual(
        absolute.filter((path) => !path.startsWith('/usr/include/')),
        [],
      )
    })
  }
})
