/**
 * Records security-relevant acts: administrative changes, impersonations, ended sessions. A record is a log line at level
 * Info with the annotation `audit` set to the name of the act, so that an operator can route these lines by themselves.
 */
import * as Effect from "effect/Effect"

/** Who and what an act was about. Values are identifiers, never secrets or message contents. */
export type AuditDetails = Readonly<Record<string, string | number | boolean | null>>

/** Logs one act, `user.disable` say, with its details as annotations. */
export const audit = (act: string, details: AuditDetails = {}): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logInfo(`audit: ${act}`), { audit: act, ...details })
