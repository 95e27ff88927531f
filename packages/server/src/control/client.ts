/** Client of the control socket, used by the command line. */
import { connect } from "node:net"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { LineDecoder } from "@parley/adapter-node/LineDecoder"
import { Progress, type ReportProgress } from "@parley/core/Progress"
import { MAX_LINE_BYTES, type Output, Reply, Report, Request } from "./protocol.ts"

/** No process listens at the address: no server runs on that database. */
export class NoServer extends Data.TaggedError("NoServer")<{ readonly address: string }> {}

/** The server refused the command, or the exchange failed; `message` is one line. */
export class CommandRefused extends Data.TaggedError("CommandRefused")<{ readonly message: string }> {}

const encodeRequest = Schema.encodeSync(Schema.fromJsonString(Request))
const decodeReply = Schema.decodeUnknownEffect(Schema.fromJsonString(Reply))

const decodeReport = Schema.decodeUnknownOption(Schema.fromJsonString(Report))

const UNREACHABLE = new Set(["ENOENT", "ECONNREFUSED"])

/** Sends the command to the socket at `address` and returns its output. Reports progress to `Progress`. */
export const sendCommand = (address: string, request: Request): Effect.Effect<Output, NoServer | CommandRefused> =>
  Progress.pipe(
    Effect.flatMap((report) => exchange(address, `${encodeRequest({ ...request, progress: true })}\n`, report)),
    Effect.flatMap((line) =>
      decodeReply(line).pipe(
        Effect.mapError(() => new CommandRefused({ message: "the running server's reply is malformed" }))
      )
    ),
    Effect.flatMap((reply) =>
      "error" in reply ? Effect.fail(new CommandRefused({ message: reply.error })) : Effect.succeed(reply.output)
    )
  )

const exchange = (
  address: string,
  line: string,
  report: ReportProgress
): Effect.Effect<string, NoServer | CommandRefused> =>
  Effect.callback<string, NoServer | CommandRefused>((resume) => {
    const socket = connect(address, () => void socket.write(line))
    const finish = (outcome: Effect.Effect<string, NoServer | CommandRefused>) => {
      resume(outcome)
      socket.destroy()
    }
    const refuse = (message: string) => finish(Effect.fail(new CommandRefused({ message })))
    const lines = new LineDecoder(MAX_LINE_BYTES, {
      line: (bytes) => {
        const text = bytes.toString()
        const progress = Option.getOrUndefined(decodeReport(text))
        if (progress === undefined) finish(Effect.succeed(text))
        else report(progress.done, progress.total)
      },
      oversized: () => refuse("the running server's reply exceeds 64 MiB")
    })
    socket.on("data", (chunk: Buffer) => lines.push(chunk))
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (UNREACHABLE.has(error.code ?? "")) resume(Effect.fail(new NoServer({ address })))
      else if (error.code === "EACCES") refuse("the server runs as another user; run the command as that user")
      else refuse(`the running server cannot be reached: ${error.message}`)
    })
    socket.on("close", () => refuse("the running server closed the connection before its reply"))
    return Effect.sync(() => void socket.destroy())
  })

/** Returns whether a process listens at the address. */
export const isServed = (address: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const socket = connect(address)
    const finish = (served: boolean) => {
      resume(Effect.succeed(served))
      socket.destroy()
    }
    socket.on("connect", () => finish(true))
    socket.on("error", () => finish(false))
    return Effect.sync(() => void socket.destroy())
  })
