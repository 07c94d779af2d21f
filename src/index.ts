/** The library's door: one network namespace's virtual server table, and its errors. */
export { errorRegistry, SluiceError, type SluiceErrorCode } from './errors.js'
export * from './ipvs/index.js'
