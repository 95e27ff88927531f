/**
 * What travels over the control socket: one JSON text in each line, a request and then its answer. Before the answer come
 * reports of progress, where the request asks for them.
 */
import * as Schema from "effect/Schema"

export const Request = Schema.Struct({
  words: Schema.Array(Schema.String),
  inputs: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite, Schema.Boolean])),
  progress: Schema.optionalKey(Schema.Boolean)
})
export type Request = typeof Request.Type

export const Answer = Schema.Union([
  Schema.Struct({ ok: Schema.Literal(true), output: Schema.String }),
  Schema.Struct({ error: Schema.String })
])
export type Answer = typeof Answer.Type

export const Report = Schema.Struct({ done: Schema.Finite, total: Schema.Finite })
export type Report = typeof Report.Type

/** Maximum number of bytes of one line: an import of a hundred thousand users fits. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024
