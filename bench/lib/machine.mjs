import { execFileSync } from 'node:child_process'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { root } from '../../scripts/lib/project.mjs'

/** What the figures were measured on. */
export function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    kernel: `Linux ${release()}`,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    commit: commit(),
    /** Before the first measurement: what else was running. */
    load: Number(loadavg()[0]?.toFixed(2)),
  }
}

function commit() {
  try {
    return execFileSync('git', ['-C', root, 'rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return undefined // no checkout, or no git
  }
}

/** @param {ReturnType<typeof machine>} m */
export const machineLine = (m) =>
  `${m.date}, ${m.kernel}, ${m.cores} × ${m.processor}, ${m.memoryGiB} GiB, Node ${m.node.slice(1)}${m.commit ? `, commit ${m.commit}` : ''}; load before: ${m.load}`
