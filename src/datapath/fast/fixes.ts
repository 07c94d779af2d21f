import { setOffload } from '../../kernel/index.js'
import { type AttachmentRecord, SluiceFix } from '../layouts.js'
import { atPeer, type Facts } from './facts.js'
import type { Fix } from './judge.js'

const bits: Readonly<Record<Fix, SluiceFix>> = {
  lro: SluiceFix.LRO,
  rxVlan: SluiceFix.RX_VLAN,
  peerTx: SluiceFix.PEER_TX,
  peerGro: SluiceFix.PEER_GRO,
}

/** Makes or undoes one: all but the peer's GRO switch something off. */
function change(facts: Facts, fix: Fix, make: boolean): void {
  if (fix === 'lro' || fix === 'rxVlan') {
    setOffload(facts.device, fix, !make)
    return
  }
  const { peer } = facts
  if (peer === undefined || peer === 'hidden') return
  if (fix === 'peerTx') atPeer(peer, (name) => setOffload(name, 'txChecksum', !make))
  else atPeer(peer, (name) => setOffload(name, 'gro', make))
}

/**
 * Changes a device as it was judged, and notes it in its record, which `store` writes before each change: after a crash
 * between the two, detach puts back what stands there anyway.
 */
export function makeFixes(facts: Facts, fixes: readonly Fix[], record: AttachmentRecord, store: () => void): void {
  for (const fix of fixes) {
    record.fixed |= bits[fix]
    store()
    change(facts, fix, true)
  }
}

/** Puts back what was changed; a peer that is gone, or cannot be found, keeps it. */
export function undoFixes(facts: Facts, record: AttachmentRecord): void {
  for (const fix of Object.keys(bits) as Fix[]) if (record.fixed & bits[fix]) change(facts, fix, false)
  record.fixed = 0
}

/** What was changed, in words. */
export function namesOfFixes(record: AttachmentRecord, peer: string): string[] {
  const texts: Readonly<Record<Fix, string>> = {
    lro: 'LRO off',
    rxVlan: 'rx-vlan off',
    peerTx: `tx-checksum off at ${peer}`,
    peerGro: `GRO on at ${peer}`,
  }
  return (Object.keys(bits) as Fix[]).filter((fix) => record.fixed & bits[fix]).map((fix) => texts[fix])
}
