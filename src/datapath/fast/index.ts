/** The fast path: XDP in front of TC. */
export { attachFast, detachFast, fastMode } from './attach.js'
export { describeDevices } from './devices.js'
export { type Facts, gatherFacts, type Peer } from './facts.js'
export { makeFixes, namesOfFixes, undoFixes } from './fixes.js'
export { type AskedMode, type Fix, type Judgement, judge, type Mode, type Refusal } from './judge.js'
