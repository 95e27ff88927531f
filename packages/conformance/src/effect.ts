/** The same for programs on Effect: what goes wrong is in the type. */
export { NotPrepared } from "./Accounts.ts"
export type { Accounts, Expiry, Provider } from "./Accounts.ts"
export { Unreachable } from "./Dial.ts"
export { BadOptions } from "./Plan.ts"
export type { Options } from "./Plan.ts"
export type { Report, ScenarioResult } from "./Results.ts"
export { type CannotRun, Kaput, runEffect as run } from "./Run.ts"
export { BadData } from "./Scenario.ts"
