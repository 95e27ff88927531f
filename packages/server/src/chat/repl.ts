/** Commands of the terminal client. */
import { type Chat, type Parley, ParleyError } from "@parley/client"
import * as Effect from "effect/Effect"
import { type ChatState, plain } from "./ChatState.ts"
import type { ShownMarks } from "./ShownMarks.ts"

const HELP = [
  "/chats                     list your chats and their unread messages",
  "/open <name or number>     open a chat; with an account, the direct chat with that user",
  "/history                   show the newest messages of the open chat",
  "/new <name> <account…>     create a group",
  "/who                       list the members of the open chat, or all users",
  "/quit                      log out and exit",
  "any other line is sent to the open chat; a line that begins with // is sent with one /"
]

/** Number of messages that `/history` shows. */
const HISTORY_SIZE = 20

export interface ReplContext {
  readonly parley: Parley
  readonly state: ChatState
  readonly show: (lines: ReadonlyArray<string>) => void
  readonly marks: ShownMarks
  /** Shows an error, and counts it. */
  readonly fail: (reason: string) => void
  /** The current local time. */
  readonly now: () => Date
}

/** Whether the line ends the client. */
export const isQuit = (line: string): boolean => wordsOf(line.trim())[0] === "/quit"

/** Executes a line. */
export const handle = (context: ReplContext, line: string): Effect.Effect<void> => {
  const text = line.trim()
  if (text === "") return Effect.void
  if (!text.startsWith("/") || text.startsWith("//")) return send(context, text.startsWith("//") ? text.slice(1) : line)
  const [command = "", ...words] = wordsOf(text)
  return execute(context, command, words)
}

const execute = (context: ReplContext, command: string, words: ReadonlyArray<string>): Effect.Effect<void> => {
  switch (command) {
    case "/help":
      return Effect.sync(() => context.show(HELP))
    case "/chats":
      return listChats(context)
    case "/open":
      return open(context, words.join(" "))
    case "/history":
      return history(context)
    case "/new":
      return create(context, words)
    case "/who":
      return Effect.sync(() => listMembers(context))
    default:
      return Effect.sync(() => context.fail(`unknown command ${command}; /help lists the commands`))
  }
}

/** Splits at white space; words in double quotes may contain it. */
const wordsOf = (text: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, bare]) => quoted ?? bare ?? "")

/** Shows the chats with their unread messages; without them if another server of the protocol refuses to count. */
export const listChats = Effect.fnUntraced(function* ({ parley, state, show }: ReplContext) {
  const counts = yield* Effect.tryPromise(() => parley.unread()).pipe(Effect.orElseSucceed(() => []))
  const unread = new Map(counts.map(({ gid, count, more }) => [gid, `  ${count}${more ? "+" : ""} unread`]))
  const lines = state.chats.map((chat, index) => {
    const mark = chat.gid === state.open ? "*" : " "
    const members = chat.type === "system" ? "all users" : String(state.members(chat).length)
    return `${mark}${String(index + 1).padStart(3)}  ${state.title(chat)}  (${members})${unread.get(chat.gid) ?? ""}`
  })
  show(lines.length === 0 ? ["you have no chats; /new creates one"] : lines)
})

const opened = ({ state, show }: ReplContext, chat: Chat): void => {
  state.open = chat.gid
  show([`* ${state.title(chat)} is open`])
}

const open = Effect.fnUntraced(function* (context: ReplContext, key: string) {
  const { state } = context
  if (key === "") return context.fail("/open needs a name or a number; /chats lists your chats")
  const chat = state.find(key)
  if (chat !== undefined) return opened(context, chat)
  const other = state.userByAccount(key)
  if (other === undefined || other.id === state.me.id) {
    return context.fail(`there is no chat and no user ${JSON.stringify(key)}`)
  }
  yield* openCreated(context, (parley) => parley.openDirectChat(other))
})

const create = Effect.fnUntraced(function* (context: ReplContext, words: ReadonlyArray<string>) {
  const { state, fail } = context
  const [name, ...accounts] = words
  if (name === undefined || accounts.length === 0) return fail("/new needs a name and at least one account")
  const found = accounts.map((account) => state.userByAccount(account))
  const unknown = accounts.filter((_, index) => found[index] === undefined)
  if (unknown.length > 0) return fail(`there is no user ${unknown.join(", ")}`)
  const members = [state.me, ...found].filter((user) => user !== undefined)
  yield* openCreated(context, (parley) => parley.create({ name, members }))
})

const openCreated = (context: ReplContext, work: (parley: Parley) => Promise<Chat>): Effect.Effect<void> =>
  request(context, work, (chat) => {
    context.state.applyChat(chat)
    opened(context, chat)
  })

/** Sends a request, across reconnects, and shows a refusal. Never resolves after an error that ends the client. */
const request = <A>(
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

const history = (context: ReplContext): Effect.Effect<void> => {
  const { state, show, marks, fail, now } = context
  const { open: gid } = state
  if (gid === undefined) return Effect.sync(() => fail(NOTHING_OPEN))
  return request(
    context,
    (parley) => parley.history(gid, { size: HISTORY_SIZE }),
    ({ messages }) => {
      // Shown even if shown before, and marked as shown.
      state.unseenLines(messages, now())
      const lines = messages.toReversed().map((message) => state.line(message, now()))
      show(lines.length === 0 ? ["no messages yet"] : lines)
      const [newest] = messages
      if (newest !== undefined) marks.mark(newest)
    }
  )
}

const listMembers = ({ state, show }: ReplContext): void => {
  const chat = state.open === undefined ? undefined : state.chat(state.open)
  const users = chat === undefined ? state.users : state.members(chat)
  show(users.map((user) => `${user.status.padEnd(8)} ${plain(user.account)}  ${plain(user.realname)}`))
}

const send = (context: ReplContext, content: string): Effect.Effect<void> => {
  const { state, show, fail, now } = context
  const { open: gid } = state
  if (gid === undefined) return Effect.sync(() => fail(NOTHING_OPEN))
  return request(
    context,
    (parley) => parley.send(gid, content),
    (message) => show(state.unseenLines([message], now()))
  )
}

const NOTHING_OPEN = "no chat is open; /chats lists them, /open opens one"
