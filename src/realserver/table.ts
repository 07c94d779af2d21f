import type { DirectorApi } from '../ipvs/director-api.js'

/** Opens this network namespace's table. */
export function openTable(): DirectorApi {
  throw new Error('the table is not there yet')
}
