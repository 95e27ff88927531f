/** PostgreSQL of the cluster: a primary and, if asked for, a synchronous standby, which takes over when it is promoted. */
import { setTimeout as sleep } from "node:timers/promises"
import { type PostgresCluster, startCluster } from "../../scripts/postgres/cluster.ts"
import { execute } from "../../scripts/postgres/database.ts"

const NAME = "chaos"
/** The standby is asked for its reply to each commit. */
const SYNCHRONOUS = "ALTER SYSTEM SET synchronous_standby_names = '*'"
const ASYNCHRONOUS = "ALTER SYSTEM SET synchronous_standby_names = ''"
const RELOAD = "SELECT pg_reload_conf()"
const STREAMING = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'"

export class Database {
  #primary: PostgresCluster
  #standby: PostgresCluster | undefined

  private constructor(primary: PostgresCluster) {
    this.#primary = primary
  }

  static async start(withStandby: boolean): Promise<Database> {
    const primary = await startCluster("18")
    const database = new Database(primary)
    await execute(primary.url("postgres"), `CREATE DATABASE ${NAME} TEMPLATE template0`)
    if (withStandby) await database.addStandby()
    return database
  }

  get hasStandby(): boolean {
    return this.#standby !== undefined
  }

  /** Ports of the primary and of the standby, if there is one. */
  get ports(): ReadonlyArray<number> {
    return [this.#primary.port, ...(this.#standby === undefined ? [] : [this.#standby.port])]
  }

  /** The URL through links with these ports, one for each server. */
  static url(ports: ReadonlyArray<number>): string {
    return `postgres://postgres@${ports.map((port) => `127.0.0.1:${port}`).join(",")}/${NAME}`
  }

  /** Runs statements at the primary, in Parley's schema. */
  async execute(...statements: ReadonlyArray<string>): Promise<void> {
    await execute(this.#primary.url(NAME), "SET search_path = parley", ...statements)
  }

  /** Starts a standby of the primary, which restarts for it, and lets commits wait for the standby. */
  async addStandby(): Promise<void> {
    this.#standby = await this.#primary.startStandby()
    await execute(this.#primary.url("postgres"), SYNCHRONOUS, RELOAD)
    for (;;) {
      const [row] = await execute(this.#primary.url("postgres"), STREAMING)
      if (Number(Object.values(row ?? {})[0]) > 0) return
      await sleep(50)
    }
  }

  async kill(): Promise<void> {
    await this.#primary.kill()
  }

  async restart(): Promise<void> {
    await this.#primary.start()
  }

  /** Kills the primary and promotes the standby. */
  async promote(): Promise<void> {
    const standby = this.#standby
    if (standby === undefined) throw new Error("there is no standby")
    const former = this.#primary
    await former.kill()
    await execute(standby.url("postgres"), "SELECT pg_promote()")
    // The setting was copied if the former primary had it then.
    await execute(standby.url("postgres"), ASYNCHRONOUS, RELOAD)
    this.#primary = standby
    this.#standby = undefined
    await former.remove()
  }

  async remove(): Promise<void> {
    await this.#standby?.remove()
    await this.#primary.remove()
  }
}
