/** `parley chat`: a small chat client for the terminal. */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { Failed } from "../command/Parts.ts"
import { untilStopped } from "../command/Stop.ts"
import { Misconfigured } from "../settings/ConfigurationFile.ts"
import { type Conversation, handle, listChats } from "./Conversation.ts"
import { Link } from "./Link.ts"
import { Notebook } from "./Notebook.ts"
import { type Ends, openScreen } from "./Screen.ts"
import { type Packet, socketUrl } from "./Wire.ts"

/** What demo users log in with. */
const DEMO_PASSWORD = "123456"

/** How long to wait for the server's goodbye: it may be away just now. */
const PARTING = Duration.seconds(2)

export interface ChatOptions {
  readonly as: string
  readonly url: string
  readonly password: string
}

/**
 * Chats until the input ends or says `/quit`; fails when the server does not want this client, and, where nobody watches,
 * when a line could not be carried out.
 */
export const chat = Effect.fnUntraced(function* ({ as, url, password }: ChatOptions, ends: Ends) {
  const socket = socketUrl(url)
  if (socket === undefined) return yield* new Misconfigured({ message: `--url must be a URL of http, not ${url}` })
  const screen = yield* openScreen(ends)
  const notebook = new Notebook(as)
  const ready = yield* Deferred.make<void>()
  const now = () => new Date()
  const heard = (pushes: ReadonlyArray<Packet>) => {
    const lines = pushes.flatMap((push) => notebook.hear(push, now()))
    // Acknowledged only once it is on the screen: what this process takes to its grave is delivered again.
    const ids = pushes.flatMap(({ id, method }) => (id !== undefined && method.toLowerCase() === "message" ? [id] : []))
    screen.show(lines, () => link.acknowledge(ids))
    if (pushes.some(({ method }) => method.toLowerCase() === "getlist")) Deferred.doneUnsafe(ready, Effect.void)
  }
  const link = new Link({
    url: socket,
    account: as,
    password,
    heard,
    lost: () => screen.show(["* the connection is lost; coming back"]),
    back: () => screen.show(["* the connection is back"])
  })
  let failures = 0
  const fail = (reason: string) => {
    failures++
    screen.show([`! ${reason}`])
  }
  const conversation: Conversation = { link, notebook, show: (lines) => screen.show(lines), fail, now }
  const talk = Effect.gen(function* () {
    yield* Deferred.await(ready)
    screen.show([`* you are ${as}; /help lists what you can do`])
    listChats(conversation)
    for (;;) {
      const line = yield* Queue.take(screen.lines)
      if (!(yield* handle(conversation, line))) break
    }
  }).pipe(
    Effect.catchTag("Done", () => Effect.void),
    Effect.andThen(link.request("logout").pipe(Effect.timeoutOption(PARTING)))
  )
  yield* Effect.raceFirst(talk, link.run)
  // A person has seen it; a script looks at the exit code.
  if (ends.output.isTTY !== true && failures > 0) {
    return yield* new Failed({ message: `${failures} ${failures === 1 ? "line was" : "lines were"} not carried out` })
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
    yield* untilStopped(chat({ as, url, password: given }, { input: process.stdin, output: process.stdout })).pipe(
      Effect.catchTag("LinkEnded", ({ message }) => Effect.fail(new Failed({ message })))
    )
  })
).pipe(
  Command.withDescription("Chat from the terminal"),
  Command.withExamples([
    { command: "parley chat --as alice", description: "As a user of the demonstration" },
    { command: "parley chat --as alice --url http://chat.example.org" }
  ])
)
