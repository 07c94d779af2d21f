/** The virtual routers of a daemon: on a thread of their own, with what they depend on and whom they tell. */
export type { InstanceReport, Word } from './messages.js'
export { Notifier } from './notify.js'
export { TrackedScripts } from './scripts.js'
export { VrrpThread } from './thread.js'
