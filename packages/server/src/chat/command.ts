/** `parley chat`: a small chat client for the terminal. */
import { connect, type ParleyError, type State } from "@parley/client"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { CommandFailed } from "../terminal/CommandFailed.ts"
import { untilStopped } from "../terminal/onSignal.ts"
import { Misconfigured } from "../config/ConfigurationFile.ts"
import { type ReplContext, handle, listChats } from "./repl.ts"
import { ChatState, plain } from "./ChatState.ts"
import { type TerminalStreams, openTerminal } from "./terminal.ts"

/** What demo users log in with. */
const DEMO_PASSWORD = "123456"

/** Milliseconds to wait for the reply to a logout: the server may be away. */
const PARTING = 2000

/** Milliseconds for the server to confirm the end of the connection; then the process ends without that. */
const CLOSING = 1000

/** Maximum number of milliseconds before the next attempt to reconnect. */
const LAST_DELAY = 10_000

export interface ChatOptions {
  readonly as: string
  readonly url: string
  readonly password: string
}

const failed = (error: ParleyError): CommandFailed =>
  new CommandFailed({ message: plain(error.message).replaceAll("\n", " ") })

/** A connection that is online; closed with the scope. Fails where the server cannot be reached or refuses the login. */
const connected = ({ as, url, password }: ChatOptions) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: (signal) =>
        connect({ url, account: as, password, signal, retry: false, timeout: 0, backoff: { max: LAST_DELAY } }),
      catch: (error) => failed(error as ParleyError)
    }),
    (parley) => Effect.sync(() => parley.close()),
    { interruptible: true }
  )

/**
 * Chats until the input ends or says `/quit`; fails when the server does not want this client, and, without a terminal,
 * when a line could not be carried out.
 */
export const chat = Effect.fnUntraced(function* (
  options: ChatOptions,
  ends: TerminalStreams
): Effect.fn.Return<void, CommandFailed | Misconfigured, Scope.Scope> {
  const { as, url } = options
  if (!URL.canParse(url) || !/^(?:http|ws)s?:/i.test(url)) {
    return yield* new Misconfigured({ message: `--url must be a URL of http, not ${url}` })
  }
  const screen = yield* openTerminal(ends)
  const parley = yield* connected(options)
  const notebook = new ChatState(parley)
  const now = () => new Date()
  let failures = 0
  const fail = (reason: string) => {
    failures++
    screen.show([`! ${reason}`])
  }
  const conversation: ReplContext = { parley, state: notebook, show: (lines) => screen.show(lines), fail, now }

  let isLost = false
  const ended = Effect.callback<never, CommandFailed>((resume) => {
    const look = (state: State, error: ParleyError | undefined): void => {
      if (error !== undefined) {
        // The client closes after the logout.
        if (error.code !== "closed") resume(failed(error))
      } else if (isLost ? state === "online" : state === "waiting") {
        isLost = !isLost
        screen.show([isLost ? "* the connection is lost; coming back" : "* the connection is back"])
      }
    }
    const leave = parley.on("state", ({ state, error }) => look(state, error))
    look(parley.state, parley.error)
    return Effect.sync(leave)
  })
  const talk = Effect.gen(function* () {
    screen.show([`* you are ${as}; /help lists what you can do`])
    listChats(conversation)
    // A message is acknowledged once it is on the screen: one that this process did not show is delivered again.
    parley.onAny((event) => new Promise<void>((shown) => screen.show(notebook.hear(event, now()), shown)))
    for (;;) {
      const line = yield* Queue.take(screen.lines)
      if (!(yield* handle(conversation, line))) break
    }
  }).pipe(
    Effect.catchTag("Done", () => Effect.void),
    Effect.andThen(Effect.ignore(Effect.tryPromise(() => parley.logout({ timeout: PARTING }))))
  )
  yield* Effect.raceFirst(talk, ended)
  // A person has seen it; a script looks at the exit code.
  if (ends.output.isTTY !== true && failures > 0) {
    return yield* new CommandFailed({
      message: `${failures} ${failures === 1 ? "line was" : "lines were"} not carried out`
    })
  }
}, Effect.scoped)

export const chatCommand = Command.make(
  "chat",
  {
    as: Flag.String("as").pipe(Flag.withDescription("The account to log in with"), Flag.withMetavar("account")),
    url: Flag.String("url").pipe(
      Flag.withDescription("Where the server is. Default: http://127.0.0.1:8080"),
      Flag.withDefault("http://127.0.0.1:8080")
    ),
    password: Flag.String("password").pipe(
      Flag.withDescription(`Environment: PARLEY_PASSWORD. Default: ${DEMO_PASSWORD}, the password of all demo users`),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ as, url, password }) {
    const given = Option.getOrElse(password, () => process.env["PARLEY_PASSWORD"] ?? DEMO_PASSWORD)
    const closing = Effect.sync(() => void setTimeout(() => process.exit(), CLOSING).unref())
    yield* untilStopped(chat({ as, url, password: given }, { input: process.stdin, output: process.stdout })).pipe(
      Effect.ensuring(closing)
    )
  })
).pipe(
  Command.withDescription("Chat from the terminal"),
  Command.withExamples([
    { command: "parley chat --as alice", description: "As a user of the demonstration" },
    { command: "parley chat --as alice --url http://chat.example.org" }
  ])
)
