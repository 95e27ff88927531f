/**
 * The bus of the nodes of one database on NATS: their packets are messages of one NATS subject. Leases, presence and everything
 * that must not be lost stay in the database.
 */
import { Bus } from "@parley/core/Bus"
import { checkOptions, secret } from "@parley/core/Check"
import { Nodes } from "@parley/core/Nodes"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { BusError } from "./internal/BusError.ts"
import { openBus } from "./internal/openBus.ts"
import { parseServers } from "./internal/servers.ts"

export { BusError } from "./internal/BusError.ts"

/** Location of the NATS servers. */
export interface Options {
  /**
   * `nats://user:password@host:port`, `nats://token@host:port`, or `tls://…` for servers that must use TLS. The host may be a list:
   * `one:4222,two:4222`. Port 4222 by default. Characters such as `@` in the password are percent-encoded.
   */
  readonly url: string
}

/**
 * The bus of nodes, whose registry names the NATS subject: `parley.packets.<id of the store>`. Nodes of another database
 * do not receive it. The layer does not wait for NATS: it connects in the background, again and again, and packets are lost until then.
 * Fails if the URL is not valid, or if the registry cannot be read.
 */
export const layer = (options: Options): Layer.Layer<Bus, BusError, Nodes> => {
  checkOptions("NatsBus.layer", options, { url: secret })
  return Layer.effect(
    Bus,
    Effect.gen(function* () {
      const servers = parseServers(options.url)
      if (typeof servers === "string") return yield* new BusError({ message: `The URL of the bus ${servers}.` })
      const { storeId } = yield* Nodes
      const id = yield* Effect.mapError(
        storeId,
        () => new BusError({ message: "The identity of the store, by which nodes find each other, cannot be read." })
      )
      return yield* openBus(servers, `parley.packets.${id}`)
    })
  )
}
