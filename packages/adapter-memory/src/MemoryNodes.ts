/** Leases and presence of engines of one process that share a store. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { UserId } from "@parley/core/Ids"
import { LEASE_MS, type ListedNode, type NodeFacts, type NodeLease, type NodePresence, Nodes } from "@parley/core/Nodes"

interface NodeState {
  /** Milliseconds since 1970. */
  endsAt: number
  presence: number
  facts: NodeFacts | undefined
  readonly users: Map<UserId, NodePresence>
}

/** Returns a new, empty registry, which the engines share. */
export const make = (): Nodes["Service"] => {
  const nodes = new Map<string, NodeState>()
  const live = Effect.map(Clock.currentTimeMillis, (now) => {
    for (const [node, { endsAt }] of nodes) if (endsAt <= now) nodes.delete(node)
    return now
  })
  const stateOf = (node: string, now: number): NodeState => {
    const state = nodes.get(node) ?? { endsAt: 0, presence: 0, facts: undefined, users: new Map() }
    nodes.set(node, state)
    state.endsAt = now + LEASE_MS
    return state
  }
  const storeId = `memory${String(Math.random()).slice(2)}`
  return Nodes.of({
    storeId: Effect.succeed(storeId),
    renew: (node, facts) =>
      Effect.map(live, (now) => {
        stateOf(node, now).facts = facts
        return Array.from(nodes, ([name, { presence, endsAt }]): NodeLease => ({ node: name, presence, endsAt }))
      }),
    savePresence: (node, version, users) =>
      Effect.map(live, (now) => {
        const state = stateOf(node, now)
        state.presence = Math.max(state.presence, version)
        for (const one of users) state.users.set(one.user, one)
      }),
    presence: (node, after) =>
      Effect.map(live, () =>
        [...(nodes.get(node)?.users.values() ?? [])].filter(
          ({ eventVersion, version }) => version > after || eventVersion > after
        )
      ),
    list: Effect.map(live, (now) =>
      Array.from(nodes, ([node, { endsAt, facts }]): ListedNode | undefined =>
        facts === undefined ? undefined : { node, ...facts, renewedAgo: now - (endsAt - LEASE_MS) }
      )
        .filter((one) => one !== undefined)
        .sort((a, b) => a.startedAt - b.startedAt)
    ),
    leave: (node) => Effect.sync(() => void nodes.delete(node))
  })
}
