import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { closeFd, type LoadedObject, linkCreateMapIterator, loadObject, objPin } from '../kernel/index.js'
import { maps, SluiceSchedulerName, SluiceState, SluiceStateName, sections } from './layouts.js'
import { readObject } from './object.js'
import { pin } from './pins.js'
import { stateName } from './states.js'

/** The kernel's types: without them no kernel loads an iterator. */
const KERNEL_TYPES = '/sys/kernel/btf/vmlinux'

/** Each file with its program, and the map whose elements the kernel walks through for it (bpf/iterators.c). */
const iterators: Readonly<Record<keyof typeof pin.files, { readonly program: string; readonly map: string }>> = {
  services: { program: 'ip_vs', map: maps.rates.name },
  connections: { program: 'ip_vs_conn', map: maps.connections4.name },
  stats: { program: 'ip_vs_stats', map: maps.settings.name },
  statsPerCpu: { program: 'ip_vs_stats_cpu', map: maps.settings.name },
}

/** Rows of `scheduler_names` and `state_names` in bpf/iterators.c. */
const NAME_SIZE = 16

function rows(names: Readonly<Record<number, string>>): Uint8Array {
  const bytes = new Uint8Array(32 * NAME_SIZE)
  for (const [id, name] of Object.entries(names))
    bytes.set(new TextEncoder().encode(name).subarray(0, NAME_SIZE - 1), Number(id) * NAME_SIZE)
  return bytes
}

/** As IPVS spells them; a service may have none. */
const schedulerNames = () =>
  rows({
    0: 'none',
    ...Object.fromEntries(Object.entries(SluiceSchedulerName).map(([id, name]) => [id, name.toLowerCase()])),
  })

const stateNames = () =>
  rows(
    Object.fromEntries(
      Object.keys(SluiceStateName)
        .map(Number)
        .filter((state) => state < SluiceState.COUNT)
        .map((state) => [state, stateName(state)]),
    ),
  )

/**
 * Pins the files that show a table as /proc/net shows that of IPVS: one link of an iterator each.
 *
 * @param table whose maps the files show; they hold them, so that a reader outlives the table.
 * @throws KernelError
 */
export function pinFiles(table: LoadedObject, directory: string): void {
  if (!existsSync(KERNEL_TYPES)) return
  const loaded = loadObject(readObject('iterators'), {
    name: 'iterators',
    reuse: Object.fromEntries([...Object.values(maps), sections.dataTurn].map(({ name }) => [name, table.mapFd(name)])),
    sections: {
      '.rodata.names': [{ offset: 0, bytes: schedulerNames() }],
      '.rodata.states': [{ offset: 0, bytes: stateNames() }],
    },
  })
  try {
    for (const [file, { program, map }] of Object.entries(iterators)) {
      const link = linkCreateMapIterator(loaded.progFd(program), table.mapFd(map))
      try {
        objPin(link, join(directory, pin.files[file as keyof typeof pin.files]))
      } finally {
        closeFd(link)
      }
    }
  } finally {
    loaded.close()
  }
}
