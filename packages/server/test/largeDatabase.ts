/** A database of 100,000 users, 30,000 in the quick run, and long histories. */
import * as SqliteStore from "@parley/adapter-sql/SqliteStore"
import { ChatId, UserId } from "@parley/core/Ids"
import type { Store, Write } from "@parley/core/Store"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { repetitions } from "../../../scripts/repetitions.ts"

const USERS = repetitions(100_000, 30_000)
export const MEMBERS = 1000
const MESSAGES = 10_000
const PICTURES = 100
const BATCH = 2000

export const sidOf = (id: number): string => `session-of-user-${id}`
const hashOf = (sid: string): string => createHash("sha256").update(sid).digest("hex")

const write = Effect.fnUntraced(function* (store: Store["Service"], writes: ReadonlyArray<Write>) {
  for (let from = 0; from < writes.length; from += BATCH) {
    yield* store.commit({ expectedVersions: [], writes: writes.slice(from, from + BATCH) })
  }
})

export const upTo = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index + 1)

/** Content of a picture: a JSON object with as many distinct keys as fit. `nth`: the keys of different pictures differ. */
export const pictureOf = (nth: number): string => {
  const first = 100_000 * (nth + 1)
  return `{"url":"u","x":[${upTo(5000)
    .map((id) => `{"${(first + id).toString(36)}":{}}`)
    .join(",")}]}`
}

/**
 * Users, some with sessions; a group of 1,000 members and a direct chat, with 10,000 messages each; a group
 * and a direct chat with 100 pictures each, whose content is large JSON.
 */
export const fill = Effect.fnUntraced(function* (file: string) {
  const store = yield* SqliteStore.make({ file })
  yield* write(
    store,
    upTo(USERS).map((id) => ({
      _tag: "CreateUser",
      user: {
        account: `user${id}`,
        realname: `User ${id}`,
        avatar: "",
        role: "",
        dept: 0,
        admin: id === 1,
        organisation: 2,
        disabled: false,
        createdAt: 0,
        password: null
      }
    }))
  )
  yield* write(
    store,
    upTo(50).flatMap((id) =>
      (["chat", "token"] as const).map((kind): Write => {
        const now = Date.now()
        const hash = hashOf(`${kind}-${sidOf(id)}`)
        return {
          _tag: "SaveSession",
          session: { hash, user: UserId(id), kind, device: "", createdAt: now, usedAt: now }
        }
      })
    )
  )
  yield* write(store, [{ _tag: "PutRecord", record: { dialect: "ha", kind: "key", key: "ha-test", value: {} } }])
  const made = (gid: string, type: string, members: ReadonlyArray<number>): Write => ({
    _tag: "CreateChat",
    chat: {
      gid,
      name: gid,
      type,
      public: true,
      subject: 0,
      members: members.map(UserId),
      owner: type === "group" ? UserId(1) : null,
      admins: [],
      senders: "all",
      attributes: {},
      createdBy: UserId(1),
      createdAt: 0
    },
    by: UserId(1)
  })
  yield* write(store, [
    made("large", "group", upTo(MEMBERS)),
    made("1&2", "one2one", [1, 2]),
    made("pictures", "group", upTo(MEMBERS)),
    made("1&3", "one2one", [1, 3])
  ])
  for (const chat of [1, 2]) {
    yield* write(
      store,
      upTo(MESSAGES).map((nth) => ({
        _tag: "Append",
        chat: ChatId(chat),
        by: UserId(1),
        device: null,
        at: nth,
        body: {
          _tag: "Posted",
          gid: `${chat}-${nth}`,
          type: "normal",
          contentType: "text",
          content: "消息 ".repeat(40),
          date: nth
        }
      }))
    )
  }
  yield* write(
    store,
    upTo(2 * PICTURES).map((nth) => ({
      _tag: "Append",
      chat: ChatId(nth > PICTURES ? 3 : 4),
      by: UserId(1),
      device: null,
      at: nth,
      body: {
        _tag: "Posted",
        gid: `picture-${nth}`,
        type: "normal",
        contentType: "image",
        content: pictureOf(nth),
        date: nth
      }
    }))
  )
}, Effect.scoped)
