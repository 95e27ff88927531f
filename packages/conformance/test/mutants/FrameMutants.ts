/** Mutants of the content and the framing of messages. */
import { changed, everywhere } from "./Mutant.ts"
import { datesAsTexts, idsAsTexts, isEntry, isLogin, of, onBodies, onReply, pass } from "./Rewrites.ts"
import type { WireMutant } from "./WireMutant.ts"

export const frameMutants: ReadonlyArray<WireMutant> = [
  {
    name: "ids-as-texts",
    description: "ids are strings",
    make: (scenario) => onBodies(scenario, idsAsTexts),
    kills: [
      ...of(
        "xuanxuan",
        "login/alone#response",
        "create/group#response",
        "message/one#response",
        "formats/number-conventions#chats formats/number-conventions#messages formats/number-conventions#users"
      ),
      ...of("ha", "list/documented#newest-first"),
      ...of("hisihi", "create/documented#fields", "groups/documented#all")
    ]
  },
  {
    name: "dates-as-texts",
    description: "times are date strings",
    make: (scenario) => onBodies(scenario, datesAsTexts),
    kills: [
      ...of(
        "xuanxuan",
        "create/group#response create/group#members-hear",
        "message/one#response message/one#members-hear",
        "formats/number-conventions#chats formats/number-conventions#messages"
      ),
      ...of("ha", "send/documented#text-listed"),
      ...of("hisihi", "login-signature/documented#fields")
    ]
  },
  {
    name: "sid-missing",
    description: "no reply but that of a login has a `sid`",
    make: () => ({
      packet: onReply((packet) => {
        if (packet.about === "chat/login") return pass(packet)
        const { sid: _, ...rest } = packet.body
        return [{ send: rest }]
      })
    }),
    kills: of(
      "xuanxuan",
      "create/group#response",
      "message/one#response",
      "logout/success#response",
      "users/list#response",
      "session/ping#response"
    )
  },
  {
    name: "no-json",
    description: "replies and responses are not JSON",
    silent: true,
    make: (scenario) => ({
      packet: onReply((packet, context) =>
        isEntry(scenario, packet, context) ? pass(packet) : [{ raw: JSON.stringify(packet.body).slice(0, -1) }]
      ),
      answer: (answer) =>
        isLogin(answer) || answer.text === "" ? answer : { ...answer, text: answer.text.slice(0, -1) }
    }),
    kills: [
      ...of("xuanxuan", "create/group#wire create/group#response", "config/get#response"),
      ...of("ha", "conversation/documented#conversation"),
      ...of("spark", "start/new#response"),
      ...of("hisihi", "create/documented#fields"),
      ...of("youdu", "create/documented#created")
    ]
  },
  {
    name: "binary-frames",
    description: "packets come in binary frames",
    silent: true,
    make: () => ({ packet: ({ body }) => [{ raw: Buffer.from(JSON.stringify(body)) }] }),
    kills: of("xuanxuan", "login/alone#response login/alone#wire")
  },
  {
    name: "torn-reply",
    description: "half a frame or half a body, then the end of the connection",
    silent: true,
    make: (scenario) => ({
      packet: onReply((packet, context) =>
        isEntry(scenario, packet, context) ? pass(packet) : [{ torn: packet.body }]
      ),
      answer: (answer) => (isLogin(answer) ? answer : { ...answer, end: "cut" })
    }),
    kills: [
      ...of("xuanxuan", "create/group#response", "login/alone#response", "config/get#response"),
      ...of("ha", "conversation/documented#conversation"),
      ...of("spark", "start/new#response"),
      ...of("hisihi", "create/documented#fields"),
      ...of("youdu", "create/documented#created")
    ]
  },
  {
    name: "torn-line",
    description: "half a line over TCP, then the end of the connection",
    silent: true,
    make: (scenario) => ({
      packet: onReply((packet, context) =>
        isEntry(scenario, packet, context) ? pass(packet) : [{ torn: packet.body }]
      )
    }),
    kills: of("xuanxuan", "login/alone#response login/alone#wire", "create/group#wire"),
    more: { transport: "tcp" }
  },
  {
    name: "closes-instead-of-answering",
    description: "the connection is closed where a reply is due",
    silent: true,
    make: (scenario) => ({
      packet: onReply((packet, context) => (isEntry(scenario, packet, context) ? pass(packet) : [{ close: true }])),
      answer: (answer) => (isLogin(answer) ? answer : { ...answer, end: "never" })
    }),
    kills: [
      ...of("xuanxuan", "create/group#response", "login/alone#response", "config/get#response"),
      ...of("ha", "conversation/documented#conversation"),
      ...of("spark", "start/new#response"),
      ...of("hisihi", "create/documented#fields"),
      ...of("youdu", "create/documented#created")
    ]
  },
  {
    name: "signatures-wrong",
    description: "the last digit of a signature is another one",
    make: (scenario) =>
      onBodies(scenario, (body) =>
        everywhere(body, (key, item) =>
          key === "signature" && typeof item === "string"
            ? item.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"))
            : item
        )
      ),
    kills: ({ id, taken }) => taken.way === "all" && id.startsWith("hisihi/") && id.endsWith("#signature")
  },
  {
    name: "bodies-empty",
    description: "every body over HTTP is `{}`",
    make: () => ({ answer: (answer) => (isLogin(answer) ? answer : changed(answer, () => ({}))) }),
    kills: [
      ...of("xuanxuan", "upload/success#response", "config/get#response"),
      ...of("ha", "conversation/documented#conversation conversation/refused#no-user"),
      ...of("spark", "start/new#response", "token/required#start-unknown"),
      ...of("hisihi", "create/documented#fields", "login-signature/refused#unknown-app"),
      ...of("youdu", "create/documented#created create/refused#title-null", "envelope/documented#token")
    ]
  }
]
