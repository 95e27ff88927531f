/** Plays a protocol's documented sequences against any server and judges what it says. */
export { BadData, load, protocols } from "./Catalogue.ts"
export { Unreachable } from "./Dial.ts"
export { exitCode, lines, summary, type Report, type ScenarioResult } from "./Report.ts"
export {
  type Audit,
  audits,
  BadOptions,
  defaultTiming,
  demoAccounts,
  Kaput,
  NotConforming,
  type Options,
  run,
  runEffect
} from "./Run.ts"
