import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviceNames, hasFilters, loadObject, progInfo, tcAttach, tcDetach, tcQuery, withNetns } from './index.js'
import { needsRoot, probeObject, run, withNamespace } from './testing.js'

const filter = { handle: 0x51, priority: 0x51 }

/** A veth device in a namespace of its own, with the probe loaded. */
async function withDevice(use: (device: { ifindex: number; clsact: () => boolean }, fds: [number, number]) => void) {
  await withNamespace((name) => {
    run('ip', '-n', name, 'link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1')
    withNetns(`/run/netns/${name}`, () => {
      const object = loadObject(probeObject)
      const ifindex = deviceNames().find((d) => d.name === 'd0')?.ifindex as number
      const clsact = () => run('tc', 'qdisc', 'show', 'dev', 'd0').includes('clsact')
      use({ ifindex, clsact }, [object.progFd('count'), object.progFd('pass')])
      object.close()
    })
  })
}

test('a filter is attached, replaced in place, found and taken off; the qdisc goes with it', {
  skip: needsRoot,
}, async () => {
  await withDevice(({ ifindex, clsact }, [count, pass]) => {
    assert.equal(tcQuery(ifindex, filter), undefined)
    assert.deepEqual(tcAttach(ifindex, count, filter), { createdQdisc: true })
    assert.deepEqual(tcQuery(ifindex, filter), { progId: progInfo(count).id })
    assert.equal(clsact(), true)
    assert.throws(() => tcAttach(ifindex, pass, filter), { name: 'KernelError', code: 'EEXIST' })
    assert.deepEqual(tcQuery(ifindex, filter), { progId: progInfo(count).id })
    assert.deepEqual(tcAttach(ifindex, pass, { ...filter, replace: true }), { createdQdisc: false })
    assert.deepEqual(tcQuery(ifindex, filter), { progId: progInfo(pass).id })
    assert.equal(tcDetach(ifindex, { ...filter, removeQdisc: true }), true)
    assert.equal(clsact(), false)
    assert.equal(tcDetach(ifindex, { ...filter, removeQdisc: true }), false, 'nothing left to do')
  })
})

test('the qdisc stays where others use it, whatever their classifier and direction', { skip: needsRoot }, async () => {
  for (const direction of ['ingress', 'egress']) {
    await withDevice(({ ifindex, clsact }, [count]) => {
      tcAttach(ifindex, count, filter)
      tcAttach(ifindex, count, { handle: 1, priority: 7 })
      tcDetach(ifindex, { ...filter, removeQdisc: true })
      assert.deepEqual(tcQuery(ifindex, { handle: 1, priority: 7 }), { progId: progInfo(count).id })
      tcAttach(ifindex, count, filter)
      tcDetach(ifindex, { handle: 1, priority: 7 })
      const others = ['tc', 'filter', 'add', 'dev', 'd0', direction, 'bpf', 'da', 'object-file', probeObject]
      run(others[0] as string, ...others.slice(1), 'section', 'tc')
      tcDetach(ifindex, { ...filter, removeQdisc: true })
      assert.equal(clsact(), true)
      assert.equal(hasFilters(ifindex), true)
      run('tc', 'filter', 'delete', 'dev', 'd0', direction)
      assert.equal(hasFilters(ifindex), false)
    })
  }
})

test('the qdisc stays where detach is not asked to remove it', { skip: needsRoot }, async () => {
  await withDevice(({ ifindex, clsact }, [count]) => {
    run('tc', 'qdisc', 'add', 'dev', 'd0', 'clsact')
    assert.deepEqual(tcAttach(ifindex, count, filter), { createdQdisc: false })
    assert.equal(tcDetach(ifindex, filter), true)
    assert.equal(clsact(), true)
  })
})

test('what fails leaves no qdisc behind', { skip: needsRoot }, async () => {
  await withDevice(({ ifindex, clsact }) => {
    assert.throws(() => tcAttach(ifindex, 999_999, filter), { name: 'KernelError' })
    assert.equal(clsact(), false)
    assert.throws(() => tcAttach(999_999, 0, filter), { name: 'KernelError', code: 'ENODEV' })
    assert.throws(() => tcDetach(999_999, filter), { name: 'KernelError', code: 'ENODEV' })
  })
})
