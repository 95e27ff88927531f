/** Frames of replies. Source: seeds/002, "API"; PROTOCOLS, "Frames", "sid". */
import type { SentMessage } from "@parley/core/Command"
import { Frame, EncodedChunk } from "@parley/core/Frame"
import type { Reason } from "@parley/core/Refused"
import { messageOf, resultOf } from "./errors.ts"
import type { Json } from "./encode.ts"
import type { Request } from "./frames.ts"
import { refusedMessages } from "./drafts.ts"
import { type MethodResult, RawJson } from "./methods.ts"
import { draftsIn } from "./params.ts"
import type { Profile } from "./profiles.ts"

/** Encodes the reply of `chat/message` with one message, whose JSON text is shared with the push. */
export const sentFrame = ({ wireFormat }: Profile, sid: string, { chat, message }: SentMessage): string =>
  `{"module":"chat","method":"message","result":"success","sid":${JSON.stringify(sid)},"data":[${wireFormat.messageText(message, chat)}]}`

export const failureFrame = (
  { wireFormat }: Profile,
  request: Request,
  result: "fail" | "denied",
  message: string,
  data?: Json
): string =>
  wireFormat.jsonText(
    JSON.stringify({
      module: request.module,
      method: request.method,
      result,
      ...(typeof request.sid === "string" && { sid: request.sid }),
      message,
      ...(data !== undefined && { data })
    })
  )

export const refusalFrame = (profile: Profile, request: Request, reason: Reason): string => {
  const name = `${request.module}/${request.method}`.toLowerCase()
  const message = messageOf(reason)
  const drafts = name === "chat/message" ? draftsIn(request.params) : []
  // The 1.0 client shows the `data` of a failed login.
  const data =
    name === "chat/login" && profile.name === "client-1.0"
      ? message
      : refusedMessages(reason, Array.isArray(drafts) ? drafts : [])
  return failureFrame(profile, request, resultOf(reason), message, data)
}

export const successFrame = (
  { wireFormat }: Profile,
  request: Request,
  sid: string,
  { data, pager }: MethodResult
): string | Frame => {
  const { jsonText } = wireFormat
  const head = { module: request.module, method: request.method, result: "success", sid }
  if (!(data instanceof RawJson)) {
    return jsonText(JSON.stringify({ ...head, data, ...(pager !== undefined && { pager }) }))
  }
  const before = `${jsonText(JSON.stringify(head)).slice(0, -1)},"data":`
  const after = pager === undefined ? "}" : `,"pager":${jsonText(JSON.stringify(pager))}}`
  const [only] = data.chunks
  if (only !== undefined && data.chunks.length === 1) return `${before}${only.text}${after}`
  return new Frame([new EncodedChunk(before), ...data.chunks, new EncodedChunk(after)], true)
}
