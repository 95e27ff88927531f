/**
 * Messages of the control socket: one JSON text per line, a request and then its reply. Reports of progress precede the
 * reply if the request has `progress`.
 */
import * as Schema from "effect/Schema"

export const Request = Schema.Struct({
  words: Schema.Array(Schema.String),
  inputs: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite, Schema.Boolean])),
  progress: Schema.optionalKey(Schema.Boolean)
})
export type Request = typeof Request.Type

const Listing = Schema.Struct({
  columns: Schema.Array(Schema.String),
  rows: Schema.Array(
    Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null]))
  ),
  empty: Schema.optionalKey(Schema.String)
})

export const Output = Schema.Union([Schema.String, Listing])
/** Text or a list to print. */
export type Output = typeof Output.Type

export const Reply = Schema.Union([
  Schema.Struct({ ok: Schema.Literal(true), output: Output }),
  Schema.Struct({ error: Schema.String })
])
export type Reply = typeof Reply.Type

export const Report = Schema.Struct({ done: Schema.Finite, total: Schema.Finite })
export type Report = typeof Report.Type

/** Maximum size of one line in bytes; an import of 100,000 users fits. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024
