/** Server of the control socket: runs operator commands in the process that holds the database. */
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
import { MAX_LINE_BYTES, type Output, Reply, type Report, Request } from "./protocol.ts"

/** The socket cannot be opened; `message` is one line. */
export class ControlFailed extends Data.TaggedError("ControlFailed")<{ readonly message: string }> {}

/** Maximum connections; operators are few. */
const MAX_CONNECTIONS = 16

const decodeRequest = Schema.decodeUnknownEffect(Schema.fromJsonString(Request))
const encodeReply = Schema.encodeSync(Schema.fromJsonString(Reply))

/**
 * Serves `commands` at `address` until the scope closes, which lets commands in progress finish. Replaces an existing
 * socket: the caller holds the database's lock, so a process that died has left it.
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
    // The client has disconnected; its command still runs.
    socket.on("error", () => socket.destroy())
    let last: Promise<void> = Promise.resolve()
    const lines = new LineDecoder(MAX_LINE_BYTES, {
      line: (bytes) => {
        const line = bytes.toString()
        const previous = last
        last = new Promise((done) => {
          run(
            Effect.promise(() => previous).pipe(
              Effect.andThen(
                handleRequest(commands, line, (report) => void socket.write(`${JSON.stringify(report)}\n`))
              ),
              Effect.andThen((reply) => Effect.sync(() => void socket.write(`${encodeReply(reply)}\n`))),
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

/** Minimum milliseconds between two reports of progress. */
const REPORT_INTERVAL = 250

/** Runs a request and reports its progress. Never fails: errors become replies. */
export const handleRequest = (
  commands: ReadonlyArray<OperatorCommand>,
  line: string,
  report: (report: Report) => void = () => {}
): Effect.Effect<Reply> =>
  Effect.gen(function* () {
    const request = yield* decodeRequest(line).pipe(Effect.mapError(() => "the request is malformed"))
    let last = performance.now()
    return yield* executeCommand(commands, request).pipe(
      Effect.provideService(Progress, (done, total) => {
        const now = performance.now()
        if (request.progress !== true || now - last < REPORT_INTERVAL) return
        last = now
        report({ done, total })
      })
    )
  }).pipe(
    Effect.map((output): Reply => ({ ok: true, output })),
    Effect.catch((error) => Effect.succeed<Reply>({ error }))
  )

/** Runs the requested command. A defect becomes a one-line error too, without its stack. */
export const executeCommand = (
  commands: ReadonlyArray<OperatorCommand>,
  request: Request
): Effect.Effect<Output, string> => {
  const command = commands.find(
    ({ path: words }) =>
      words.length === request.words.length && words.every((word, index) => word === request.words[index])
  )
  if (command === undefined) return Effect.fail(`unknown command "${request.words.join(" ")}"`)
  for (const input of command.inputs) {
    const value = request.inputs[input.name]
    if (value === undefined ? input.required : typeof value !== TYPES[input.kind]) {
      return Effect.fail(`"${request.words.join(" ")}" needs ${input.name}, ${input.description}`)
    }
  }
  const record = command.audits === true ? Effect.void : auditRequest("operator", request)
  return Effect.andThen(record, command.run(request.inputs)).pipe(
    Effect.tapCause(() => auditRequest("operator.failed", request)),
    Effect.exit,
    Effect.flatMap(
      Exit.match({
        onSuccess: Effect.succeed,
        onFailure: (cause) => {
          const failure = Cause.findErrorOption(cause)
          return Effect.fail(failure._tag === "Some" ? failure.value : `internal error: ${String(Cause.squash(cause))}`)
        }
      })
    )
  )
}

/** Inputs in the audit log; passwords, keys and files are excluded. */
const AUDITED_INPUTS = [
  "account",
  "name",
  "id",
  "org",
  "admin",
  "role",
  "dept",
  "buin",
  "app-id",
  "session",
  "target",
  "value",
  "device"
]

/** Whether a command changes nothing. */
const isReading = ({ words }: Request): boolean => words.at(-1) === "list" || words[0] === "explain"

/** Writes a command to the audit log: before it runs, and again if it fails. */
const auditRequest = (act: "operator" | "operator.failed", request: Request): Effect.Effect<void> => {
  if (isReading(request)) return Effect.void
  const inputs = AUDITED_INPUTS.flatMap((name) => {
    const value = request.inputs[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return audit(act, { command: request.words.join(" "), ...Object.fromEntries(inputs) })
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
    // `listen` creates the socket's file synchronously; this mask keeps other users out from its creation on.
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
