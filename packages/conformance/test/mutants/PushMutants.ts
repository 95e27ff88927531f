/** Mutants of pushes: unexpected, missing, and out of order. */
import { field, isArray } from "../../src/Json.ts"
import { aboutOf, type Deed, type Mutant, type Packet } from "./Mutant.ts"
import { isEntry, isLogin, newsOf, of, onPush, onReply, others, pass, requests, toAll, tooLate } from "./Rewrites.ts"
import type { WireMutant } from "./WireMutant.ts"

/** Milliseconds for which a packet is held. */
const HOLD = 700

const LISTS: ReadonlySet<string> = new Set(["chat/usergetlist", "chat/getlist"])

/** Holds every other one of these packets of a connection, so that the next one comes before it. */
const reordering = (isMeant: (packet: Packet) => boolean): Mutant => {
  const holding = new Set<number>()
  return {
    packet: (packet, { connection }) => {
      if (!isMeant(packet)) return pass(packet)
      if (holding.delete(connection)) return pass(packet)
      holding.add(connection)
      return pass(packet).map((deed) => ({ ...deed, after: HOLD }))
    }
  }
}

export const pushMutants: ReadonlyArray<WireMutant> = [
  {
    name: "announces-what-it-refuses",
    description: "everybody hears of every request before it is looked at",
    make: () => ({
      request: (frame, context) =>
        requests(frame).flatMap((request) => newsOf(request, context).flatMap((news) => toAll(context, news)))
    }),
    kills: of(
      "xuanxuan",
      "login/wrong-password#nobody-hears login/bad-input#nobody-hears",
      "logout/success#once",
      "user/change-name-bad-input#nobody-hears user/change-status-bad-input#nobody-hears",
      "create/bad-input#nothing-pushed",
      "join/leave#who-left-hears-nothing join/refused#nobody-hears join/bad-input#nobody-hears",
      "rename/refused#nobody-hears rename/bad-input#nobody-hears",
      "star/on-and-off#nobody-hears",
      "invite/kick#who-went-hears-nothing invite/refused#nobody-hears invite/atomic#nobody-hears invite/bad-input#nobody-hears",
      "message/user#nothing-pushed message/broadcast#nothing-pushed message/atomic#nothing-pushed message/refused#nobody-hears message/size#nothing-pushed message/bad-input#nothing-pushed",
      "history/for-new-members#not-pushed",
      "hide/on-and-off#nobody-hears",
      "public/refused#nobody-hears",
      "set-admin/refused#nobody-hears",
      "committers/list#nothing-from-the-unlisted committers/refused#nobody-hears",
      "mute/on-and-off#nobody-hears",
      "session/not-logged-in#nothing-pushed session/expired#nobody-hears"
    )
  },
  {
    name: "pushes-again",
    description: "whatever was pushed is pushed to everybody again before each reply",
    make: () => ({
      packet: onReply((packet, context) => [
        ...context.pushed.flatMap(({ body }) => toAll(context, body)),
        ...pass(packet)
      ])
    }),
    kills: of(
      "xuanxuan",
      "create/twice#no-second-push",
      "message/idempotent#no-second-push message/idempotent#nothing-more",
      "offline/deleted-by-id#acknowledged-does-not offline/acknowledged#acknowledged-do-not offline/acknowledged-as-a-list#neither-comes-again offline/foreign-ack#but-not-to-who-acknowledged offline/taken-on-the-next-frame#not-again"
    )
  },
  {
    name: "pushes-all-at-login",
    description: "a login gets everything that was ever asked of the server",
    make: () => ({
      packet: onReply((packet, context) =>
        packet.about === "chat/login"
          ? [
              ...pass(packet),
              ...context.askedByAll.flatMap((request) => newsOf(request, context).map((send): Deed => ({ send })))
            ]
          : pass(packet)
      )
    }),
    kills: of(
      "xuanxuan",
      "offline/messages-only#no-rename offline/messages-only#no-create offline/kicked-meanwhile#nothing offline/left-meanwhile#nothing offline/joined-later#not-what-came-before"
    )
  },
  {
    name: "announces-what-was-there",
    description: "a chat is announced again to the requester of a repeated creation",
    make: () => ({
      packet: onReply((packet, context) =>
        packet.about === "chat/create"
          ? [
              ...pass(packet),
              ...toAll(context, {
                id: 1,
                module: "chat",
                method: "create",
                data: field(packet.body, "data") ?? null
              })
            ]
          : pass(packet)
      )
    }),
    kills: of("xuanxuan", "create/pair#no-push-for-a-known-pair create/twice#no-second-push")
  },
  {
    name: "answers-what-wants-no-answer",
    description: "acknowledgements and empty arrays are answered",
    make: () => ({
      request: (frame) => {
        if (isArray(frame) && frame.length === 0)
          return [{ send: { module: "null", method: "null", result: "success" } }]
        return requests(frame)
          .filter((request) => aboutOf(request) === "chat/message" && field(request, "params") === undefined)
          .map((request) => ({ send: { ...request, result: "success" } }))
      }
    }),
    kills: of(
      "xuanxuan",
      "offline/acknowledged#no-answer offline/foreign-ack#no-answer",
      "formats/empty-array#no-answer"
    )
  },
  {
    name: "loss-is-a-logout",
    description: "a lost connection is announced as a logout and as a change of status",
    make: () => ({
      gone: (context) =>
        ["logout", "userChangeStatus"].flatMap((method) =>
          toAll(context, { id: 1, module: "chat", method, data: { ...context.user } })
        )
    }),
    kills: of("xuanxuan", "logout/disconnect#no-logout-push logout/disconnect#no-status-push")
  },
  {
    name: "push-twice",
    description: "every push comes twice",
    make: () => ({ packet: onPush((packet) => [...pass(packet), ...pass(packet)]) }),
    kills: of(
      "xuanxuan",
      "login/success#once",
      "logout/success#once",
      "create/group#once",
      "message/one#once message/race#once",
      "offline/delivered-at-login#each-once"
    )
  },
  {
    name: "push-leaked",
    description: "every push reaches everybody who is connected",
    make: () => ({ packet: onPush(({ body }, context) => toAll(context, body)) }),
    kills: of(
      "xuanxuan",
      "create/group#nobody-else",
      "rename/by-id#nobody-else",
      "invite/add#nobody-else",
      "message/one#nobody-else message/several#not-the-first-chat",
      "public/on-and-off#nobody-else"
    )
  },
  {
    name: "push-to-the-wrong",
    description: "what is for one is pushed to another",
    silent: true,
    make: () => ({
      packet: onPush((packet, context) => {
        const wrong = others(context)
        const to = wrong.at(-1)
        return to === undefined ? [] : [{ send: packet.body, to }]
      })
    }),
    kills: of(
      "xuanxuan",
      "create/group#members-hear create/group#nobody-else",
      "message/one#nobody-else",
      "logout/success#others-hear"
    )
  },
  {
    name: "pushes-late",
    description: "pushes come after the deadline",
    silent: true,
    make: () => ({ packet: onPush(({ body }) => [{ send: body, after: tooLate }]) }),
    kills: of(
      "xuanxuan",
      "create/group#members-hear",
      "message/one#members-hear",
      "login/success#others-hear",
      "logout/success#others-hear"
    )
  },
  {
    name: "replies-late",
    description: "replies come after the deadline",
    silent: true,
    make: (scenario) => ({
      packet: onReply((packet, context) =>
        isEntry(scenario, packet, context) ? pass(packet) : [{ send: packet.body, after: tooLate }]
      ),
      answer: (answer) => (isLogin(answer) ? answer : { ...answer, after: tooLate })
    }),
    kills: [
      ...of("xuanxuan", "create/group#response", "users/list#response", "config/get#response"),
      ...of("ha", "conversation/documented#conversation"),
      ...of("spark", "start/new#response"),
      ...of("hisihi", "create/documented#fields"),
      ...of("youdu", "create/documented#created")
    ]
  },
  {
    name: "lists-reordered",
    description: "of the login reply, the user list and the chat list, the second comes before the first",
    make: () => reordering(({ about, way }) => (way === "push" ? LISTS.has(about) : about === "chat/login")),
    kills: of("xuanxuan", "login/response-first#user-list-later", "logout/resume#chat-list")
  },
  {
    name: "messages-reordered",
    description: "of two messages that are pushed, the second comes before the first",
    make: () => reordering(({ about, way }) => way === "push" && about === "chat/message"),
    kills: of("xuanxuan", "message/several#second-in-order")
  },
  {
    name: "chat-list-late",
    description: "the chat list comes after what is pushed next",
    make: () => ({
      packet: onPush((packet) =>
        packet.about === "chat/getlist" ? pass(packet).map((deed) => ({ ...deed, after: HOLD })) : pass(packet)
      )
    }),
    kills: of("xuanxuan", "offline/delivered-at-login#first-delivered")
  },
  {
    name: "pushed-only-once",
    description: "what was pushed once is not pushed again after a new login",
    silent: true,
    make: () => ({
      packet: onPush((packet, context) => {
        const id = field(packet.body, "id")
        const isKnown = context.pushed.some(({ body, about }) => about === "chat/message" && field(body, "id") === id)
        return packet.about === "chat/message" && isKnown ? [] : pass(packet)
      })
    }),
    kills: of(
      "xuanxuan",
      "offline/deleted-by-id#unacknowledged-comes-again offline/redelivered#delivered-again offline/live-unacknowledged#delivered-again offline/acknowledged#unacknowledged-comes-again offline/foreign-ack#still-comes-again offline/not-taken#delivered-again"
    )
  },
  {
    name: "push-ids-all-alike",
    description: "every push has the id 1",
    make: () => ({ packet: onPush(({ body }) => [{ send: { ...body, id: 1 } }]) }),
    kills: of("xuanxuan", "message/several#second-in-order", "offline/delivered-at-login#second-delivered")
  },
  {
    name: "push-ids-of-each-connection",
    description: "the same push has another id on each connection",
    make: () => ({
      packet: onPush(({ body }, context) => [
        { send: { ...body, id: Number(field(body, "id")) + context.connection * 1000 } }
      ])
    }),
    kills: of("xuanxuan", "offline/foreign-ack#same-id-for-all offline/redelivered#delivered-again")
  }
]
