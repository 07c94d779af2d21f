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
 * @param {[file: string, from: RegExp, to: string][]} changes the one place of something in a file of bpf/
 * @returns {Uint8Array} the compiled object
 */
export function variant(changes) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-variant-'))
  try {
    cpSync(join(root, 'bpf'), folder, { recursive: true })
    for (const [file, from, to] of changes) {
      const text = readFileSync(join(folder, file), 'utf8')
      if (!from.test(text)) throw new Error(`${file} has no ${from}`)
      writeFileSync(join(folder, file), text.replace(from, to))
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
 * @type {[file: string, from: RegExp, to: string][]}
 */
export const olderLayout = [
  ['records.h', /\t__u32 server;[^\n]*\n(\t__u32 in_packets;)/, '$1'],
  ['records.h', /(\t__be16 cport;\n\t__be16 vport;\n\t__be16 dport; [^\n]*\n\t__be16 lport;)/, '\t__u32 server;\n$1'],
  ['records.h', /(\t__u8 protocol;\n)(\t__u8 kind;\n)(\t__u16 spare;\n};)/, '$2$1$3'],
  ['flow.h', /flow->protocol, flow->kind, 0/, 'flow->kind, flow->protocol, 0'],
  ['records.h', /(\t__s32 active;[^\n]*\n)(\t__s32 inactive;[^\n]*\n)/, '$2$1'],
  ['records.h', /(\t__u64 tick;[^\n]*\n)(\t__u32 row;[^\n]*\n)/, '$1\t__u64 early[3];\n$2'],
]

/** A later version, for which this one's connections are too wide. @type {[file: string, from: RegExp, to: string][]} */
export const narrowerLayout = [
  ['records.h', /\t__u32 in_packets;[^\n]*\n/, '\t__u16 in_packets;\n\t__u16 spare_half;\n'],
]
