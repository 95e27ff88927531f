/** Buses of a NATS server. */
import * as NatsBus from "@parley/adapter-nats/NatsBus"
import * as MemoryNodes from "@parley/adapter-memory/MemoryNodes"
import { Bus } from "@parley/core/Bus"
import { Nodes } from "@parley/core/Nodes"
import { Context, Effect, Layer, type Scope } from "effect"

/** Opens the bus of one node of a registry; by default of a registry of its own. */
export const openBus = (
  url: string,
  registry = MemoryNodes.make()
): Effect.Effect<Bus["Service"], NatsBus.BusError, Scope.Scope> =>
  Effect.map(
    Layer.build(Layer.fresh(NatsBus.layer({ url }).pipe(Layer.provide(Layer.succeed(Nodes, registry))))),
    (context) => Context.get(context, Bus)
  )

/** Waits until the bus is connected, or until it is not. */
export const untilConnected = (bus: Bus["Service"], is = true): Effect.Effect<void> =>
  Effect.promise(async () => {
    while (bus.isConnected() !== is) await new Promise((resolve) => setTimeout(resolve, 5))
  })
