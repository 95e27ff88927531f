/** Frames of replies. Source: seeds/002, "API"; PROTOCOLS, "Frames", "sid". */
import type { SentMessage } from "@parley/core/Command"
import { Frame, EncodedChunk } from "@parley/core/Frame"
import type { Reason } from "@parley/core/Refused"
import { messageOf, resultOf } from "./errors.ts"
import { type Json, messageText } from "./encode.ts"
import type { Request } from "./frames.ts"
import { type MethodResult, RawJson, refusedMessages } from "./methods.ts"
import { draftsIn } from "./params.ts"

/** Encodes the reply of `chat/message` with one message, whose JSON text is shared with the push. */
export const sentFrame = (sid: string, { chat, message }: SentMessage): string =>
  `{"module":"chat","method":"message","result":"success","sid":${JSON.stringify(sid)},"data":[${messageText(message, chat)}]}`

export const failureFrame = (request: Request, result: "fail" | "denied", message: string, data?: Json): string =>
  JSON.stringify({
    module: request.module,
    method: request.method,
    result,
    ...(typeof request.sid === "string" && { sid: request.sid }),
    message,
    ...(data !== undefined && { data })
  })

export const refusalFrame = (request: Request, reason: Reason): string => {
  const ofMessages = `${request.module}/${request.method}`.toLowerCase() === "chat/message"
  const drafts = ofMessages ? draftsIn(request.params) : []
  return failureFrame(
    request,
    resultOf(reason),
    messageOf(reason),
    refusedMessages(reason, Array.isArray(drafts) ? drafts : [])
  )
}

export const successFrame = (request: Request, sid: string, { data, pager }: MethodResult): string | Frame => {
  const head = { module: request.module, method: request.method, result: "success", sid }
  if (!(data instanceof RawJson)) return JSON.stringify({ ...head, data, ...(pager !== undefined && { pager }) })
  const before = `${JSON.stringify(head).slice(0, -1)},"data":`
  const after = pager === undefined ? "}" : `,"pager":${JSON.stringify(pager)}}`
  const [only] = data.chunks
  if (only !== undefined && data.chunks.length === 1) return `${before}${only.text}${after}`
  return new Frame([new EncodedChunk(before), ...data.chunks, new EncodedChunk(after)], true)
}
