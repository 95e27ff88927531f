/** The API for Effect programs, with typed errors. */
export { NotPrepared } from "./accounts/Accounts.ts"
export type { Accounts, Expiry, Provider } from "./accounts/Accounts.ts"
export { Unreachable } from "./transport/connect.ts"
export { BadOptions } from "./run/plan.ts"
export type { Options } from "./run/plan.ts"
export type { Report, ScenarioResult } from "./run/Results.ts"
export { type CannotRun, KitFault, runEffect as run } from "./run.ts"
export { BadData } from "./scenarios/Scenario.ts"
