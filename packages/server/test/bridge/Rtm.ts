/** rtm: actions of clients of the published SDK, and their effect at the clients of other members. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { Message, RecalledMessage, TextMessage } from "leancloud-realtime"
import { byGid, byId, LEAVER, NEWCOMER, type CellChat, type Chat } from "./CellChat.ts"
import type { Read, Send } from "./Declaration.ts"
import type {
  Created,
  Edited,
  Hidden,
  Joined,
  ReadUpTo,
  Recalled,
  RecipientState,
  Renamed,
  Sent,
  Taken
} from "./actions.ts"
import { type Fields, fresh, OFFLINE, type BridgeContext } from "./context.ts"
import { contentOf, conversationId, type RtmClient } from "./rtmClient.ts"

const conversationOf = ({ im }: RtmClient, chat: Chat) => Effect.promise(() => im.getConversation(conversationId(chat)))

/** The newest messages, oldest first. */
const history = (client: RtmClient, chat: Chat) =>
  Effect.flatMap(conversationOf(client, chat), (conversation) =>
    Effect.promise(() => conversation.queryMessages({ limit: 100 } as never))
  )

/** Sends a message of the lead; returns it with its gid in other protocols. */
const send = Effect.fnUntraced(function* (context: BridgeContext["Service"], target: CellChat, message: Message) {
  const gid = `rtm:${context.id(target.lead)}:${message.id}`
  const conversation = yield* conversationOf(yield* context.rtm.of(target.lead), target)
  return { gid, conversation, sent: yield* Effect.promise(() => conversation.send(message)) }
})

export const sendText: Send<CellChat, Sent> = (context, target) =>
  Effect.succeed(
    Effect.gen(function* () {
      const content = fresh("said by rtm")
      const { gid } = yield* send(context, target, new TextMessage(content))
      return { gid, by: target.lead, contentType: "text", content }
    })
  )

export const sendImage: Send<CellChat, Sent> = (context, target) =>
  Effect.succeed(
    Effect.gen(function* () {
      const content = `https://example.org/rtm.png?${fresh("n")}`
      const { gid } = yield* send(context, target, new Message({ _lctype: -2, _lcfile: { url: content } }))
      return { gid, by: target.lead, contentType: "image", content }
    })
  )

const recalls =
  (recipient: RecipientState): Send<CellChat, Recalled> =>
  (context, target) =>
    Effect.gen(function* () {
      const content = fresh("regretted in rtm")
      const { gid, conversation, sent } = yield* send(context, target, new TextMessage(content))
      if (recipient === "online") yield* context.clientOf("bob").untilMessage(content)
      if (recipient === "disconnected") yield* context.reconnectFor(content)
      return Effect.gen(function* () {
        yield* Effect.promise(() => conversation.recall(sent))
        const next = fresh("said after that")
        yield* send(context, target, new TextMessage(next))
        return { gid, content, next }
      })
    })
export const recall = recalls("online")
export const recallUnseen = recalls("none")
export const recallTaken = recalls("disconnected")

export const edit: Send<CellChat, Edited> = (context, target) =>
  Effect.gen(function* () {
    const { gid, conversation, sent } = yield* send(context, target, new TextMessage(fresh("written in rtm")))
    const content = fresh("edited in rtm")
    return Effect.as(
      Effect.promise(() => conversation.update(sent, new TextMessage(content))),
      { gid, content }
    )
  })

/** The other user's client marks the message as read; a later reply shows that the server has the mark. */
export const read: Send<CellChat, ReadUpTo> = (context, target) =>
  Effect.gen(function* () {
    const reader = yield* context.rtm.of(target.other)
    const from = reader.events.length
    const content = fresh("to be read in rtm")
    const { gid } = yield* send(context, target, new TextMessage(content))
    yield* reader.until("message", from, (message: Message) => contentOf(message) === content)
    const conversation = yield* conversationOf(reader, target)
    return Effect.as(
      Effect.promise(async () => {
        await conversation.read()
        await reader.im.ping([target.other])
      }),
      { gid }
    )
  })

/** Connects a client, which gets the number of unread messages. */
export const takeDelivery: Send<CellChat, Taken> = (context, target) =>
  Effect.gen(function* () {
    const { gid } = yield* send(context, target, new TextMessage(fresh("waits to be counted")))
    return Effect.gen(function* () {
      const client = yield* context.rtm.momentary(OFFLINE)
      yield* client.until("unreadmessagescountupdate", 0, (all: ReadonlyArray<{ readonly id: string }>) =>
        all.some((one) => isIn(target, one))
      )
      return { gid }
    })
  })

export const createGroup: Send<string, Created> = (context, creator) =>
  Effect.succeed(
    Effect.gen(function* () {
      const members = ["bob", "erin"]
      const name = fresh("made in rtm")
      const { im } = yield* context.rtm.of(creator)
      const { id: gid } = yield* Effect.promise(() => im.createConversation({ members, name }))
      return { ...(yield* byGid(context, creator, gid)), type: "group", name, members: [creator, ...members] }
    })
  )

/** With `bob`. The demonstration's app has direct chats. */
export const createPair: Send<string, Created> = (context, creator) =>
  Effect.succeed(
    Effect.gen(function* () {
      const { im } = yield* context.rtm.momentary(creator)
      const { id } = yield* Effect.promise(() => im.createConversation({ members: ["bob"], unique: true }))
      const chat = yield* byId(context, "bob", Number.parseInt(id, 16))
      return { ...chat, type: "one2one", name: "", members: [creator, "bob"] }
    })
  )

export const rename: Send<CellChat, Renamed> = (context, target) =>
  Effect.succeed(
    Effect.gen(function* () {
      const name = fresh("renamed in rtm")
      const conversation = yield* conversationOf(yield* context.rtm.of(target.lead), target)
      conversation.name = name
      yield* Effect.promise(() => conversation.save())
      return { name }
    })
  )

export const addMember: Send<CellChat, Joined> = (context, target) =>
  Effect.succeed(
    Effect.gen(function* () {
      const conversation = yield* conversationOf(yield* context.rtm.of(target.lead), target)
      yield* Effect.promise(() => conversation.add([NEWCOMER]))
      return { account: NEWCOMER }
    })
  )

export const removeMember: Send<CellChat, Joined> = (context, target) =>
  Effect.succeed(
    Effect.gen(function* () {
      const conversation = yield* conversationOf(yield* context.rtm.of(target.lead), target)
      yield* Effect.promise(() => conversation.remove([LEAVER]))
      return { account: LEAVER }
    })
  )

export const leave: Send<CellChat, Joined> = (context, target) =>
  Effect.succeed(
    Effect.gen(function* () {
      const conversation = yield* conversationOf(yield* context.rtm.of(LEAVER), target)
      yield* Effect.promise(() => conversation.quit())
      return { account: LEAVER }
    })
  )

/** A client of `bob`, and the index of its next event. */
const listening = Effect.fnUntraced(function* (context: BridgeContext["Service"], account = "bob") {
  const client = yield* context.rtm.of(account)
  return { client, from: client.events.length }
})

/** Whether an event's conversation is that of a chat. */
const isIn = (chat: Chat, conversation: { readonly id: string }): boolean => conversation.id === conversationId(chat)

export const seesCreated: Read<string, Created> = (context) =>
  Effect.gen(function* () {
    const { client, from } = yield* listening(context)
    return Effect.fnUntraced(function* (created) {
      const { name, members } = created
      yield* client.until("invited", from, (_: Fields, conversation: { readonly id: string }) =>
        isIn(created, conversation)
      )
      const conversation = yield* conversationOf(client, created)
      assert.strictEqual(conversation.name ?? "", name)
      assert.deepStrictEqual(conversation.members.toSorted(), [...members].toSorted())
    })
  })

export const seesSent: Read<CellChat, Sent> = (context, target) =>
  Effect.gen(function* () {
    const { client, from } = yield* listening(context)
    return Effect.fnUntraced(function* ({ by, content }) {
      const { payload } = yield* client.until(
        "message",
        from,
        (message: Message, conversation: { readonly id: string }) =>
          isIn(target, conversation) && contentOf(message) === content
      )
      const [pushed] = payload as [Message]
      const newest = (yield* history(client, target)).at(-1)
      for (const message of [pushed, newest]) {
        assert.strictEqual(message?.from, by)
        assert.strictEqual(message?.id, pushed.id)
        assert.strictEqual(contentOf(message ?? pushed), content)
      }
    })
  })

/** The offline user gets the number of unread messages with the last one, and reads the message in the history. */
export const findsSent: Read<CellChat, Sent> = (context, target) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ by, content }) {
      const client = yield* context.rtm.momentary(OFFLINE)
      yield* client.until(
        "unreadmessagescountupdate",
        0,
        (all: ReadonlyArray<{ readonly id: string; readonly lastMessage: Message }>) =>
          all.some((one) => isIn(target, one) && contentOf(one.lastMessage) === content)
      )
      const found = (yield* history(client, target)).filter((message) => contentOf(message) === content)
      assert.deepStrictEqual(
        found.map(({ from }) => from),
        [by]
      )
    })
  )

export const seesRecalled: Read<CellChat, Recalled> = (context, target) =>
  Effect.gen(function* () {
    const { client, from } = yield* listening(context)
    const before = yield* history(client, target)
    return Effect.fnUntraced(function* ({ content }) {
      const recalled = before.find((message) => contentOf(message) === content)
      assert.isDefined(recalled)
      yield* client.until("messagerecall", from, (message: Message) => message.id === recalled?.id)
      const after = (yield* history(client, target)).find(({ id }) => id === recalled?.id)
      assert.instanceOf(after, RecalledMessage)
    })
  })

/** The history of the offline user has an empty message in its place. */
export const findsRecalled: Read<CellChat, Recalled> = (context, target) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ content, next }) {
      const messages = yield* history(yield* context.rtm.momentary(OFFLINE), target)
      assert.isFalse(messages.some((message) => contentOf(message) === content))
      assert.strictEqual(contentOf(messages.at(-1) ?? assert.fail("no message")), next)
      assert.instanceOf(messages.at(-2), RecalledMessage)
    })
  )

export const seesEdited: Read<CellChat, Edited> = (context, target) =>
  Effect.gen(function* () {
    const { client, from } = yield* listening(context)
    return Effect.fnUntraced(function* ({ content }) {
      const { payload } = yield* client.until(
        "messageupdate",
        from,
        (message: Message) => contentOf(message) === content
      )
      const [{ id }] = payload as [Message]
      const shown = (yield* history(client, target)).find((message) => message.id === id)
      assert.strictEqual(contentOf(shown ?? assert.fail("no message")), content)
    })
  })

export const findsEdited: Read<CellChat, Edited> = (context, target) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ content }) {
      const messages = yield* history(yield* context.rtm.momentary(OFFLINE), target)
      assert.strictEqual(messages.filter((message) => contentOf(message) === content).length, 1)
    })
  )

export const seesHidden: Read<CellChat, Hidden> = (context, target) =>
  Effect.succeed(
    Effect.fnUntraced(function* ({ gid, by, notBy }) {
      const all = yield* context
        .clientOf(notBy)
        .get<ReadonlyArray<{ readonly id: number; readonly gid: string }>>("history", { gid: target.gid })
      const hidden = all
        .find((message) => message.gid === gid)
        ?.id.toString(16)
        .padStart(16, "0")
      const has = Effect.fnUntraced(function* (account: string) {
        return (yield* history(yield* context.rtm.of(account), target)).some(({ id }) => id === hidden)
      })
      assert.isFalse(yield* has(by))
      assert.isTrue(yield* has(notBy))
    })
  )

export const seesRenamed: Read<CellChat, Renamed> = (context, target) =>
  Effect.gen(function* () {
    const { client, from } = yield* listening(context)
    return Effect.fnUntraced(function* ({ name }) {
      yield* client.until(
        "conversationinfoupdated",
        from,
        ({ attributes }: { readonly attributes: Fields }, conversation: { readonly id: string }) =>
          isIn(target, conversation) && attributes["name"] === name
      )
      assert.strictEqual((yield* conversationOf(client, target)).name, name)
    })
  })

/** Checks pushes to a permanent member, and to the changed member if `own` is the event. */
const seesMoved =
  (
    who: string,
    event: "membersjoined" | "membersleft",
    own: "invited" | "kicked" | undefined
  ): Read<CellChat, Joined> =>
  (context, target) =>
    Effect.gen(function* () {
      const { client, from } = yield* listening(context)
      const theirs = yield* listening(context, who)
      // A removed client cannot load a private conversation any more.
      if (own === "kicked") yield* conversationOf(theirs.client, target)
      return Effect.fnUntraced(function* ({ account }) {
        assert.strictEqual(account, who)
        yield* client.until(
          event,
          from,
          ({ members }: { readonly members: ReadonlyArray<string> }, conversation: { readonly id: string }) =>
            isIn(target, conversation) && members.includes(account)
        )
        if (own !== undefined) {
          yield* theirs.client.until(own, theirs.from, (_: Fields, conversation: { readonly id: string }) =>
            isIn(target, conversation)
          )
        }
        const { members } = yield* conversationOf(client, target)
        assert.strictEqual(members.includes(account), event === "membersjoined")
      })
    })
export const seesJoined = seesMoved(NEWCOMER, "membersjoined", "invited")
export const seesRemoved = seesMoved(LEAVER, "membersleft", "kicked")
/** A client that leaves by itself gets the reply instead. */
export const seesLeft = seesMoved(LEAVER, "membersleft", undefined)
