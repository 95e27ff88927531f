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

/** Bytes of one line, at most: an import of a hundred thousand users fits. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024

/** Cuts what comes in into lines. Answers undefined once a line is longer than `MAX_LINE_BYTES`. */
export const makeLineCutter = (): ((chunk: Uint8Array) => ReadonlyArray<string> | undefined) => {
  const NEWLINE = 0x0a
  let parts: Array<Uint8Array> = []
  let size = 0
  return (chunk) => {
    const lines: Array<string> = []
    let rest = chunk
    for (;;) {
      const end = rest.indexOf(NEWLINE)
      const part = end < 0 ? rest : rest.subarray(0, end)
      size += part.length
      if (size > MAX_LINE_BYTES) return undefined
      parts.push(part)
      if (end < 0) return lines
      lines.push(Buffer.concat(parts).toString("utf8"))
      parts = []
      size = 0
      rest = rest.subarray(end + 1)
    }
  }
}
