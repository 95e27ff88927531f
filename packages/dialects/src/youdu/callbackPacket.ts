/**
 * Encodes a message for an app's callback: a packet sealed with the app's key, signed with the callback's token. Fields
 * and signature are those that the public SDKs read. Source: PROTOCOLS, "youdu".
 */
import type { Engine } from "@parley/core/Engine"
import type { ChatEvent } from "@parley/core/Event"
import { FileId } from "@parley/core/Ids"
import type { Message } from "@parley/core/Message"
import type { StorageFailed } from "@parley/core/Store"
import { textBytes } from "@parley/core/Utf8"
import * as Digest from "effect/crypto/Digest"
import * as Effect from "effect/Effect"
import { parseContent } from "../_http/jsonLimits.ts"

/** Content types of the engine by their message type in a packet. The SDKs' readers know no `video`. */
const MEDIA: ReadonlyMap<string, "image" | "file" | "audio"> = new Map([
  ["image", "image"],
  ["file", "file"],
  ["video", "file"],
  ["audio", "audio"]
])

/** A message in a packet; its body is in the field that `msgType` names. */
export interface Packet {
  /** Account of the sender. */
  readonly fromUser: string
  /** Unix time in seconds. */
  readonly createTime: number
  /** The receiver answers with it. The same for each attempt. */
  readonly packageId: string
  readonly msgType: string
  /** The group in which it was sent; absent in the app's chat with the user. */
  readonly sessionId?: string
  readonly [body: string]: unknown
}

/** Returns the packet of an entry; undefined if it is not a message that a user sent to the app. */
export const packetOf: (
  engine: Engine["Service"],
  app: number,
  event: ChatEvent
) => Effect.Effect<Packet | undefined, StorageFailed> = Effect.fnUntraced(function* (
  engine,
  app,
  { entry, chat, message }
) {
  if (message === undefined || message.recalled || entry.body._tag === "Recalled") return undefined
  if (message.sender === null || message.sender === app || chat.type === "system") return undefined
  const sender = yield* engine.context.users.find(message.sender)
  const { msgType, body } = yield* bodyOf(engine, message)
  return {
    fromUser: sender?.account ?? "",
    createTime: Math.floor(message.date / 1000),
    packageId: String(entry.id),
    ...(chat.type !== "one2one" && { sessionId: chat.gid }),
    msgType,
    [msgType]: body
  }
})

/** A file of the chat is media; a link, and all other content, is text. */
const bodyOf = Effect.fnUntraced(function* (
  { context }: Engine["Service"],
  { chat, contentType, content }: Message
): Effect.fn.Return<{ readonly msgType: string; readonly body: object }, StorageFailed> {
  const msgType = MEDIA.get(contentType)
  if (msgType !== undefined) {
    const named = parseContent(content)
    const url = typeof named?.["url"] === "string" ? named["url"] : content
    const ids = [named?.["id"], ...context.fileLinks.map((link) => link(url))]
    const id = ids.find((one): one is number => Number.isSafeInteger(one) && Number(one) > 0)
    const file = id === undefined ? undefined : yield* context.store.file(FileId(id))
    if (file?.chat === chat) {
      return { msgType, body: { media_id: String(file.id), name: file.title, size: file.size } }
    }
    return { msgType: "text", body: { content: url } }
  }
  return { msgType: "text", body: { content } }
})

/**
 * Returns `msg_signature`: the SHA-1 in hex of the token, the time, the nonce and the sealed text in the order of their
 * characters, joined.
 */
export const signatureOf = (
  digest: Digest.Digest["Service"],
  parts: { readonly token: string; readonly timestamp: string; readonly nonce: string; readonly encrypt: string }
): Effect.Effect<string> => digest.digestHex(Digest.sha1, textBytes(Object.values(parts).toSorted().join("")))
