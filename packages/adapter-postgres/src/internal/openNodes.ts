/** Bus and registry of nodes on the database that they share. */
import { UserId } from "@parley/core/Ids"
import { Bus } from "@parley/core/Bus"
import { LEASE_MS, type ListedNode, type NodeFacts, type NodeLease, type NodePresence, Nodes } from "@parley/core/Nodes"
import { StorageFailed } from "@parley/core/Store"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import { causeOf, isConnectionLost } from "./errors.ts"
import type { Rows, Session, Statement } from "./Session.ts"
import { pause, type SessionPool } from "./SessionPool.ts"
import { Columns, int, ints, text, texts } from "./values.ts"

/** Maximum size of a packet: a notification has less than 8,000 bytes. */
const MAX_BYTES = 7_900
/** Maximum number of packets without a reply of the server; further ones are dropped. */
const MAX_IN_FLIGHT = 1_000
/** Milliseconds without a packet, even of this node, after which the connection is replaced: a node sends one each second. */
const SILENCE = 5_000
/** Milliseconds between attempts to connect. */
const RETRY_PAUSE = 500

interface Listener {
  /** Called when notifications begin to arrive, and when they end. */
  readonly changed: (isListening: boolean) => void
  readonly received: (packet: string) => void
}

/** Calls back for the notifications of a channel until interrupted. Those during a lost connection are lost. */
const follow = (
  connect: Effect.Effect<Session, SqlError>,
  channel: string,
  { changed, received }: Listener
): Effect.Effect<never> =>
  Effect.forever(
    Effect.gen(function* () {
      const session = yield* Effect.acquireRelease(connect, (open) => Effect.sync(() => open.close()))
      const notifications = yield* session.listen(channel)
      let timer = setTimeout(() => session.close(), SILENCE)
      changed(true)
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          changed(false)
          clearTimeout(timer)
        })
      )
      for (;;) {
        const { payload } = yield* Queue.take(notifications)
        timer.refresh()
        received(payload)
      }
    }).pipe(
      Effect.scoped,
      // Every end is the loss of a connection: by an error, or by an interruption of the queue when it was closed here.
      Effect.catchCause(() => Effect.void),
      Effect.andThen(pause(RETRY_PAUSE))
    )
  )

/** Opens the bus until the scope closes: one connection receives, from the first subscription on, and `pool` sends. */
export const openBus = Effect.fnUntraced(function* (
  connect: Effect.Effect<Session, SqlError>,
  channel: string,
  pool: SessionPool
): Effect.fn.Return<Bus["Service"], never, Scope.Scope> {
  const listeners = new Set<(packet: string) => void>()
  const scope = yield* Effect.scope
  let isListening = false
  const listen = follow(connect, channel, {
    changed: (is) => {
      isListening = is
    },
    received: (packet) => {
      for (const listener of listeners) listener(packet)
    }
  })
  let isStarted = false
  let inFlight = 0
  const send = (packet: string): Effect.Effect<void> =>
    Effect.flatMap(pool.get, (session) =>
      Effect.tapError(session.query("SELECT pg_notify($1, $2)", [text(channel), text(packet)]), (error) =>
        Effect.sync(() => {
          if (isConnectionLost(error)) session.close()
        })
      )
    ).pipe(
      Effect.ignore,
      Effect.ensuring(
        Effect.sync(() => {
          inFlight--
        })
      )
    )
  return Bus.of({
    maxBytes: MAX_BYTES,
    publish: (packet) => {
      if (inFlight >= MAX_IN_FLIGHT) return
      inFlight++
      Effect.runFork(send(packet))
    },
    subscribe: (listener) => {
      listeners.add(listener)
      if (!isStarted) {
        isStarted = true
        Effect.runFork(Effect.forkIn(listen, scope))
      }
      return () => listeners.delete(listener)
    },
    isConnected: () => isListening
  })
})

/** The server's clock counts for leases: those of nodes may differ. */
const NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

const RENEW = `WITH dead AS (
    DELETE FROM nodes WHERE node IN (
      SELECT node FROM nodes WHERE ends_at <= ${NOW} AND node <> $1 ORDER BY node FOR UPDATE SKIP LOCKED
    ) RETURNING node
  ), gone AS (
    DELETE FROM node_presence WHERE node IN (SELECT node FROM dead)
  ), renewed AS (
    INSERT INTO nodes (node, ends_at, presence, facts) VALUES ($1, ${NOW} + $2, 0, $3)
    ON CONFLICT (node) DO UPDATE SET ends_at = excluded.ends_at, facts = excluded.facts RETURNING node, presence, ends_at
  )
  SELECT node, presence, ends_at FROM renewed
  UNION ALL SELECT node, presence, ends_at FROM nodes WHERE node <> $1 AND ends_at > ${NOW}`

/** A node that is not there, or not any more, has lost what it saved before: version 0 makes it save all again. */
const SAVE = `WITH lease AS (
    INSERT INTO nodes (node, ends_at, presence) VALUES ($1, ${NOW} + $2, 0)
    ON CONFLICT (node) DO UPDATE SET ends_at = excluded.ends_at, presence = greatest(nodes.presence, $3)
  )
  INSERT INTO node_presence (node, member, status, version, event, event_version, since)
  SELECT $1, member, status, version, event, event_version, since
  FROM unnest($4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::bigint[], $9::bigint[])
    AS new (member, status, version, event, event_version, since)
  ON CONFLICT (node, member) DO UPDATE SET status = excluded.status, version = excluded.version, event = excluded.event,
    event_version = excluded.event_version, since = excluded.since`

const PRESENCE = `SELECT member, status, version, event, event_version, since FROM node_presence
  WHERE node = $1 AND (version > $2 OR event_version > $2)`
/** A copy of the database by `pg_dump` has another identity; a physical copy has the same. */
const STORE_ID = `SELECT substr(encode(sha256(convert_to(concat_ws('/', system_identifier,
    (SELECT oid FROM pg_database WHERE datname = current_database()), current_schema()), 'UTF8')), 'hex'), 1, 32)
  FROM pg_control_system()`
/** A node of the version before has no facts. */
const LIST = `SELECT node, ${NOW} - (ends_at - $1), facts FROM nodes WHERE ends_at > ${NOW}`
const LEAVE = "WITH lease AS (DELETE FROM nodes WHERE node = $1) DELETE FROM node_presence WHERE node = $1"

const lease = (row: Rows[number]): NodeLease => {
  const columns = new Columns(row)
  return { node: columns.text(), presence: columns.int(), endsAt: columns.int() }
}

const NO_FACTS: NodeFacts = { version: "", host: "", address: "", startedAt: 0, connections: 0 }

const listed = (row: Rows[number]): ListedNode => {
  const columns = new Columns(row)
  const [node, renewedAgo] = [columns.text(), columns.int()]
  return { node, ...NO_FACTS, ...(columns.json() as Partial<NodeFacts>), renewedAgo }
}

const presence = (row: Rows[number]): NodePresence => {
  const columns = new Columns(row)
  return {
    user: UserId(columns.int()),
    status: columns.text() as NodePresence["status"],
    version: columns.int(),
    event: columns.textOrNull() as NodePresence["event"],
    eventVersion: columns.int(),
    since: columns.int()
  }
}

/** Leases and presence of the nodes. */
export const registry = (pool: SessionPool): Nodes["Service"] => {
  const run = (operation: string, ...[sql, parameters]: Statement): Effect.Effect<Rows, StorageFailed> =>
    Effect.mapError(
      pool.query(sql, parameters),
      (error: SqlError) => new StorageFailed({ operation, cause: causeOf(error) })
    )
  return Nodes.of({
    storeId: Effect.map(run("storeId", STORE_ID, []), ([row]) => new Columns(row ?? []).text()),
    renew: (node, facts) =>
      Effect.map(
        run("renew", RENEW, [text(node), int(LEASE_MS), text(JSON.stringify(facts))]),
        (rows): ReadonlyArray<NodeLease> => rows.map(lease)
      ),
    list: Effect.map(run("nodes", LIST, [int(LEASE_MS)]), (rows) =>
      rows.map(listed).sort((a, b) => a.startedAt - b.startedAt)
    ),
    savePresence: (node, version, users) =>
      Effect.asVoid(
        run("savePresence", SAVE, [
          text(node),
          int(LEASE_MS),
          int(version),
          ints(users.map(({ user }) => user)),
          texts(users.map(({ status }) => status)),
          ints(users.map((one) => one.version)),
          texts(users.map(({ event }) => event)),
          ints(users.map(({ eventVersion }) => eventVersion)),
          ints(users.map(({ since }) => since))
        ])
      ),
    presence: (node, after) =>
      Effect.map(run("presence", PRESENCE, [text(node), int(after)]), (rows): ReadonlyArray<NodePresence> =>
        rows.map(presence)
      ),
    leave: (node) => Effect.asVoid(run("leave", LEAVE, [text(node)]))
  })
}
