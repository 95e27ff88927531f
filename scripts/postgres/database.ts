/** Empty PostgreSQL databases for test files, on the servers of `setup.ts`. */
import { randomBytes } from "node:crypto"
import { connect } from "node:net"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Effect, Redacted } from "effect"
import { type PostgresVersion, programsOf } from "./binaries.ts"

/** Environment variable with the address at which a server is requested. */
export const ADDRESS = "PARLEY_TEST_POSTGRES"

export const versions: ReadonlyArray<PostgresVersion> = ["18", "15"]

/** Returns one sentence about what is missing to test on this version, or undefined. */
export const missing = (version: PostgresVersion): string | undefined => {
  const found = programsOf(version)
  return typeof found === "string" ? found : undefined
}

const ports = new Map<PostgresVersion, Promise<number>>()

const requestPort = (version: PostgresVersion): Promise<number> =>
  new Promise((resolve, reject) => {
    const address = process.env[ADDRESS]
    if (address === undefined) return reject(new Error(`${ADDRESS} is not set: the global setup has not run.`))
    let reply = ""
    const socket = connect(address, () => socket.write(version))
    socket.setEncoding("utf8")
    socket.on("data", (text: string) => (reply += text))
    socket.once("error", reject)
    socket.once("end", () => {
      const { port, problem } = JSON.parse(reply) as { readonly port?: number; readonly problem?: string }
      if (port === undefined) reject(new Error(problem))
      else resolve(port)
    })
  })

/** Port on 127.0.0.1 of the server of this version. */
export const serverPort = (version: PostgresVersion): Promise<number> => {
  const port = ports.get(version) ?? requestPort(version)
  ports.set(version, port)
  return port
}

/** Runs statements one after another, as a superuser; returns the rows of the last one. */
export const execute = (url: string, ...statements: ReadonlyArray<string>): Promise<ReadonlyArray<PgConnection.Row>> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const connection = yield* PgConnection.make({ url: Redacted.make(url) })
        let rows: ReadonlyArray<PgConnection.Row> = []
        for (const statement of statements) rows = (yield* connection.query(statement, [], false)).rows
        return rows
      })
    )
  )

/** Creates an empty database and returns its URL. It is removed with the server. */
export const createDatabase = async (version: PostgresVersion): Promise<string> => {
  const port = await serverPort(version)
  const name = `parley_${randomBytes(6).toString("hex")}`
  await execute(`postgres://postgres@127.0.0.1:${port}/postgres`, `CREATE DATABASE ${name} TEMPLATE template0`)
  return `postgres://postgres@127.0.0.1:${port}/${name}`
}
