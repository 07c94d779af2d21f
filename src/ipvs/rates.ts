import type { Table } from '../datapath/index.js'
import type { Rates } from './types.js'

/** Half of the average's last shown bit, less one, and how far the point stands from the right: IPVS's. */
const shownCount = (average: bigint) => (average + 0x1ffn) >> 10n
const shownBytes = (average: bigint) => (average + 0xfn) >> 5n

const none: Rates = { connections: 0n, inPackets: 0n, outPackets: 0n, inBytes: 0n, outBytes: 0n }

/**
 * A row's rates as IPVS shows them. The estimator in the datapath (bpf/rates.h) looks at each row every two seconds:
 * until then a new service or server has none, and after the end of traffic they fade by a quarter each time.
 *
 * @param row from `serviceCounters` or `serverCounters`, or `TOTALS`.
 */
export function readRates(table: Table, row: number): Rates {
  const { average, reset, seen } = table.rates(row)
  if (reset !== seen) return none
  return {
    connections: shownCount(average.connections),
    inPackets: shownCount(average.inPackets),
    outPackets: shownCount(average.outPackets),
    inBytes: shownBytes(average.inBytes),
    outBytes: shownBytes(average.outBytes),
  }
}
