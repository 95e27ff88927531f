/**
 * Records security-relevant acts: administrative changes, impersonations, ended sessions. A record is a log line at
 * level Info with the annotation `audit` set to the name of the act, so that operators can route these lines
 * separately.
 */
import * as Effect from "effect/Effect"

/** Parties and objects of an act. Values are identifiers, never secrets or message contents. */
export type AuditDetails = Readonly<Record<string, string | number | boolean | null>>

/** Logs one act, such as `user.disable`, with its details as annotations. */
export const audit = (act: string, details: AuditDetails = {}): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logInfo(`audit: ${act}`), { audit: act, ...details })
