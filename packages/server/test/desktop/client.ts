/** A 1.0 desktop client over raw TCP, with params by position, that reads its input in chunks of a given size. */
import { Effect } from "effect"
import * as net from "node:net"
import { md5, PASSWORD } from "../clients.ts"
import { DesktopReading } from "./Reading.ts"

const WAIT_TIMEOUT = "40 seconds"

/** Connects; `chunk` is the size of the parts in which it reads what arrives, in bytes. */
export const desktopClient = Effect.fnUntraced(function* (address: string, chunk: number) {
  const reading = new DesktopReading()
  const watchers = new Set<() => void>()
  const socket = yield* Effect.acquireRelease(
    Effect.callback<net.Socket, Error>((resume) => {
      const { hostname, port } = new URL(address)
      const connecting = net.connect({ host: hostname, port: Number(port), noDelay: true })
      connecting.once("error", (error) => resume(Effect.fail(error)))
      connecting.once("connect", () => resume(Effect.succeed(connecting)))
    }),
    (connected) => Effect.sync(() => connected.destroy())
  )
  let ended = false
  socket.on("error", () => {})
  socket.on("close", () => {
    ended = true
    for (const check of watchers) check()
  })
  socket.on("data", (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += chunk) reading.receive(bytes.subarray(at, at + chunk))
    for (const check of watchers) check()
  })
  const until = (what: string, isDone: (reading: DesktopReading) => boolean): Effect.Effect<void> =>
    Effect.callback<void>((resume) => {
      const check = (): void => {
        if (!isDone(reading)) return
        watchers.delete(check)
        resume(Effect.void)
      }
      watchers.add(check)
      check()
      return Effect.sync(() => void watchers.delete(check))
    }).pipe(
      Effect.timeoutOrElse({
        duration: WAIT_TIMEOUT,
        orElse: () => Effect.die(new Error(`no ${what}; ${JSON.stringify(reading.problems)}`))
      })
    )
  const send = (method: string, params?: object): void => {
    const { sid } = reading
    socket.write(`${JSON.stringify({ ...(sid !== "" && { sid }), module: "chat", method, params })}\n`)
  }
  return {
    reading,
    until,
    send,
    login: (account: string, password = PASSWORD) =>
      Effect.andThen(
        Effect.sync(() => send("login", [account, md5(password), "online"])),
        until(
          "login",
          ({ sid, loginFailure, methods }) => loginFailure !== undefined || (sid !== "" && methods.has("getlist"))
        )
      ),
    untilEnded: until("end", () => ended)
  }
})
