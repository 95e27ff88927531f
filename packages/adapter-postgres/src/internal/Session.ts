/**
 * One connection to the database. A statement that has no reply in time closes it: whether the statement took effect is then
 * unknown.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import type { Parameter } from "@effect/sql-pg/PgTypes"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Queue from "effect/Queue"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import { types, type Row } from "./values.ts"

/** Milliseconds until a statement must be done, at the server and here. */
export const STATEMENT_TIMEOUT = 5_000
/** Milliseconds for which a transaction may wait for its node, which holds locks meanwhile: its statements come without a pause. */
const IDLE_TIMEOUT = 2_000
/** Milliseconds until a connection must be established. */
const CONNECT_TIMEOUT = 3_000

export interface Target {
  readonly url: Redacted.Redacted
  /** The PostgreSQL schema with the tables. */
  readonly schema: string
}

export type Statement = readonly [sql: string, parameters: ReadonlyArray<Parameter>]
export type Rows = ReadonlyArray<Row>

/** Purpose of a connection. A migration may take as long as it needs; `nodes` is for packets, leases and presence. */
export type Purpose = "read" | "write" | "migrate" | "nodes"

/**
 * Settings of a connection. Every statement is planned once, whatever its parameters: planning costs more than running it, and so
 * does compiling it. A plan must hold while tables grow, so it scans no whole table. The statements that write combine lists of rows
 * whose length the planner cannot estimate: it combines them by hashing and sorting, never each row with each other.
 */
const settings = (schema: string, purpose: Purpose): Readonly<Record<string, string>> => ({
  search_path: schema,
  plan_cache_mode: "force_generic_plan",
  jit: "off",
  enable_seqscan: "off",
  enable_nestloop: purpose === "write" ? "off" : "on",
  statement_timeout: purpose === "migrate" ? "0" : String(STATEMENT_TIMEOUT),
  idle_in_transaction_session_timeout: String(IDLE_TIMEOUT),
  // Packets and leases need not be on disk.
  ...(purpose === "nodes" && { synchronous_commit: "off" }),
  default_transaction_isolation: "read committed"
})

export class Session {
  readonly #connection: PgConnection.PgConnection
  readonly #scope: Scope.Closeable
  readonly #isTimed: boolean
  #isClosed = false

  constructor(connection: PgConnection.PgConnection, scope: Scope.Closeable, isTimed: boolean) {
    this.#connection = connection
    this.#scope = scope
    this.#isTimed = isTimed
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Runs one statement. Statements that are started in one turn of the event loop travel together, in order. */
  query(sql: string, parameters: ReadonlyArray<Parameter> = []): Effect.Effect<Rows, SqlError> {
    const rows = this.#connection.queryValues(sql, parameters)
    if (!this.#isTimed) return rows
    return Effect.suspend(() => {
      // The server's own timeout comes first, with a known outcome.
      const timer = setTimeout(() => this.close(), STATEMENT_TIMEOUT + 500)
      return Effect.onExit(rows, () => Effect.sync(() => clearTimeout(timer)))
    })
  }

  /** Runs statements in order, in one round trip. Fails with the first failure when all have ended. */
  pipeline(statements: ReadonlyArray<Statement>): Effect.Effect<ReadonlyArray<Rows>, SqlError> {
    return Effect.gen({ self: this }, function* () {
      const pending: Array<Fiber.Fiber<Result.Result<Rows, SqlError>>> = []
      for (const [sql, parameters] of statements) {
        // Started at once, so that it is sent after the one before.
        pending.push(yield* Effect.forkChild(Effect.result(this.query(sql, parameters)), { startImmediately: true }))
      }
      const results: Array<Rows> = []
      let failure: SqlError | undefined
      for (const one of pending) {
        const result = yield* Fiber.join(one)
        if (Result.isSuccess(result)) results.push(result.success)
        else failure ??= result.failure
      }
      return failure === undefined ? results : yield* failure
    })
  }

  /** Receives the notifications of a channel until the scope closes or the connection is lost. */
  listen(channel: string): Effect.Effect<Queue.Dequeue<PgConnection.Notification, SqlError>, SqlError, Scope.Scope> {
    return this.#connection.listen(channel)
  }

  /** Closes the connection at once; its pending statements fail. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    Effect.runFork(Scope.close(this.#scope, Exit.void))
  }
}

/** Connects. The session is closed by its `close` only. */
export const openSession = ({ schema, url }: Target, purpose: Purpose): Effect.Effect<Session, SqlError> =>
  Effect.suspend(() => {
    const scope = Scope.makeUnsafe()
    return PgConnection.make({
      url,
      types,
      multiplex: true,
      applicationName: "parley",
      connectTimeout: CONNECT_TIMEOUT,
      keepAlive: 10_000,
      maxMessageSize: 2 ** 30,
      startupParameters: settings(schema, purpose)
    }).pipe(
      Scope.provide(scope),
      Effect.map((connection) => new Session(connection, scope, purpose !== "migrate")),
      Effect.onError(() => Scope.close(scope, Exit.void))
    )
  })
