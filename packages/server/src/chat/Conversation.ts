/** What the lines typed into the terminal client do. */
import { randomUUID } from "node:crypto"
import * as Effect from "effect/Effect"
import type { Link } from "./Link.ts"
import { type Notebook, plain } from "./Notebook.ts"
import { chats, messages, type Packet, type WireChat } from "./Wire.ts"

const HELP = [
  "/chats                     list your chats",
  "/open <name or number>     open a chat, or with an account the chat with that user",
  "/history                   show the newest messages of the open chat",
  "/new <name> <account…>     make a group",
  "/who                       who is in the open chat",
  "/quit                      leave",
  "anything else is sent to the open chat; a line that begins with // is sent with one /"
]

/** Messages that `/history` shows. */
const PAGE = 20

export interface Conversation {
  readonly link: Link
  readonly notebook: Notebook
  readonly show: (lines: ReadonlyArray<string>) => void
  /** Shows why something could not be done. */
  readonly fail: (reason: string) => void
  /** By the clock of whoever reads. */
  readonly now: () => Date
}

/** Does what the line says; answers whether to go on. */
export const handle = (conversation: Conversation, line: string): Effect.Effect<boolean> => {
  const text = line.trim()
  if (text === "") return Effect.succeed(true)
  if (!text.startsWith("/") || text.startsWith("//")) {
    return Effect.as(say(conversation, text.startsWith("//") ? text.slice(1) : line), true)
  }
  const [command = "", ...words] = wordsOf(text)
  if (command === "/quit") return Effect.succeed(false)
  return Effect.as(carryOut(conversation, command, words), true)
}

const carryOut = (conversation: Conversation, command: string, words: ReadonlyArray<string>): Effect.Effect<void> => {
  switch (command) {
    case "/help":
      return Effect.sync(() => conversation.show(HELP))
    case "/chats":
      return Effect.sync(() => listChats(conversation))
    case "/open":
      return open(conversation, words.join(" "))
    case "/history":
      return history(conversation)
    case "/new":
      return create(conversation, words)
    case "/who":
      return Effect.sync(() => who(conversation))
    default:
      return Effect.sync(() => conversation.fail(`there is no ${command}; /help lists what there is`))
  }
}

/** Words, of which those in double quotes may hold blanks. */
const wordsOf = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, bare]) => quoted ?? bare ?? "")

export const listChats = ({ notebook, show }: Conversation): void => {
  const lines = notebook.chats.map((chat, index) => {
    const mark = chat.gid === notebook.open ? "*" : " "
    const people = chat.type === "system" ? "everybody" : String(notebook.members(chat).length)
    return `${mark}${String(index + 1).padStart(3)}  ${notebook.title(chat)}  (${people})`
  })
  show(lines.length === 0 ? ["you are in no chat; /new makes one"] : lines)
}

const opened = ({ notebook, show }: Conversation, chat: WireChat): void => {
  notebook.open = chat.gid
  show([`* ${notebook.title(chat)} is open`])
}

const open = Effect.fnUntraced(function* (conversation: Conversation, what: string) {
  const { notebook } = conversation
  const chat = notebook.find(what)
  if (chat !== undefined) return opened(conversation, chat)
  const other = notebook.userByAccount(what)
  const { me } = notebook
  if (other === undefined || me === undefined || other.id === me.id) {
    return conversation.fail(`there is no chat and no user ${JSON.stringify(what)}`)
  }
  const gid = [String(me.id), String(other.id)].sort().join("&")
  yield* make(conversation, { gid, name: "", type: "one2one", members: [{ id: me.id }, { id: other.id }] })
})

const create = Effect.fnUntraced(function* (conversation: Conversation, words: ReadonlyArray<string>) {
  const { notebook, fail } = conversation
  const [name, ...accounts] = words
  if (name === undefined || accounts.length === 0) return fail("/new needs a name and at least one account")
  const found = accounts.map((account) => notebook.userByAccount(account))
  const unknown = accounts.filter((_, index) => found[index] === undefined)
  if (unknown.length > 0) return fail(`there is no user ${unknown.join(", ")}`)
  const members = [notebook.me, ...found].flatMap((user) => (user === undefined ? [] : [{ id: user.id }]))
  yield* make(conversation, { gid: randomUUID(), name, type: "group", members })
})

const make = Effect.fnUntraced(function* (
  conversation: Conversation,
  params: { readonly gid: string; readonly name: string; readonly type: string; readonly members: unknown }
) {
  const answer = yield* conversation.link.request("create", params)
  const [chat] = chats(answer.data)
  if (answer.result !== "success" || chat === undefined) return conversation.fail(refusal(answer))
  conversation.notebook.learn(chat)
  opened(conversation, chat)
})

const history = Effect.fnUntraced(function* ({ link, notebook, show, fail, now }: Conversation) {
  if (notebook.open === undefined) return fail(NOTHING_OPEN)
  const params = { gid: notebook.open, recPerPage: PAGE, pageID: 1, recTotal: 0, continued: false }
  const answer = yield* link.request("history", params)
  if (answer.result !== "success") return fail(refusal(answer))
  const newestFirst = messages(answer.data)
  // Whoever asks for the past gets it, whether it has been shown before or not; it is not news any more after that.
  notebook.news(newestFirst, now())
  const lines = newestFirst.toReversed().map((message) => notebook.line(message, now()))
  show(lines.length === 0 ? ["no messages yet"] : lines)
})

const who = ({ notebook, show }: Conversation): void => {
  const chat = notebook.open === undefined ? undefined : notebook.chat(notebook.open)
  const users = chat === undefined ? notebook.users : notebook.members(chat)
  show(users.map((user) => `${user.status.padEnd(8)} ${plain(user.account)}  ${plain(user.realname)}`))
}

const say = Effect.fnUntraced(function* ({ link, notebook, show, fail, now }: Conversation, content: string) {
  if (notebook.open === undefined) return fail(NOTHING_OPEN)
  const message = { gid: randomUUID(), cgid: notebook.open, type: "normal", contentType: "text", content }
  const answer = yield* link.request("message", { messages: [message] })
  if (answer.result === "success") show(notebook.news(messages(answer.data), now()))
  else fail(refusal(answer))
})

const NOTHING_OPEN = "no chat is open; /chats lists them, /open opens one"

const refusal = (answer: Packet): string => plain(answer.message ?? `the server answered ${answer.result}`)
