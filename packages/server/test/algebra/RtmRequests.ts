/** Requests of rtm, as frames: its clients hide some of the errors. */
import type { Chat, UserFlag } from "@parley/core/Chat"
import { UserId } from "@parley/core/Ids"
import type { Operation } from "@parley/core/rules/Operations"
import { Effect } from "effect"
import { WebSocket } from "ws"
import { Cmd, type Command, decodeCommand, encodeCommand, Op } from "../../../dialects/src/rtm/codec.ts"
import { Code } from "../../../dialects/src/rtm/errors.ts"
import { conversationId } from "../../../dialects/src/rtm/ids.ts"
import { type Actor, type Actors, fresh } from "./actors.ts"
import { always, type Changes, never, read, type Request, type Trial } from "./Request.ts"

/** Sends a command and returns its reply. */
type Ask = (command: Command) => Promise<Command>

/** Connects to the demonstration's app as a user, who needs no signature there. */
const connect = (base: string, account: string): Promise<Ask> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${base.replace("http:", "ws:")}/rtm`, "lc.protobuf2.3")
    const waiting = new Map<number, (reply: Command) => void>()
    let requests = 0
    const ask: Ask = (command) =>
      new Promise((answered) => {
        const i = ++requests
        waiting.set(i, answered)
        socket.send(encodeCommand({ ...command, peerId: account, i }))
      })
    socket.on("message", (data: Buffer) => {
      const reply = decodeCommand(new Uint8Array(data)) ?? {}
      waiting.get(reply.i ?? 0)?.(reply)
      waiting.delete(reply.i ?? 0)
    })
    socket.once("error", reject)
    socket.once("open", () => {
      ask({ cmd: Cmd.session, op: Op.open, appId: "rtm-demo" }).then(() => resolve(ask), reject)
    })
  })

/** Connections by their users; they end with the server. */
const connections = new WeakMap<Actor, Promise<Ask>>()

const askAs = ({ actors: { base } }: Pick<Trial, "actors">, actor: Actor, command: Command): Effect.Effect<Command> =>
  Effect.promise(async () => {
    const known = connections.get(actor) ?? connect(base, actor.account)
    connections.set(actor, known)
    return (await known)(command)
  })

/** Silences or blocks a user, as an admin of the chat. */
export const flagUser = (
  actors: Actors,
  admin: Actor,
  chat: Chat,
  flag: UserFlag,
  { account }: Actor
): Effect.Effect<void> => {
  const cid = conversationId(chat)
  const command: Command =
    flag === "silenced"
      ? { cmd: Cmd.conv, op: Op.addShutup, conv: { cid, m: [account] } }
      : { cmd: Cmd.blacklist, op: Op.block, blacklist: { srcCid: cid, toPids: [account] } }
  return Effect.flatMap(askAs({ actors }, admin, command), ({ cmd, error }) =>
    cmd === Cmd.error ? Effect.die(new Error(`${flag}: ${error?.code} ${error?.reason}`)) : Effect.void
  )
}

/** Makes a member an admin, as the owner of the chat. */
export const promote = (actors: Actors, owner: Actor, chat: Chat, { account: pid }: Actor): Effect.Effect<void> => {
  const conv = { cid: conversationId(chat), info: { pid, role: "Manager" } }
  return Effect.flatMap(askAs({ actors }, owner, { cmd: Cmd.conv, op: Op.memberInfoUpdate, conv }), ({ cmd, error }) =>
    cmd === Cmd.error ? Effect.die(new Error(`promote: ${error?.code} ${error?.reason}`)) : Effect.void
  )
}

/** Errors of what does not exist for the client. */
const HIDDEN: ReadonlySet<number | undefined> = new Set([Code.conversationNotFound, Code.messageNotFound])

/** `alike`: all refusals have errors of the same meaning. */
const outcome = (reply: Command, alike = false): ReturnType<typeof read> => {
  const isRefused = reply.cmd === Cmd.error
  const isHidden = isRefused && !alike && HIDDEN.has(reply.error?.code)
  return read(reply, !isRefused, isRefused && !isHidden, isHidden)
}

const cidOf = ({ target: { facts } }: Trial): string => conversationId(facts)

const rtm = (
  operation: Operation,
  description: string,
  command: (trial: Trial) => Command,
  changes: Changes,
  more: Partial<Request> = {}
): Request => ({
  protocol: "rtm",
  operation,
  description,
  changes,
  ask: (trial) =>
    Effect.flatMap(askAs(trial, trial.target.actor, command(trial)), (reply) => outcome(reply, more.alike)),
  ...more
})

/** A command on the conversation, with these fields of `conv`. */
const conv = (
  operation: Operation,
  description: string,
  op: number,
  fields: (trial: Trial) => NonNullable<Command["conv"]>,
  changes: Changes,
  more?: Partial<Request>
): Request =>
  rtm(
    operation,
    description,
    (trial) => ({ cmd: Cmd.conv, op, conv: { cid: cidOf(trial), ...fields(trial) } }),
    changes,
    more
  )

const nothing = () => ({})
const self = ({ target: { actor } }: Trial) => ({ m: [actor.account] })
const carol = ({ actors }: Trial) => ({ m: [actors.carol.account] })
const isMember = ({ target: { facts, actor } }: Trial): boolean => facts.members.has(UserId(actor.id))

/** The newest message of a member, as the observing member reads it. */
const patch =
  (of: (trial: Trial) => Actor, item: () => { readonly data?: string; readonly recall?: boolean }): Request["ask"] =>
  (trial) =>
    Effect.gen(function* () {
      const cid = cidOf(trial)
      const { logs } = yield* askAs(trial, trial.target.watcher, { cmd: Cmd.logs, logs: { cid, limit: 50 } })
      const found = logs?.logs?.findLast(({ from, data }) => from === of(trial).account && data !== "")
      const { msgId: mid = "0".repeat(15) + "1", timestamp = 1 } = found ?? {}
      const patches = [{ cid, mid, timestamp, ...item() }]
      return yield* outcome(
        yield* askAs(trial, trial.target.actor, { cmd: Cmd.patch, op: Op.modify, patch: { patches } }),
        true
      )
    })

const text = (content: string): string => JSON.stringify({ _lctype: -1, _lctext: `${content} ${fresh()}` })
const edited = () => ({ data: text("edited") })
const other = ({ target: { facts, watcher }, actors }: Trial): Actor =>
  facts.type === "one2one" ? watcher : actors.carol

export const ofRtm: ReadonlyArray<Request> = [
  {
    protocol: "rtm",
    operation: "see",
    description: "`conv/query` by id",
    alike: true,
    changes: never,
    ask: (trial) =>
      Effect.gen(function* () {
        const where = { data: JSON.stringify({ objectId: cidOf(trial) }) }
        const { conv: found } = yield* askAs(trial, trial.target.actor, {
          cmd: Cmd.conv,
          op: Op.query,
          conv: { where }
        })
        return found?.results?.data === "[]" ? "refused" : "allowed"
      })
  },
  conv("join", "`conv/add` of oneself", Op.add, self, (trial) => !isMember(trial)),
  conv("leave", "`conv/remove` of oneself", Op.remove, self, always),
  conv("setPreference", "`conv/mute`", Op.mute, nothing, never),
  conv("addMembers", "`conv/add`", Op.add, ({ actors }) => ({ m: [actors.dave.account] }), always),
  conv("removeMembers", "`conv/remove`", Op.remove, carol, always),
  rtm("send", "`direct`", (trial) => ({ cmd: Cmd.direct, direct: { cid: cidOf(trial), msg: text("said") } }), always, {
    alike: true
  }),
  rtm(
    "send",
    "`direct` with `transient`",
    (trial) => ({ cmd: Cmd.direct, direct: { cid: cidOf(trial), msg: text("typing"), transient: true } }),
    never,
    { alike: true }
  ),
  conv("read", "`conv/members`", Op.members, nothing, never),
  conv("read", "`conv/count`", Op.count, nothing, never),
  conv("read", "`conv/max_read`", Op.maxRead, nothing, never),
  conv("read", "`conv/query_shutup`", Op.queryShutup, nothing, never),
  rtm("read", "`logs`", (trial) => ({ cmd: Cmd.logs, logs: { cid: cidOf(trial), limit: 1 } }), never, { alike: true }),
  conv("edit", "`conv/update`", Op.update, () => ({ attr: { data: `{"name":"edited ${fresh()}"}` } }), always),
  conv(
    "promoteMembers",
    "`conv/member_info_update`",
    Op.memberInfoUpdate,
    ({ actors }) => ({ info: { pid: actors.carol.account, role: "Manager" } }),
    always
  ),
  // No other protocol shows who is silenced or blocked.
  conv("silenceMembers", "`conv/add_shutup`", Op.addShutup, carol, never),
  rtm(
    "blockUsers",
    "`blacklist/block`",
    (trial) => ({
      cmd: Cmd.blacklist,
      op: Op.block,
      blacklist: { srcCid: cidOf(trial), toPids: [trial.actors.dave.account] }
    }),
    never
  ),
  {
    protocol: "rtm",
    operation: "editOwn",
    description: "`patch` of own messages",
    about: ({ own }) => own !== undefined,
    alike: true,
    changes: always,
    ask: patch(({ target }) => target.actor, edited)
  },
  {
    protocol: "rtm",
    operation: "editOthers",
    description: "`patch` of others' messages",
    alike: true,
    changes: always,
    ask: patch(other, edited)
  },
  {
    protocol: "rtm",
    operation: "recallOthers",
    description: "`patch` with `recall` of others' messages",
    alike: true,
    changes: always,
    ask: patch(other, () => ({ recall: true }))
  }
]
