/** Examines ports, and the encryption of connections from other machines. */
import { createServer } from "node:net"
import * as Effect from "effect/Effect"
import type { ServeOptions } from "../config/ServeOptions.ts"
import { isLoopback } from "../demo/demoGuard.ts"
import { type Examined, fail, ok, warn } from "./Examined.ts"

/** Returns the code of the error of listening on the port, or undefined if it is free. */
const tryListening = (host: string, port: number): Effect.Effect<string | undefined> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? error.message)))
    server.listen({ host, port }, () => server.close(() => resume(Effect.succeed(undefined))))
    return Effect.sync(() => void server.close())
  })

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: "choose a port from 1024, or give the server the capability CAP_NET_BIND_SERVICE",
  EADDRNOTAVAIL: "choose an address of this machine with --host, or 0.0.0.0 for all",
  ENOTFOUND: "choose an address of this machine with --host, or 0.0.0.0 for all"
}

/** `flag` sets the port; `isServed`: a server on the configured database runs on this machine. */
export const examinePort = Effect.fnUntraced(function* (
  name: string,
  flag: string,
  { host, port }: { readonly host: string; readonly port: number },
  isServed: boolean
): Effect.fn.Return<Examined> {
  if (port === 0) return ok(name, "any free port")
  const code = yield* tryListening(host, port)
  const at = `${host} port ${port}`
  if (code === undefined)
    return isServed ? ok(name, `${at} is free: the running server has another`) : ok(name, `${at} is free`)
  if (code !== "EADDRINUSE")
    return fail(name, `${at} cannot be used (${code})`, ADVICE[code] ?? `choose another with ${flag}`)
  return isServed
    ? ok(name, `${at} is in use, while the server of this database runs`)
    : fail(name, `${at} is in use by another program`, `stop that program, or choose another port with ${flag}`)
})

/** Parley itself does not encrypt. */
export const examineReach = ({ host, origins, tcpPort, trustedProxies }: ServeOptions): ReadonlyArray<Examined> => {
  const name = "encryption"
  const proxied =
    trustedProxies.length > 0
      ? ok(name, `clients come through ${trustedProxies.join(", ")}, which must encrypt and set X-Forwarded-For`)
      : isLoopback(host)
        ? ok(name, `only this machine reaches ${host}`)
        : warn(
            name,
            `other machines reach ${host} without encryption`,
            "put a proxy with TLS in front, listen on 127.0.0.1, and name the proxy with --trusted-proxies"
          )
  const isTcpOpen = tcpPort !== undefined && !isLoopback(host)
  const plain = origins.filter((origin) => origin.startsWith("http:"))
  return [
    proxied,
    ...(isTcpOpen
      ? [
          warn(
            "raw TCP",
            "other machines reach it without encryption",
            "disable it with --tcp-port off unless clients need it"
          )
        ]
      : []),
    ...(plain.length > 0
      ? [warn("origins", `pages of ${plain.join(", ")} are not encrypted`, "serve them by https")]
      : [])
  ]
}
