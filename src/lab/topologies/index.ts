import type { Topology } from '../topology.js'
import { dr } from './dr.js'
import { drMulti } from './dr-multi.js'
import { fullnat } from './fullnat.js'
import { ha } from './ha.js'
import { nat } from './nat.js'
import { nat6 } from './nat6.js'
import { persistence } from './persistence.js'
import { redis } from './redis.js'
import { tun } from './tun.js'

/** The cases of the notes, in their order; then what the notes do not have. */
export const topologies: readonly Topology[] = [nat, redis, dr, drMulti, tun, fullnat, persistence, nat6, ha]
