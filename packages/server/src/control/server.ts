/** The holder's end of the control socket: runs the operator's commands in the process that holds the database. */
import { chmodSync, rmSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { isMainThread } from "node:worker_threads"
import { LineDecoder } from "@parley/adapter-node/LineDecoder"
import { audit } from "@parley/core/Audit"
import type { OperatorCommand } from "@parley/core/Dialect"
import { Progress } from "@parley/core/Progress"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Answer, MAX_LINE_BYTES, type Report, Request } from "./protocol.ts"

/** The socket cannot be served; `message` is one line. */
export class ControlFailed extends Data.TaggedError("ControlFailed")<{ readonly message: string }> {}

/** Operators are few; more than this is a mistake. */
const MAX_CONNECTIONS = 16

const decodeRequest = Schema.decodeUnknownEffect(Schema.fromJsonString(Request))
const encodeAnswer = Schema.encodeSync(Schema.fromJsonString(Answer))

/**
 * Serves `commands` at `address` until the scope closes, which lets commands that are under way finish.
 * The caller holds the database's lock, so a socket that is still there was left by a process that died.
 */
export const serveControl = Effect.fnUntraced(function* (
  address: string,
  commands: ReadonlyArray<OperatorCommand>
): Effect.fn.Return<void, ControlFailed, Scope.Scope> {
  const fibers = yield* FiberSet.make<void>()
  const run = yield* FiberSet.runtime(fibers)<never>()
  const sockets = new Set<Socket>()
  const server = yield* Effect.acquireRelease(listen(address), (server) =>
    Effect.gen(function* () {
      const closed = close(server)
      for (const socket of sockets) socket.pause()
      yield* FiberSet.awaitEmpty(fibers)
      for (const socket of sockets) socket.destroySoon()
      yield* closed
    })
  )
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
    // A client that went away: its command is carried out all the same.
    socket.on("error", () => socket.destroy())
    let last: Promise<void> = Promise.resolve()
    const lines = new LineDecoder(MAX_LINE_BYTES, {
      line: (bytes) => {
        const line = bytes.toString()
        const before = last
        last = new Promise((done) => {
          run(
            Effect.promise(() => before).pipe(
              Effect.andThen(answer(commands, line, (report) => void socket.write(`${JSON.stringify(report)}\n`))),
              Effect.andThen((reply) => Effect.sync(() => void socket.write(`${encodeAnswer(reply)}\n`))),
              Effect.ensuring(Effect.sync(done))
            )
          )
        })
      },
      oversized: () => socket.destroy()
    })
    socket.on("data", (chunk: Buffer) => lines.push(chunk))
  })
})

/** Milliseconds between two reports of progress, at least. */
const REPORT_INTERVAL = 250

/** What a request comes to, and on the way how far it is. Never fails: whatever happens is an answer. */
export const answer = (
  commands: ReadonlyArray<OperatorCommand>,
  line: string,
  report: (report: Report) => void = () => {}
): Effect.Effect<Answer> =>
  Effect.gen(function* () {
    const request = yield* decodeRequest(line).pipe(Effect.mapError(() => "the request is not understood"))
    let last = performance.now()
    return yield* carryOut(commands, request).pipe(
      Effect.provideService(Progress, (done, total) => {
        const now = performance.now()
        if (request.progress !== true || now - last < REPORT_INTERVAL) return
        last = now
        report({ done, total })
      })
    )
  }).pipe(
    Effect.map((output): Answer => ({ ok: true, output })),
    Effect.catch((error) => Effect.succeed<Answer>({ error }))
  )

/** Runs the command that the request names. A defect becomes a sentence, too: an operator is no place for a stack. */
export const carryOut = (commands: ReadonlyArray<OperatorCommand>, request: Request): Effect.Effect<string, string> => {
  const command = commands.find(
    ({ path: words }) =>
      words.length === request.words.length && words.every((word, index) => word === request.words[index])
  )
  if (command === undefined) return Effect.fail(`there is no command "${request.words.join(" ")}" here`)
  for (const input of command.inputs) {
    const value = request.inputs[input.name]
    if (value === undefined ? input.required : typeof value !== TYPES[input.kind]) {
      return Effect.fail(`"${request.words.join(" ")}" needs ${input.name}, ${input.description}`)
    }
  }
  const record = command.audits === true ? Effect.void : recorded(request)
  return Effect.andThen(record, command.run(request.inputs)).pipe(
    Effect.exit,
    Effect.flatMap(
      Exit.match({
        onSuccess: Effect.succeed,
        onFailure: (cause) => {
          const failure = Cause.findErrorOption(cause)
          return Effect.fail(failure._tag === "Some" ? failure.value : `it failed: ${String(Cause.squash(cause))}`)
        }
      })
    )
  )
}

/** Inputs that name what a command is about; passwords, keys and files are not among them. */
const NAMED = ["account", "name", "id", "org", "admin", "role", "dept", "buin", "app-id", "session", "value", "device"]

/** Commands that change nothing. */
const isReading = ({ words }: Request): boolean => words.at(-1) === "list" || words[0] === "explain"

/** The operator's commands are in the audit log before they are carried out. */
const recorded = (request: Request): Effect.Effect<void> => {
  if (isReading(request)) return Effect.void
  const about = NAMED.flatMap((name) => {
    const value = request.inputs[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return audit("operator", { command: request.words.join(" "), ...Object.fromEntries(about) })
}

const TYPES = { text: "string", integer: "number", boolean: "boolean" } as const

const listen = (address: string): Effect.Effect<Server, ControlFailed> =>
  Effect.callback<Server, ControlFailed>((resume) => {
    const isPipe = process.platform === "win32"
    if (!isPipe) rmSync(address, { force: true })
    const server = createServer()
    server.maxConnections = MAX_CONNECTIONS
    server.once("error", (error) =>
      resume(Effect.fail(new ControlFailed({ message: `cannot listen at ${address}: ${error.message}` })))
    )
    server.once("listening", () => {
      if (!isPipe) chmodSync(address, 0o600)
      resume(Effect.succeed(server))
    })
    // The socket's file is made within `listen` itself: with this mask nobody else can connect, not even for a moment.
    const mask = isPipe || !isMainThread ? undefined : process.umask(0o177)
    try {
      server.listen(address)
    } finally {
      if (mask !== undefined) process.umask(mask)
    }
  })

const close = (server: Server): Effect.Effect<void> => {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  return Effect.promise(() => closed)
}
