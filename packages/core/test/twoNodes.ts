/** Two engines on one store in memory, with a bus that delivers or loses what each test chooses. */
import { assert } from "@effect/vitest"
import { Context, Duration, Effect, Layer, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { MemoryBus } from "@parley/adapter-memory/MemoryBus"
import * as MemoryNodes from "@parley/adapter-memory/MemoryNodes"
import { Bus } from "@parley/core/Bus"
import type { UserCaller as Caller } from "@parley/core/Event"
import { Nodes } from "@parley/core/Nodes"
import * as Parley from "@parley/core/Parley"
import type { Passwords } from "@parley/core/Passwords"
import { StorageFailed, Store } from "@parley/core/Store"
import { Chats, Messages } from "./Commands.ts"
import { type Client, people, plainPasswords } from "./harness.ts"

/** Facts of a node that is not listed. */
export const noFacts = { version: "", host: "", address: "", startedAt: 0, connections: 0 }

/** Whether a node reaches the store. */
interface Outage {
  isDown: boolean
}

const lost = new StorageFailed({ operation: "test", cause: new Error("the database is gone") })

/** Returns a port whose operations fail during an outage. */
const interruptible = <A extends object>(port: A, outage: Outage): A => {
  const wrap = (member: unknown): unknown => {
    if (Effect.isEffect(member)) return Effect.suspend(() => (outage.isDown ? Effect.fail(lost) : member))
    if (typeof member !== "function") return member
    const operation = member as (...input: ReadonlyArray<unknown>) => unknown
    return (...input: ReadonlyArray<unknown>) => {
      const result = operation(...input)
      return Effect.isEffect(result) && outage.isDown ? Effect.fail(lost) : result
    }
  }
  return Object.fromEntries(Object.entries(port).map(([name, member]) => [name, wrap(member)])) as A
}

/** Services of one engine. */
export type Node = Context.Context<Parley.Services | Store | Passwords>

/** Counts the calls of the store's methods. */
const counted = (store: Store["Service"], reads: Map<string, number>, log: Array<number>): Store["Service"] => {
  const count = (name: string) => reads.set(name, (reads.get(name) ?? 0) + 1)
  const wrapped: Record<string, unknown> = { ...store }
  for (const [name, value] of Object.entries(store)) {
    if (typeof value !== "function" || name === "commit") continue
    wrapped[name] = (...input: ReadonlyArray<unknown>) => {
      count(name)
      return (value as (...input: ReadonlyArray<unknown>) => unknown)(...input)
    }
  }
  const { appended } = store.journal
  wrapped["journal"] = {
    ...store.journal,
    appended: (after: number, limit: number) => {
      count("appended")
      return Effect.tap(appended(after, limit), (page) => Effect.sync(() => log.push(page.length)))
    }
  }
  return wrapped as Store["Service"]
}

/** Lets the engines finish what they have begun. */
export const turns = Effect.promise(async () => {
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
})

/** The buses of one cluster. */
export interface Transport {
  /** Opens the bus of one more node of a registry. */
  readonly connect: (registry: Nodes["Service"]) => Effect.Effect<Bus["Service"], never, Scope.Scope>
  /** Lets time pass by the test clock, and what is published meanwhile arrive. */
  readonly advance: (time: Duration.Input) => Effect.Effect<void>
}

const memoryTransport = Effect.sync((): Transport => {
  const bus = new MemoryBus()
  return {
    connect: () => Effect.sync(() => bus.connect()),
    advance: (time) => Effect.andThen(TestClock.adjust(time), turns)
  }
})

/** `change` returns the packets that arrive in place of one; the same packet by default. `references`: ports of an embedder. */
export const makeCluster = Effect.fnUntraced(function* (
  change: (packet: string) => ReadonlyArray<string> = (packet) => [packet],
  references: Layer.Layer<never> = Layer.empty,
  transport: Effect.Effect<Transport> = memoryTransport
) {
  const reads = new Map<string, number>()
  const packets: Array<string> = []
  /** Number of entries of each read of the log by id. */
  const log: Array<number> = []
  const registry = MemoryNodes.make()
  const stored = counted(MemoryStore.make(), reads, log)
  const { advance, connect } = yield* transport
  /** A node that `dies` does not end its lease; one with an `outage` loses the store. */
  const start = (dies: boolean, outage: Outage = { isDown: false }) =>
    Effect.flatMap(connect(registry), (bus) => {
      const changed = Bus.of({
        ...bus,
        publish: (packet) => {
          packets.push(packet)
          for (const one of change(packet)) bus.publish(one)
        }
      })
      const ports = Layer.merge(
        Layer.succeed(Bus, changed),
        Layer.succeed(
          Nodes,
          interruptible(dies ? Nodes.of({ ...registry, leave: () => Effect.void }) : registry, outage)
        )
      )
      const { appendMessage: _, journal, ...rest } = stored
      const store = Layer.succeed(
        Store,
        Store.of({ ...interruptible(rest, outage), journal: { ...journal, ...interruptible(journal, outage) } })
      )
      const layer = Parley.layerOn(ports).pipe(Layer.provideMerge(Layer.mergeAll(store, plainPasswords, references)))
      return Layer.build(Layer.fresh(layer))
    })
  return { here: yield* start(false), there: yield* start(false), start, reads, log, packets, registry, advance }
})

/** Runs an effect on one of the engines. */
export const on =
  (node: Node) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Parley.Services | Store | Passwords>> =>
    Effect.provideContext(effect, node)

/** A kind of bus. */
export interface TwoNodes {
  readonly bus: string
  readonly delivers: boolean
  /** The time within which a change on one node reaches the other. */
  readonly time: Duration.Input
  readonly transport?: Effect.Effect<Transport>
}

export const BUSES: ReadonlyArray<TwoNodes> = [
  { bus: "a bus that delivers", delivers: true, time: "50 millis" },
  { bus: "a bus that loses everything", delivers: false, time: "2 seconds" }
]

/** Two nodes that have seen each other, with three users and a group of ann and ben. */
export const makePeople = ({ delivers, transport }: TwoNodes) =>
  Effect.gen(function* () {
    const cluster = yield* makeCluster((packet) => (delivers ? [packet] : []), Layer.empty, transport)
    const { advance, here } = cluster
    const [ann, ben, cat] = yield* on(here)(people("ann", "ben", "cat"))
    assert(ann && ben && cat)
    const { chat } = yield* on(here)(
      Effect.flatMap(Chats, (chats) => chats.create(ann, { gid: "g", name: "old", members: [ben.user] }))
    )
    yield* advance("2 seconds")
    return { ...cluster, ann, ben, cat, chat }
  })

export const send = (node: Node, by: Caller, gid: string, chat = "g") =>
  on(node)(Effect.flatMap(Messages, (messages) => messages.send(by, [{ gid, chat: { gid: chat }, content: gid }])))

export const texts = (client: Client, kind = "Posted") => client.of(kind).map(({ text }) => text)
