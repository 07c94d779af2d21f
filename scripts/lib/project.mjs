// Where things are in the checkout. No package is imported here: the set-up runs before node_modules exists.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** The commands that are bundled: name below dist/bin → entry point. An entry point that is not there yet is left out. */
export const bundles = {
  ipvsadm: 'src/ipvsadm/main.ts',
  sluice: 'src/cli/main.ts',
  sluiced: 'src/cli/sluiced.ts',
  'vrrp-worker': 'src/daemon/vrrp/worker.ts',
}
