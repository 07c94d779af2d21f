/** Sluice on a system: its commands and its unit put into place and taken away, and the files that rules are kept in. */
export { type InstallOptions, install, uninstall } from './install.js'
export type { Action } from './plan.js'
export { findRulesFile, type RulesFile, readRules, writeRules } from './rules-file.js'
