/** Runs a protocol's documented scenarios against a server and reports a verdict for each check. */
export {
  type Account,
  type Accounts,
  demoAccounts,
  fileAccounts,
  NotPrepared,
  staticAccounts
} from "./accounts/Accounts.ts"
export { demoOrganization, type Organization } from "./accounts/Organization.ts"
export { protocols, load } from "./scenarios/loadScenarios.ts"
export { Unreachable } from "./transport/connect.ts"
export { execAccounts } from "./accounts/ExecAccounts.ts"
export { BadExpectations, type Entry, readEntries } from "./run/Expectations.ts"
export { httpAccounts } from "./accounts/HttpAccounts.ts"
export { BadOptions, defaultTiming, type Judged, type Options } from "./run/plan.ts"
export { forms, readResults, resultsOf } from "./report/Reports.ts"
export { lines, summary } from "./report/Text.ts"
export {
  type CheckResult,
  exitCode,
  type Report,
  type Results,
  type ScenarioResult,
  type Verdict
} from "./run/Results.ts"
export { type Audit, audits, KitFault, NotConforming, run } from "./run.ts"
export { BadData } from "./scenarios/Scenario.ts"
export { signUpAccounts } from "./run/SignUp.ts"
export {
  type Fetch,
  fromFetch,
  fromNodeServer,
  NotListening,
  type OpenTarget,
  type Target
} from "./transport/Target.ts"
