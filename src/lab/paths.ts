import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where the records of labs that are up lie, one file and one directory a lab. */
export const labsDirectory = '/run/sluice/labs'

/** The folder of this package: the nearest one above this file that holds a package.json, bundled or not. */
export const packageRoot = (() => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder)
  return folder
})()

/** The commands of this checkout: what `ipvsadm` and `sluice` mean on a lab's hosts. */
export const binDirectory = join(packageRoot, 'bin')
