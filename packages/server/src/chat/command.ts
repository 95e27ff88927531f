/** The command `parley chat`: a small chat client for the terminal. */
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
import { ShownMarks } from "./ShownMarks.ts"
import { type ReplContext, handle, isQuit, listChats } from "./repl.ts"
import { ChatState, plain } from "./ChatState.ts"
import { type TerminalStreams, openTerminal } from "./terminal.ts"

/** Password of the demo users. */
const DEMO_PASSWORD = "123456"

/** Maximum milliseconds to wait for the reply to a logout: the server may be down. */
const LOGOUT_TIMEOUT = 2000

/** Maximum milliseconds for each line that is still carried out after `/quit` was typed: the server may not respond. */
const QUIT_TIMEOUT = 2000

/** Maximum milliseconds before the next attempt to reconnect. */
const MAX_BACKOFF = 10_000

export interface ChatOptions {
  readonly as: string
  readonly url: string
  readonly password: string
}

const failed = (error: ParleyError): CommandFailed =>
  new CommandFailed({ message: plain(error.message).replaceAll("\n", " ") })

/** Connects until the scope closes. Fails if the server cannot be reached or refuses the login. */
const connected = ({ as, url, password }: ChatOptions) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: (signal) =>
        connect({ url, account: as, password, signal, retry: false, timeout: 0, backoff: { max: MAX_BACKOFF } }),
      catch: (error) => failed(error as ParleyError)
    }),
    (parley) => Effect.sync(() => parley.close()),
    { interruptible: true }
  )

/**
 * Runs the client until the input ends or is `/quit`. Fails when the client ends, for example after a login elsewhere, and,
 * without a terminal, when a line failed.
 */
export const chat = Effect.fnUntraced(function* (
  options: ChatOptions,
  streams: TerminalStreams
): Effect.fn.Return<void, CommandFailed | Misconfigured, Scope.Scope> {
  const { as, url } = options
  if (!URL.canParse(url) || !/^(?:http|ws)s?:/i.test(url)) {
    return yield* new Misconfigured({ message: `--url must be an http or ws URL, not ${url}` })
  }
  const terminal = yield* openTerminal(streams)
  const parley = yield* connected(options)
  const state = new ChatState(parley)
  const now = () => new Date()
  let failures = 0
  const fail = (reason: string) => {
    failures++
    terminal.show([`! ${reason}`])
  }
  const marks = new ShownMarks(parley)
  const context: ReplContext = { parley, state, show: (lines) => terminal.show(lines), marks, fail, now }

  let isLost = false
  const ended = Effect.callback<never, CommandFailed>((resume) => {
    const onState = (connection: State, error: ParleyError | undefined): void => {
      if (error !== undefined) {
        // The client closes after the logout.
        if (error.code !== "closed") resume(failed(error))
      } else if (isLost ? connection === "online" : connection === "waiting") {
        isLost = !isLost
        terminal.show([isLost ? "* connection lost; reconnecting" : "* reconnected"])
      }
    }
    const unsubscribe = parley.on("state", (event) => onState(event.state, event.error))
    onState(parley.state, parley.error)
    return Effect.sync(unsubscribe)
  })
  const quitting = Effect.andThen(terminal.quit, Effect.sleep(QUIT_TIMEOUT))
  const untilQuit = (work: Effect.Effect<void>): Effect.Effect<void> => Effect.raceFirst(work, quitting)
  const repl = Effect.gen(function* () {
    terminal.show([`* you are ${as}; /help lists the commands`])
    yield* untilQuit(listChats(context))
    // A message is acknowledged only after it is shown; otherwise the server delivers it again.
    parley.onAny(async (event) => {
      await new Promise<void>((shown) => terminal.show(state.applyEvent(event, now()), shown))
      if (event.type === "message") marks.mark(event.data)
    })
    for (;;) {
      const line = yield* Queue.take(terminal.lines)
      if (isQuit(line)) break
      yield* untilQuit(handle(context, line))
    }
  }).pipe(
    Effect.catchTag("Done", () => Effect.void),
    Effect.andThen(Effect.ignore(Effect.tryPromise(() => parley.logout({ timeout: LOGOUT_TIMEOUT }))))
  )
  yield* Effect.raceFirst(repl, ended)
  // Scripts need the exit code; a person has seen the error.
  if (streams.output.isTTY !== true && failures > 0) {
    return yield* new CommandFailed({
      message: `${failures} ${failures === 1 ? "line" : "lines"} failed`
    })
  }
}, Effect.scoped)

export const chatCommand = Command.make(
  "chat",
  {
    as: Flag.String("as").pipe(Flag.withDescription("The account to log in with"), Flag.withMetavar("account")),
    url: Flag.String("url").pipe(
      Flag.withDescription("URL of the server. Default: http://127.0.0.1:8080"),
      Flag.withDefault("http://127.0.0.1:8080")
    ),
    password: Flag.String("password").pipe(
      Flag.withDescription(
        `The account's password. Default: ${DEMO_PASSWORD}, the password of all demo users. Environment: PARLEY_PASSWORD`
      ),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ as, url, password }) {
    const secret = Option.getOrElse(password, () => process.env["PARLEY_PASSWORD"] ?? DEMO_PASSWORD)
    yield* untilStopped(chat({ as, url, password: secret }, { input: process.stdin, output: process.stdout }))
  })
).pipe(
  Command.withDescription("Chat from the terminal"),
  Command.withExamples([
    { command: "parley chat --as alice", description: "As a demo user" },
    { command: "parley chat --as alice --url http://chat.example.org" }
  ])
)
