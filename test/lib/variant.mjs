// Another version of the datapath: the sources of bpf/, changed here and there, and compiled as the shipped object is.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasCommand } from '../../scripts/lib/packages.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Is there what compiles one? */
export const canCompile = hasCommand('clang-14') && hasCommand('llvm-strip-14')

/**
 * @param {[file: string, from: string, to: string][]} changes every place of a text in a file of bpf/, which has it
 * @returns {Uint8Array} the compiled object
 */
export function variant(changes) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-variant-'))
  try {
    cpSync(join(root, 'bpf'), folder, { recursive: true })
    for (const [file, from, to] of changes) {
      const text = readFileSync(join(folder, file), 'utf8')
      if (!text.includes(from)) throw new Error(`${file} has no "${from}"`)
      writeFileSync(join(folder, file), text.replaceAll(from, to))
    }
    const multiarch = execFileSync('clang-14', ['-print-multiarch'], { encoding: 'utf8' }).trim()
    const object = join(folder, 'variant.o')
    execFileSync(
      'clang-14',
      [
        ...['-O2', '-g', '-target', 'bpf', '-mcpu=v3', '-isystem', join('/usr/include', multiarch), '-I', folder],
        ...['-c', join(folder, 'tc.c'), '-o', object],
      ],
      { stdio: 'pipe' },
    )
    execFileSync('llvm-strip-14', ['-g', object])
    return readFileSync(object)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * What a version before this one might have been: connections, flows, servers' counts and the wheel's hand lie elsewhere in
 * their records.
 */
export const olderLayout = [
  [
    'records.h',
    '	__u32 server; /* slot */\n	__u32 in_packets; /* [packet] */\n	__u32 next[2];',
    '	__u32 in_packets; /* [packet] */\n	__u32 next[2];',
  ],
  [
    'records.h',
    "	__be16 cport;\n	__be16 vport;\n	__be16 dport; /* the server's */",
    "	__u32 server;\n	__be16 cport;\n	__be16 vport;\n	__be16 dport; /* the server's */",
  ],
  [
    'records.h',
    '	__u8 protocol;\n	__u8 kind;\n	__u16 spare;\n};',
    '	__u8 kind;\n	__u8 protocol;\n	__u16 spare;\n};',
  ],
  ['flow.h', 'flow->protocol, flow->kind, 0', 'flow->kind, flow->protocol, 0'],
  [
    'records.h',
    '	__s32 active; /* [packet] */\n	__s32 inactive; /* [packet] */',
    '	__s32 inactive; /* [packet] */\n	__s32 active; /* [packet] */',
  ],
  ['records.h', "	__u32 row; /* the next CPU's", "	__u64 early[3]; /* gone since */\n	__u32 row; /* the next CPU's"],
]

/** A later version, for which this one's connections are too wide. */
export const narrowerLayout = [
  ['records.h', '	__u32 in_packets; /* [packet] */', '	__u16 in_packets; /* [packet] */\n	__u16 spare;'],
]
