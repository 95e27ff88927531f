/** Requests of xuanxuan. It has no error codes: hidden chats are recognised by the message for unknown chats. */
import type { Chat } from "@parley/core/Chat"
import { UserId } from "@parley/core/Ids"
import type { Operation } from "@parley/core/rules/Operations"
import { Effect } from "effect"
import { type Actor, type Answer, type Actors, fresh, freshGid, type Json } from "./actors.ts"
import { always, type Changes, named, never, read, type Request, type Trial } from "./Request.ts"
import type { TestChat } from "./ChatCase.ts"

const sentence = (answer: Json): unknown => {
  const { data, message: whole } = answer
  const [first] = (Array.isArray(data) ? data : []) as ReadonlyArray<Json>
  return first?.["message"] ?? whole
}

export const xuanxuan = (
  operation: Operation,
  method: string,
  params: (trial: Trial) => Json,
  changes: Changes,
  more: Partial<Request> = {}
): Request => ({
  protocol: "xuanxuan",
  operation,
  description: named(method),
  changes,
  ask: (trial) =>
    Effect.gen(function* () {
      const { actor } = trial.target
      const [name = method] = method.split(" ")
      const answer = yield* actor.chat(name, params(trial))
      const isHidden = more.alike !== true && sentence(answer) === trial.actors.missing
      const { result } = answer
      return yield* read(answer, result === "success", result === "fail" && !isHidden, result === "fail")
    }),
  ...more
})

export const gidOf = ({ target: { gid } }: Trial) => ({ gid })
const messageOf = ({ target: { gid, actor } }: Trial, type: string): Json => ({
  messages: [{ gid: freshGid(), cgid: gid, user: actor.id, type, contentType: "text", content: `${type} ${fresh()}` }]
})

const uploaded = ({ http }: Actors, { gid }: TestChat, { token }: Actor): Effect.Effect<Answer> => {
  const body = new FormData()
  body.set("gid", gid)
  body.set("files", new Blob(["content"]), "file.txt")
  return http("POST", `/attach-upload.json?sid=${token}`, { body })
}

const upload: Request["ask"] = ({ actors, target }) =>
  Effect.flatMap(uploaded(actors, target, target.actor), (answer) =>
    read(answer, answer.status === 200, answer.status === 400 || answer.status === 404, false)
  )

/** Uploads a file as another member. */
const download: Request["ask"] = Effect.fnUntraced(function* ({ actors, target }) {
  const { json } = yield* uploaded(actors, target, target.watcher)
  const [file] = (json["data"] ?? []) as ReadonlyArray<{ readonly id: number }>
  const path = `/attach-download-${file?.id ?? 999_999_999}.json?sid=${target.actor.token}`
  const { status } = yield* actors.http("GET", path)
  return yield* read(status, status === 200, status === 404, false)
})

/** The chats listed at a login, and the public chats. */
const lists: Request["ask"] = Effect.fnUntraced(function* ({ target: { actor, gid } }) {
  const own = (yield* actor.done("getlist", {})) as ReadonlyArray<Json>
  const open = (yield* actor.done("getpubliclist", {})) as ReadonlyArray<Json>
  const isListed = [...own, ...open].some((chat) => chat["gid"] === gid)
  return isListed ? "allowed" : "refused"
})

const isMember = ({ target: { facts, actor } }: Trial): boolean => facts.members.has(UserId(actor.id))

export const ofXuanxuan: ReadonlyArray<Request> = [
  xuanxuan(
    "see",
    "create with the gid of an existing chat",
    ({ actors, target: { gid, actor, facts } }) =>
      facts.type === "one2one"
        ? {
            gid,
            type: "one2one",
            members: [{ id: actors.bob.id }, ...(isPairOf(facts, actor.id) ? [] : [{ id: actors.carol.id }])]
          }
        : { gid, type: "group", members: [] },
    never,
    { alike: true }
  ),
  {
    protocol: "xuanxuan",
    operation: "see",
    description: "`getlist`, `getpubliclist`",
    alike: true,
    changes: never,
    ask: lists
  },
  xuanxuan(
    "join",
    "joinchat",
    (trial) => ({ ...gidOf(trial), join: true }),
    (trial) => !isMember(trial)
  ),
  xuanxuan("leave", "joinchat with join false", (trial) => ({ ...gidOf(trial), join: false }), always),
  xuanxuan("rename", "changename", ({ target: { id } }) => ({ id, name: `renamed ${fresh()}` }), always),
  xuanxuan("rename", "changename with a gid", (trial) => ({ ...gidOf(trial), name: `renamed ${fresh()}` }), always),
  xuanxuan("setPreference", "star", (trial) => ({ ...gidOf(trial), star: true }), never),
  xuanxuan("setPreference", "hide", (trial) => ({ ...gidOf(trial), hide: true }), never),
  xuanxuan("setPreference", "mute", (trial) => ({ ...gidOf(trial), mute: true }), never),
  xuanxuan(
    "addMembers",
    "addmember",
    (trial) => ({ ...gidOf(trial), members: [{ id: trial.actors.dave.id }], join: true }),
    always
  ),
  xuanxuan(
    "removeMembers",
    "addmember with join false",
    (trial) => ({ ...gidOf(trial), members: [{ id: trial.actors.carol.id }], join: false }),
    always
  ),
  xuanxuan("send", "message", (trial) => messageOf(trial, "normal"), always),
  xuanxuan("broadcast", "message of type broadcast", (trial) => messageOf(trial, "broadcast"), always),
  xuanxuan("read", "history", gidOf, never),
  xuanxuan("read", "members", gidOf, never),
  xuanxuan("read", "attach/getlist", gidOf, never),
  {
    protocol: "xuanxuan",
    operation: "read",
    description: "`/attach-upload.json`",
    alike: true,
    changes: never,
    ask: upload
  },
  {
    protocol: "xuanxuan",
    operation: "read",
    description: "`/attach-download-<id>.json`",
    alike: true,
    changes: never,
    ask: download
  },
  xuanxuan("publish", "changepublic", (trial) => ({ ...gidOf(trial), public: !trial.target.facts.public }), always),
  xuanxuan(
    "setAdmins",
    "setadmin",
    (trial) => ({ ...gidOf(trial), admins: [{ id: trial.actors.dave.id }], isAdmin: true }),
    always
  ),
  xuanxuan(
    "setSenders",
    "setcommitters",
    (trial) => ({ ...gidOf(trial), committers: trial.target.facts.senders === "admins" ? "$ALL" : "$ADMINS" }),
    always
  ),
  // Off, as before: otherwise later requests of the same members would be refused.
  xuanxuan("setSlowMode", "parley/slowMode", (trial) => ({ ...gidOf(trial), seconds: 0 }), never),
  xuanxuan("see", "parley/slowMode without seconds", gidOf, never),
  xuanxuan("read", "parley/readMarks", gidOf, never),
  xuanxuan("read", "parley/unread", gidOf, never),
  xuanxuan("read", "parley/read", gidOf, never),
  xuanxuan("read", "parley/search", (trial) => ({ text: "x", ...gidOf(trial) }), never),
  xuanxuan("send", "parley/typing", gidOf, never),
  xuanxuan(
    "editOthers",
    "parley/edit of others' messages",
    ({ target }) => ({ gid: target.others, content: `edited ${fresh()}` }),
    always,
    { alike: true }
  ),
  xuanxuan(
    "editOwn",
    "parley/edit of own messages",
    ({ target }) => ({ gid: target.own ?? "", content: `edited ${fresh()}` }),
    always,
    { alike: true, about: ({ own }) => own !== undefined }
  ),
  xuanxuan("recallOthers", "parley/recall of others' messages", ({ target }) => ({ gid: target.others }), always, {
    alike: true
  })
]

const isPairOf = ({ members }: Chat, id: number): boolean => members.has(UserId(id))
