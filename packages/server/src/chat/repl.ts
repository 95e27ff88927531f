/** What the lines typed into the terminal client do. */
import { type Chat, type Parley, ParleyError } from "@parley/client"
import * as Effect from "effect/Effect"
import { type ChatState, plain } from "./ChatState.ts"

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

export interface ReplContext {
  readonly parley: Parley
  readonly state: ChatState
  readonly show: (lines: ReadonlyArray<string>) => void
  /** Shows why something could not be done. */
  readonly fail: (reason: string) => void
  /** By the clock of whoever reads. */
  readonly now: () => Date
}

/** Does what the line says; answers whether to go on. */
export const handle = (conversation: ReplContext, line: string): Effect.Effect<boolean> => {
  const text = line.trim()
  if (text === "") return Effect.succeed(true)
  if (!text.startsWith("/") || text.startsWith("//")) {
    return Effect.as(say(conversation, text.startsWith("//") ? text.slice(1) : line), true)
  }
  const [command = "", ...words] = wordsOf(text)
  if (command === "/quit") return Effect.succeed(false)
  return Effect.as(carryOut(conversation, command, words), true)
}

const carryOut = (conversation: ReplContext, command: string, words: ReadonlyArray<string>): Effect.Effect<void> => {
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

export const listChats = ({ state: notebook, show }: ReplContext): void => {
  const lines = notebook.chats.map((chat, index) => {
    const mark = chat.gid === notebook.open ? "*" : " "
    const people = chat.type === "system" ? "everybody" : String(notebook.members(chat).length)
    return `${mark}${String(index + 1).padStart(3)}  ${notebook.title(chat)}  (${people})`
  })
  show(lines.length === 0 ? ["you are in no chat; /new makes one"] : lines)
}

const opened = ({ state: notebook, show }: ReplContext, chat: Chat): void => {
  notebook.open = chat.gid
  show([`* ${notebook.title(chat)} is open`])
}

const open = Effect.fnUntraced(function* (conversation: ReplContext, what: string) {
  const { state: notebook } = conversation
  const chat = notebook.find(what)
  if (chat !== undefined) return opened(conversation, chat)
  const other = notebook.userByAccount(what)
  if (other === undefined || other.id === notebook.me.id) {
    return conversation.fail(`there is no chat and no user ${JSON.stringify(what)}`)
  }
  yield* make(conversation, (parley) => parley.openDirectChat(other))
})

const create = Effect.fnUntraced(function* (conversation: ReplContext, words: ReadonlyArray<string>) {
  const { state: notebook, fail } = conversation
  const [name, ...accounts] = words
  if (name === undefined || accounts.length === 0) return fail("/new needs a name and at least one account")
  const found = accounts.map((account) => notebook.userByAccount(account))
  const unknown = accounts.filter((_, index) => found[index] === undefined)
  if (unknown.length > 0) return fail(`there is no user ${unknown.join(", ")}`)
  const members = [notebook.me, ...found].filter((user) => user !== undefined)
  yield* make(conversation, (parley) => parley.create({ name, members }))
})

const make = (conversation: ReplContext, work: (parley: Parley) => Promise<Chat>): Effect.Effect<void> =>
  ask(conversation, work, (chat) => {
    conversation.state.learn(chat)
    opened(conversation, chat)
  })

/** Waits for the server, over reconnects; a refusal is shown. An error that ends the client ends the command elsewhere. */
const ask = <A>(
  { parley, fail }: ReplContext,
  work: (parley: Parley) => Promise<A>,
  done: (result: A) => void
): Effect.Effect<void> =>
  Effect.tryPromise({ try: () => work(parley), catch: (error) => error }).pipe(
    Effect.map(done),
    Effect.catch((error) => {
      if (parley.error !== undefined) return Effect.never
      return error instanceof ParleyError ? Effect.sync(() => fail(plain(error.message))) : Effect.die(error)
    })
  )

const history = (conversation: ReplContext): Effect.Effect<void> => {
  const { state: notebook, show, fail, now } = conversation
  const { open: gid } = notebook
  if (gid === undefined) return Effect.sync(() => fail(NOTHING_OPEN))
  return ask(
    conversation,
    (parley) => parley.history(gid, { size: PAGE }),
    ({ messages }) => {
      // The past is shown even if it was shown before; after that it is not new any more.
      notebook.news(messages, now())
      const lines = messages.toReversed().map((message) => notebook.line(message, now()))
      show(lines.length === 0 ? ["no messages yet"] : lines)
    }
  )
}

const who = ({ state: notebook, show }: ReplContext): void => {
  const chat = notebook.open === undefined ? undefined : notebook.chat(notebook.open)
  const users = chat === undefined ? notebook.users : notebook.members(chat)
  show(users.map((user) => `${user.status.padEnd(8)} ${plain(user.account)}  ${plain(user.realname)}`))
}

const say = (conversation: ReplContext, content: string): Effect.Effect<void> => {
  const { state: notebook, show, fail, now } = conversation
  const { open: gid } = notebook
  if (gid === undefined) return Effect.sync(() => fail(NOTHING_OPEN))
  return ask(
    conversation,
    (parley) => parley.send(gid, content),
    (message) => show(notebook.news([message], now()))
  )
}

const NOTHING_OPEN = "no chat is open; /chats lists them, /open opens one"
