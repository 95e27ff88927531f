/** Benchmark of a xuanxuan message: parsing its frame and encoding its push. */
import { createdChat } from "@parley/core/Chat"
import { EncodedChunk } from "@parley/core/Frame"
import type { ChatEvent } from "@parley/core/Event"
import { ChatId, EntryId, UserId } from "@parley/core/Ids"
import { fromPosted } from "@parley/core/Message"
import * as Result from "effect/Result"
import { isInvalid, parse } from "../src/xuanxuan/frames.ts"
import { makeProfile } from "../src/xuanxuan/profiles.ts"
import { draftOf } from "../src/xuanxuan/drafts.ts"
import { draftsIn } from "../src/xuanxuan/params.ts"

const CONTENT = "the quick brown fox jumps over the lazy dog ".repeat(5).slice(0, 200)

const user = {
  id: UserId(1),
  account: "alice",
  realname: "Alice",
  avatar: "",
  role: "",
  dept: 0,
  admin: false,
  organisation: null,
  disabled: false,
  createdAt: 0,
  since: {}
}

/** One turn is one frame with one message. */
export const decode = {
  description: "decode: a frame with one message of 200 characters",
  make: () => {
    const params = [{ gid: "a-gid", cgid: "a-chat", type: "normal", contentType: "text", content: CONTENT }]
    const frame = JSON.stringify({ module: "chat", method: "message", params, sid: "a session's token" })
    return {
      turn: () => {
        const [request] = parse(frame, 1000)
        const sent = request === undefined || isInvalid(request) ? [] : draftsIn(request.params)
        if (!Array.isArray(sent) || Result.isFailure(draftOf(user, sent[0], 0))) throw new Error("it is a message")
      },
      close: () => {}
    }
  }
}

/** One turn is one message as the frame that all its recipients share. */
export const encode = {
  description: "encode: a message of 200 characters, once for all receivers",
  make: () => {
    const everybody = [UserId(1), UserId(2)]
    const profile = makeProfile("documented", {
      externalIdOf: () => undefined,
      accountOf: () => "alice",
      nameOf: () => "Alice",
      allUsers: () => "",
      userList: () => ""
    })
    const chat = createdChat(
      {
        gid: "a-chat",
        name: "",
        type: "group",
        public: false,
        subject: 0,
        createdBy: UserId(1),
        owner: UserId(1),
        admins: [],
        senders: "all",
        createdAt: 0,
        attributes: {},
        members: everybody
      },
      ChatId(1)
    )
    const body = {
      _tag: "Posted",
      gid: "a-gid",
      type: "normal",
      contentType: "text",
      content: CONTENT,
      date: 0
    } as const
    const entry = { id: EntryId(7), chat: chat.id, seq: 2, posted: 1, at: 0, by: user.id, device: null, body }
    const head = { seq: 2, posted: 1, activeAt: 0 }
    const event: ChatEvent = { _tag: "ChatEvent", entry, chat, head, message: fromPosted(entry) }
    return {
      turn: () => {
        const frame = profile.framing(profile.encode(event).map((packet) => new EncodedChunk(packet)))
        if (frame.bytes("bench", ({ text }) => Buffer.from(text)).length < CONTENT.length)
          throw new Error("it has the content")
      },
      close: () => {}
    }
  }
}
